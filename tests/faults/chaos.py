#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Twelve contenders on four locks, while whoever holds one is stopped, killed, cut off or robbed (TAP).

usage: chaos.py [--seconds S] [--seed N] [--only SCENE]...       (also: CHAOS_SECONDS, CHAOS_SEED)

The scenes, one after the other, each with a private server behind a proxy of its own:

    calm     nothing happens: strict order, hardly an idle moment
    faults   processes are stopped, killed and frozen, requests and replies delayed, lost and cut, the server stops, restarts with
             its data and resets: never two at once
    forgets  as well, but the server loses its data or the lock, now and then twice in a row, and --now frees locks; newcomers
             take them: two at once no longer than renewal + I/O timeout + grace, and nobody who was run into calls it a success
             (checker.py says what cannot be known if the server forgets again before it was asked)

The leases are short (TTL_MS), so a fault of a second is longer than one.  Faults are aimed at holders: the server's record
says whose front it is.  What the scheduler cannot do is not held against netflock: two metronomes, one on each of two
processors, note when they were woken late; an overlap counts unless one of them was as late just then.  A line that begins with
"##" is shown by tests/run.
"""

import argparse
import asyncio
import ctypes
import json
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import checker  # noqa: E402
import proxy  # noqa: E402

TOOLS = os.path.join(HERE, "..", "tools")
BUILD = os.path.join(HERE, "..", "..", "build")
NETFLOCK = os.environ.get("NETFLOCK", os.path.join(BUILD, "netflock"))
BEAT = os.path.join(BUILD, "tools", "beat")
FACTOR = float(os.environ.get("NETFLOCK_TIME_FACTOR", "1"))

CONTENDERS, LOCKS = 12, ("l0", "l1", "l2", "l3")
TTL_MS, KILL_MS, IO_MS, SLACK_MS = 1200, 150, 100, 50  # the slack follows from the ttl: DESIGN 4
OPTIONS = ["-t", f"{TTL_MS}ms", "-k", f"{KILL_MS}ms", "--io-timeout", f"{IO_MS}ms"]
RENEW_MS = TTL_MS / 3
G2 = (RENEW_MS + IO_MS + KILL_MS) / 1e3  # seconds
ROUND = 120  # seconds: a longer run is several, with the seeds that follow
MARK = f"CHAOS={os.getpid()}.{time.time_ns()}"


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


# ------------------------------------------------------------------------------------------------------- its own tools


class Metronome:
    """Processes that should be woken every 2 ms; what was late by more than 10 ms."""

    def __init__(self):
        read, write = os.pipe()
        self.late, self.pids = [], []
        for cpu in sorted(os.sched_getaffinity(0))[:2]:
            pid = os.fork()
            if pid == 0:
                die_with_parent()
                os.sched_setaffinity(0, {cpu})
                os.close(read)
                self.tick(write)
            self.pids.append(pid)
        os.close(write)
        threading.Thread(target=self.listen, args=(read,), daemon=True).start()

    @staticmethod
    def tick(write):
        while True:
            before = boottime()
            time.sleep(0.002)
            now = boottime()
            if now - before > 0.012:
                os.write(write, f"{now:.6f} {now - before - 0.002:.6f}\n".encode())

    def listen(self, read):
        with os.fdopen(read) as lines:
            for line in lines:
                self.late.append(tuple(float(word) for word in line.split()))

    def absences(self):
        """When the machine was away for as long as a reply may take: [(begin, end)]"""
        return [(at - late, at) for at, late in self.late if late >= IO_MS / 4e3]

    def worst(self, begin, end):
        """How late a wake-up was that was due or came between these."""
        return max((late for at, late in self.late if at >= begin and at - late <= end), default=0.0)

    def stop(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Nuisance(proxy.Proxy):
    """The proxy of the other tests, but what it does to a request is drawn."""

    def __init__(self, server, log, lua, seed):
        super().__init__(server, log, lua, [])
        self.random = random.Random(seed)

    def action(self, name):
        p = self.random.random()
        if name == "subscribe":  # lost is lost for 30 s there: not in so short a run
            return "cut" if p < 0.03 else ""
        if name == "acquire" and p < 0.01:
            return f"delay={TTL_MS}"  # too late to begin
        if p < 0.06:
            return f"delay={self.random.randint(5, 3 * IO_MS)}"
        return "cut" if p < 0.08 else "lose" if p < 0.09 else "refuse" if p < 0.10 else ""


def run_proxy(listen, server, seed):
    """In a process of its own; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    die_with_parent()
    made = Nuisance(server, os.devnull, os.path.join(BUILD, "lua"), seed)

    async def serve():
        await made.load_scripts()
        listener = await asyncio.start_unix_server(made.serve, listen, limit=1 << 20, backlog=256)
        async with listener:
            await listener.serve_forever()

    asyncio.new_event_loop().run_until_complete(serve())
    os._exit(0)


class Server:
    """tests/tools/server.sh, and a connection to it that is made anew for each question."""

    def __init__(self, directory):
        self.directory, self.socket = directory, os.path.join(directory, "s")
        self.append = ["--appendonly", "yes", "--appendfsync", "no"]
        self.process = subprocess.Popen(["bash", os.path.join(TOOLS, "server.sh"), directory, *self.append],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.wait()

    def pid(self):
        with open(os.path.join(self.directory, "pid"), encoding="utf-8") as f:
            return int(f.read())

    def ask(self, *words):
        """The reply in Python's terms; None if there is none within a second."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(1)
                s.connect(self.socket)
                text = [w if isinstance(w, bytes) else str(w).encode() for w in words]
                s.sendall(b"*%d\r\n" % len(text) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in text))
                with s.makefile("rb") as f:
                    return self.value(f)
        except (OSError, ValueError):
            return None

    def value(self, f):
        line = f.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"*":
            return [self.value(f) for _ in range(int(text))]
        if kind == b"$":
            return f.read(int(text) + 2)[:-2] if text != b"-1" else None
        return int(text) if kind == b":" else text

    def wait(self):
        until = time.monotonic() + 20
        while self.ask("PING") != b"PONG":
            if time.monotonic() > until:
                raise RuntimeError("the server does not start: " + self.directory)
            time.sleep(0.01)

    def restart(self, away, forget):
        old = self.pid()
        os.kill(old, signal.SIGKILL)
        time.sleep(away)
        if forget:
            shutil.rmtree(os.path.join(self.directory, "appendonlydir"), ignore_errors=True)
        with open(os.path.join(self.directory, "control"), "w", encoding="utf-8") as f:
            f.write("start " + " ".join(self.append) + "\n")
        while self.pid() == old:
            time.sleep(0.005)
        self.wait()

    def holders(self, lock):
        """[(pid of the front, state)]"""
        reply = self.ask("HGETALL", f"netflock:{{{lock}}}") or []
        records = [json.loads(v) for k, v in zip(reply[::2], reply[1::2]) if k.startswith(b"h:")]
        return [(int(r["pid"]), r["state"]) for r in records if str(r.get("pid", "")).isdigit()]

    def stop(self):
        os.kill(self.pid(), signal.SIGCONT)
        with open(os.path.join(self.directory, "control"), "w", encoding="utf-8") as f:
            f.write("quit\n")
        self.process.wait()


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def marked():
    """Processes of this run: {pid: command}"""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            if not entry.isdigit():
                continue
            with open(f"/proc/{entry}/environ", "rb") as f:
                if (MARK + "\0").encode() not in f.read() + b"\0":
                    continue
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                found[int(entry)] = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            pass
    return found


# ------------------------------------------------------------------------------------------------------ the contenders


class Contender(threading.Thread):
    """Runs netflock again and again on its lock; a newcomer (LOCK is given) once, without waiting."""

    def __init__(self, scene, number, lock=None):
        super().__init__(daemon=True)
        self.scene, self.number, self.lock = scene, number, lock or LOCKS[number % len(LOCKS)]
        self.newcomer = lock is not None
        self.random = random.Random(f"{scene.seed}.{number}")

    def job(self, file, ms):
        """A single process, or a tree of three; some ignore TERM."""
        deaf = ["-t"] if self.random.random() < 0.3 else []
        beat = [BEAT, *deaf, file, str(ms)]
        if self.random.random() < 0.6:
            return [], beat
        tree = 'setsid "$@" & "$@" & wait'
        return [self.random.choice(["--wait-all", "--kill-all"])], ["sh", "-c", tree, "sh", *beat]

    def run(self):
        count = 0
        while not self.scene.over.is_set() and not (self.newcomer and count):
            count += 1
            ms = self.random.randint(5, 60) if self.random.random() < 0.6 else self.random.randint(200, 2000)
            file = os.path.join(self.scene.directory, f"{self.lock}.{self.number}.{count}")
            options, job = self.job(file, ms)
            options += ["-n"] if self.newcomer else ["-w", "10s"]
            env = dict(os.environ, NETFLOCK_URL="unix://" + self.scene.socket)
            env.update([MARK.split("=")])
            with open(file + ".err", "w+", encoding="utf-8") as err:
                began = boottime()
                process = subprocess.Popen([NETFLOCK, *OPTIONS, *options, self.lock, "--", *job], env=env,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
                run = checker.Run(self.lock, f"{self.lock}.{self.number}.{count}", process.pid, ms, began)
                self.scene.add(run)
                run.status = process.wait()
                run.ended = boottime()
                err.seek(0)
                run.said = " / ".join(err.read().splitlines())
            self.scene.done(run)


# ---------------------------------------------------------------------------------------------------------- the faults


class Scene:
    def __init__(self, name, seconds, seed, faults, nuisance):
        self.name, self.seconds, self.seed, self.faults = name, seconds, seed, faults
        self.random = random.Random(f"{seed}.{name}")
        self.directory = tempfile.mkdtemp(prefix="c", dir=os.environ.get("TMPDIR", "/tmp"))
        self.proxy_socket = os.path.join(self.directory, "p")
        self.server = Server(self.directory)
        # Without interference nothing stands between: what is to be exact is not to depend on a proxy's speed.
        self.proxy = run_proxy(self.proxy_socket, self.server.socket, self.seed) if nuisance else None
        self.socket = self.proxy_socket if nuisance else self.server.socket
        self.over, self.guard = threading.Event(), threading.Lock()
        self.runs, self.living, self.events, self.newcomers = [], {}, [], []
        self.amnesia = checker.Amnesia(renew=RENEW_MS / 1e3, io=IO_MS / 1e3, kill=KILL_MS / 1e3, lease=TTL_MS / 1e3)
        self.began = self.ended = 0.0

    def add(self, run):
        with self.guard:
            self.runs.append(run)
            self.living[run.pid] = run

    def done(self, run):
        with self.guard:
            if self.living.get(run.pid) is run:
                del self.living[run.pid]

    # Whom to hit: (front, keeper, [command and what is below it]) of somebody who holds a lock.
    def victim(self):
        locks = list(LOCKS)
        self.random.shuffle(locks)
        for lock in locks:
            for front, state in self.server.holders(lock):
                keeper = children(front)[:1]
                command = children(keeper[0]) if keeper else []
                if state == "held" and command and front in self.living:
                    return self.living[front], front, keeper[0], command
        return None

    def hit(self, run, kind):
        run.faults.append((boottime(), kind))
        self.events.append((boottime(), kind, run.lock))

    def happen(self, kind):
        """All locks are concerned."""
        for lock in LOCKS:
            self.events.append((boottime(), kind, lock))

    @staticmethod
    def send(number, *pids):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high))

    def fault(self, kind):
        getattr(self, "do_" + kind)()

    def aimed(self, kind, act):
        victim = self.victim()
        if victim:
            self.hit(victim[0], kind)
            act(*victim[1:])

    def do_kill_front(self):
        self.aimed("kill front", lambda front, keeper, command: self.send(signal.SIGKILL, front))

    def do_kill_keeper(self):
        self.aimed("kill keeper", lambda front, keeper, command: self.send(signal.SIGKILL, keeper))

    def do_kill_command(self):
        self.aimed("kill command", lambda front, keeper, command: self.send(signal.SIGKILL, *command))

    def do_term(self):
        self.aimed("term", lambda front, keeper, command: self.send(signal.SIGTERM, front))

    def do_stop_front(self):
        def act(front, keeper, command):
            self.send(signal.SIGSTOP, front)
            self.pause(0.1, 1.7)
            self.send(signal.SIGCONT, front)
        self.aimed("stop front", act)

    def do_stop_keeper(self):
        """Once it is continued, twice it is killed."""
        def act(front, keeper, command):
            for _ in range(self.random.choice([1, 1, 3])):
                self.send(signal.SIGSTOP, keeper)
                self.pause(0.01, 0.1)
        self.aimed("stop keeper", act)

    def do_stop_command(self):
        def act(front, keeper, command):
            self.send(signal.SIGSTOP, *command)
            self.pause(0.1, 1.7)
            self.send(signal.SIGCONT, *command)
        self.aimed("stop command", act)

    def do_freeze(self):
        """All of them, as a frozen host; longer than the lease, the command is never to go on."""
        def act(front, keeper, command):
            below = command + [p for c in command for p in children(c)]
            long = self.random.random() < 0.6
            self.send(signal.SIGSTOP, front, keeper, *below)
            time.sleep(TTL_MS / 1e3 * (self.random.uniform(1.1, 1.5) if long else self.random.uniform(0.1, 0.3)))
            self.send(signal.SIGCONT, keeper, front, *([] if long else below))
        self.aimed("freeze", act)

    def do_waiter(self):
        """Somebody who waits is killed, or stopped for a while."""
        with self.guard:
            waiting = [r for r in self.living.values() if not children(r.pid)]
        if not waiting:
            return
        run = self.random.choice(waiting)
        if self.random.random() < 0.5:
            self.hit(run, "kill front")
            self.send(signal.SIGKILL, run.pid)
        else:
            self.hit(run, "stop front")
            self.send(signal.SIGSTOP, run.pid)
            self.pause(0.05, 1.5)
            self.send(signal.SIGCONT, run.pid)

    def do_connections(self):
        self.happen("connections cut")
        self.server.ask("CLIENT", "KILL", "TYPE", self.random.choice(["normal", "pubsub"]))

    def do_network(self):
        self.happen("network away")
        self.send(signal.SIGSTOP, self.proxy)
        self.pause(0.1, 2.0)
        self.send(signal.SIGCONT, self.proxy)

    def do_server_stop(self):
        self.happen("server stopped")
        pid, begin = self.server.pid(), boottime()
        self.send(signal.SIGSTOP, pid)
        self.pause(0.1, 1.6)
        self.send(signal.SIGCONT, pid)
        self.server.wait()
        self.amnesia.outages.append((begin, boottime()))

    def do_restart(self):
        self.happen("server restarted")
        self.server.restart(self.random.uniform(0.0, 0.7), forget=False)

    def netflock(self, *words):
        subprocess.run([NETFLOCK, *words, "-u", "unix://" + self.server.socket], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=60)

    def do_reset(self):
        def reset(lock):
            self.netflock("reset", lock)
        victim = self.victim()
        if victim:
            self.hit(victim[0], "reset")
            threading.Thread(target=reset, args=(victim[0].lock,), daemon=True).start()

    def do_reset_now(self):
        victim = self.victim()
        if victim:
            self.hit(victim[0], "reset --now")
            self.netflock("reset", "--now", victim[0].lock)
            self.amnesia.robbed.setdefault(victim[0].lock, []).append(boottime())

    def forgotten(self, *locks):
        """They are; somebody who knows nothing of their holders comes at once to most of them."""
        for lock in locks:
            self.amnesia.forgot.setdefault(lock, []).append(boottime())
            if self.random.random() < 0.7:
                self.newcomers.append(Contender(self, 100 + len(self.newcomers), lock))
                self.newcomers[-1].start()

    def settled(self):
        """Until everybody has heard of the last forgetting; but one in four comes into that time."""
        last = max((instants[-1] for instants in self.amnesia.forgot.values()), default=0.0)
        if self.random.random() < 0.75:
            time.sleep(max(0.0, last + G2 - boottime()))

    def do_forget(self):
        self.settled()
        self.happen("all is forgotten")
        if self.random.random() < 0.5:
            self.server.ask("FLUSHALL")
        else:
            begin = boottime()
            self.server.restart(self.random.uniform(0.0, 0.3), forget=True)
            self.amnesia.outages.append((begin, boottime()))
        self.forgotten(*LOCKS)

    def do_delete(self):
        self.settled()
        victim = self.victim()
        if victim:
            self.hit(victim[0], "lock deleted")
            self.server.ask("DEL", f"netflock:{{{victim[0].lock}}}")
            self.forgotten(victim[0].lock)

    # ------------------------------------------------------------------------------------------------ from start to end

    def play(self):
        until = time.monotonic() + 20
        while not os.path.exists(self.socket) and time.monotonic() < until:
            time.sleep(0.01)
        contenders = [Contender(self, n) for n in range(CONTENDERS)]
        self.began = boottime()
        for contender in contenders:
            contender.start()
            time.sleep(0.02)
        end = time.monotonic() + self.seconds
        bag = []
        while time.monotonic() < end:
            if not self.faults:
                time.sleep(0.05)
                continue
            if not bag:  # each kind comes: a run has power against all of them
                bag = self.random.sample(self.faults, len(self.faults))
            self.fault(bag.pop())
            self.pause(0.02, 0.25)
        self.over.set()
        self.ended = boottime()
        for contender in contenders + self.newcomers:
            contender.join(60 * FACTOR)
        self.stuck = [r.name for r in self.runs if not r.ended]
        time.sleep(0.3)  # who was killed last may be dying
        self.left = marked()
        self.send(signal.SIGCONT, *self.left)
        self.send(signal.SIGKILL, *self.left)
        for run in self.runs:
            path = os.path.join(self.directory, run.name)
            run.beats = checker.read_beats(path) if os.path.exists(path) else []
        self.keys = self.left_keys()
        if self.proxy:
            self.send(signal.SIGKILL, self.proxy)
            os.waitpid(self.proxy, 0)
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def left_keys(self):
        """What is there after the last lease: nobody holds, nobody waits."""
        until = time.monotonic() + TTL_MS / 1e3 + 1
        while True:
            left = [lock for lock in LOCKS if self.server.holders(lock)]
            keys = self.server.ask("KEYS", "netflock:*:*") or []
            left += [key.decode() for key in keys if not key.endswith(b":history")]
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.05)

    def hits(self):
        """{kind: how often it hit somebody who held a lock}"""
        found = {}
        lines = checker.by_lock(self.runs)
        for instant, kind, lock in self.events:
            found.setdefault(kind, 0)
            found[kind] += any(r.first <= instant <= r.last for r in lines.get(lock, []))
        return found


# --------------------------------------------------------------------------------------------------------- the verdict


class Tap:
    def __init__(self, seed):
        self.count, self.failed, self.seed = 0, 0, seed

    def check(self, good, name, faults=()):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} {name}")
        for fault in list(faults)[:12] if not good else []:
            print("# " + str(fault))
        if not good:
            print(f"# CHAOS_SEED={self.seed}")
        sys.stdout.flush()


def excused(metronome, seconds, later):
    """Whether the machine was so late just then that the KILL, due SLACK before the lease's end, could be, too."""
    late = metronome.worst(later.first - 2 * TTL_MS / 1e3, later.first + seconds)
    return late >= SLACK_MS / 1e3 + seconds


def judge(scene, forgets, metronome, tap):
    runs, name = scene.runs, scene.name
    amnesia = scene.amnesia if forgets else checker.Amnesia()
    if forgets:
        amnesia.epoch = time.time() - boottime()
        amnesia.outages += metronome.absences()
    pairs = checker.overlaps(runs)
    counted = [p for p in pairs if (over := checker.excess(p, amnesia)) > 0 and not excused(metronome, over, p[2])]
    ran = [r for r in runs if r.ran]
    tap.check(not counted, f"{name}: never two at once" + (f" for longer than G2 allows ({G2 * 1e3:.0f} ms)" if forgets else ""),
              [f"{s * 1e3:.1f} ms: {a.name} (status {a.status}, {a.faults}, {a.said}) and {b.name}" for s, a, b in counted])
    for what, faults in (("who was run into never says success", checker.silent_successes(runs, amnesia)),
                         ("fences rise", checker.fences(runs, amnesia)), ("every attempt has a token of its own", checker.tokens(runs)),
                         ("every exit status has its reason", checker.statuses(runs)), ("everybody ends", scene.stuck),
                         ("no process is left", [f"{p} {c}" for p, c in scene.left.items()]),
                         ("nobody holds a lock or waits for one at the end", scene.keys)):
        tap.check(not faults, f"{name}: {what}", faults)
    late, worst = checker.outlived(runs, 0.1 * FACTOR + metronome.worst(scene.began, scene.ended))
    tap.check(not late, f"{name}: a command is dead 0.1 s after its front or keeper", late)
    gaps = checker.idle(runs, scene.ended)
    longest = max((g[0] for g in gaps.values()), default=0.0)
    allowed = 0.5 * FACTOR + metronome.worst(scene.began, scene.ended) if name == "calm" else 30.0 + 5 * FACTOR
    tap.check(longest <= allowed, f"{name}: no lock is idle for more than {allowed:.1f} s while somebody waits",
              [f"{lock}: {gap:.2f} s before {at - scene.began:.2f} s" for lock, (gap, at) in gaps.items()])
    # A fault costs a lock two leases at most, and comes more seldom than once a second; the machine may be slow.
    floor = max(1, int(scene.seconds / (4 * FACTOR) / (TTL_MS / 1e3)))
    few = {lock: n for lock in LOCKS if (n := sum(r.lock == lock for r in ran)) < floor}
    tap.check(not few, f"{name}: every lock is got at least {floor} times", [few])
    if name == "calm":
        overtaken = checker.order(runs, 0.3 * FACTOR + metronome.worst(scene.began, scene.ended))
        tap.check(not overtaken, "calm: first come, first served", overtaken)
        odd = [f"{r.name}: {r.status} {r.said}" for r in runs if r.status != 0]
        tap.check(not odd, "calm: everybody succeeds, without a word", odd)
    else:
        hits = scene.hits()
        tap.check(sum(hits.values()) > 0, f"{name}: faults hit holders", [hits])
    statuses = {}
    for run in runs:
        statuses[run.status] = statuses.get(run.status, 0) + 1
    print(f"## {name}: {scene.seconds:.0f} s, {len(ran)} acquisitions in {len(runs)} runs, {sum(scene.hits().values())} faults hit "
          f"a holder, {len(pairs)} overlaps ({len(counted)} count), worst {pairs[0][0] * 1e3 if pairs else 0:.1f} ms")
    print(f"# {name}: faults that hit a holder {dict(sorted(scene.hits().items()))}")
    print(f"# {name}: statuses {dict(sorted(statuses.items()))}, longest idle {longest:.2f} s, longest life after a kill "
          f"{worst * 1e3:.0f} ms, machine late by {metronome.worst(scene.began, scene.ended) * 1e3:.0f} ms")


SAFE = ["kill_front", "kill_keeper", "kill_command", "term", "stop_front", "stop_keeper", "stop_command", "freeze", "waiter",
        "waiter", "connections", "network", "server_stop", "restart", "reset", "reset"]
FORGETFUL = ["kill_front", "kill_keeper", "stop_front", "stop_command", "connections", "server_stop", "reset", "forget", "forget",
             "delete", "reset_now", "reset_now"]
# name, share of the time, faults, whether a proxy interferes, whether the server forgets
SCENES = [("calm", 1, [], False, False), ("faults", 5, SAFE, True, False), ("forgets", 5, FORGETFUL, False, True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("CHAOS_SECONDS") or 66))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 31)))
    parser.add_argument("--only", action="append", choices=[s[0] for s in SCENES])
    options = parser.parse_args()
    for variable in [v for v in os.environ if v.startswith("NETFLOCK_") or v in ("REDIS_URL", "REDISCLI_AUTH")]:
        if variable not in ("NETFLOCK_JOB", "NETFLOCK_CONFIG"):
            del os.environ[variable]
    print(f"## seed {options.seed}, {options.seconds:.0f} s: --seed {options.seed} --seconds {options.seconds:.0f} draws the same again")
    tap, metronome = Tap(options.seed), Metronome()
    for sentence, good in checker.self_test():
        tap.check(good, sentence)
    scenes = [s for s in SCENES if not options.only or s[0] in options.only]
    share = sum(s[1] for s in scenes)
    rounds = math.ceil(options.seconds / ROUND)
    for n in range(rounds):
        for name, part, faults, nuisance, forgets in scenes:
            scene = Scene(name, options.seconds / rounds * part / share, options.seed + n, faults, nuisance)
            scene.play()
            judge(scene, forgets, metronome, tap)
    metronome.stop()
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
