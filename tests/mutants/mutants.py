#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every wound to the program makes the test fail that is there for it (TAP, then a table).

usage: make mutants [T='part of a name'...]

A mutant is one small change to one function of src; its file is compiled anew, the rest is the program as it was built.
The tests named with it must pass with the program as it is and fail with the mutant; a wound whose place is not found any
more fails, too.  The wounds to the scripts are in tests/protocols/variants.py.

environment: COMPILE, LINK, LIBS as the Makefile has them; NETFLOCK_BUILD: where obj/ is.
"""

import concurrent.futures
import ctypes
import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BUILD = os.environ.get("NETFLOCK_BUILD", os.path.join(ROOT, "build"))
LIMIT = 45  # seconds for one test: a mutant may hang
CHAOS = "--seed 7 --seconds 20 --only"
CHAOS_LIMIT = 120

# What it is; file and function; what to replace by what; the tests that must notice: "FILE.bats: part of the test's name",
# "unit/NAME", or "chaos SCENE: the check that must fail".
MUTANTS = [
    # The lease.
    ("the lease counts from the reply to the first request (M1)", "protocol_netflock.c", "netflock_try",
     "deadline_lease(&lock->want.terms, sent)", "deadline_lease(&lock->want.terms, deadline_now())",
     ["faults/replies: the command is not started, and the lock is given back"]),
    ("the lease counts from the reply to a renewal (M1, M6)", "protocol_netflock.c", "netflock_keep",
     "deadline_lease(&lock->want.terms, sent)", "deadline_lease(&lock->want.terms, deadline_now())",
     ["faults/replies: the lease counts from the sending of a renewal"]),
    ("a clock that stands still while the host sleeps (M2)", "deadline.c", "deadline_now", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC",
     ["faults/stopping: suspended for longer than the lease"]),
    ("a clock that can be set (M3)", "deadline.c", "deadline_now", "CLOCK_BOOTTIME", "CLOCK_REALTIME",
     ["faults/stopping: suspended for longer than the lease"]),
    ("a renewal that sleeps on after a suspend (M2)", "renewal.c", "rest", "if (r->timer != -1)", "if (false)",
     ["faults/stopping: wakes up when a renewal is overdue"]),
    ("no look at the clock after the reply (M4)", "lock.c", "accept", "if (deadline_may_start(", "if (true || deadline_may_start(",
     ["faults/replies: then one in time: the command runs"]),
    ("no look at the clock before the start (M4)", "command.c", "become", "if (deadline_now() < c->start_by)",
     "if (true)", ["faults/stopping: the host dawdles"]),
    ("no slack before the lease's end (M5)", "deadline.c", "deadline_kill_at", "lease_end - t->slack", "lease_end", ["unit/test_deadline"]),
    ("the grace comes after the lease's end (M5)", "deadline.c", "deadline_term_at", "- t->kill_after", "", ["unit/test_deadline"]),
    ("a grace although the lease is over (M5)", "keeper.c", "lose", "stop_tree(k, deadline_min(grace_end(k),\n"
     "\t\t    deadline_kill_at(k->terms, end)))", "stop_tree(k, grace_end(k))", ["faults/stopping: killed without a grace"]),
    ("no allowance for the drift of clocks", "deadline.c", "deadline_lease", " - t->drift", "", ["unit/test_deadline"]),
    ("a renewal after TERM revives the lease (M7)", "deadline.c", "deadline_cell_extend", "!deadline_may_start(t, old, now)", "false",
     ["unit/test_deadline"]),
    ("a lost lease is revived by the next renewal (M7)", "deadline.c", "deadline_cell_extend",
     "if (old < 0 || !deadline_may_start(t, old, now))", "if (old >= 0 && !deadline_may_start(t, old, now))", ["unit/test_deadline"]),
    ("a renewal shortens the lease", "deadline.c", "deadline_cell_extend", "if (lease_end <= old)", "if (false)", ["unit/test_deadline"]),
    # The front would kill the keeper half a slack before the end: nothing overlaps, but there is no TERM.
    ("the keeper does not watch the lease's end", "keeper.c", "check_time", "if (!k->lost &&", "if (false && !k->lost &&",
     ["faults/stopping: told with TERM before it is killed"]),
    ("nobody watches the lease's end", "keeper.c", "check_time", "if (!k->lost &&", "if (false && !k->lost &&",
     ["cli/deaths: server paused beyond the lease", "faults/network: a partition for longer than the lease",
      "faults/refusals: too few replicas for good"]),
    ("a request may take until the end of time (M26)", "renewal.c", "request_deadline",
     "return deadline_min(now + terms->io, deadline_term_at(terms, end))", "return now + 3600000 * DEADLINE_MS + 0 * (terms->io + end)",
     ["cli/deaths: server paused for less than the lease"]),
    ("each piece of a reply has the whole time (M26)", "session.c", "session_take", "in_fill(s, deadline, f)",
     "in_fill(s, deadline > 0 ? deadline_now() + 400 * DEADLINE_MS : 0, f)", ["cli/errors: a reply that trickles in"]),

    # Losing it.
    ("a refused renewal is taken for a failed one (M12)", "renewal.c", "renew", "tell_lost(r, &f);\n\t\treturn false",
     "failed(r, &f);\n\t\treturn true", ["faults/server: 76 within a renewal interval"]),
    ("a lost lock does not stop the command", "keeper.c", "lose", "if (!k->job->warn_only)", "if (false)",
     ["faults/server: 76 within a renewal interval", "chaos forgets: never two at once"]),
    ("a lost lock is reported as the command's status (M32)", "report.c", "report_ended", "r->status = STATUS_LOST", "r->status = WEXITSTATUS(result->wstatus)",
     ["faults/replies: the release finds the lock deleted"]),
    ("what the release finds out is not said (M32)", "keeper.c", "finish", "if (ran && k->lost)", "if (false)",
     ["faults/replies: the release finds the lock deleted"]),
    ("a renewal that fails is the last one", "renewal.c", "renew", "failed(r, &f);\n\t\treturn true", "failed(r, &f);\n\t\treturn false",
     ["faults/replies: renewals are refused for a while"]),
    ("a renewal that fails costs the lock", "keeper.c", "hear_renewal", "k->failing = true;", "lose(k, f.text);",
     ["faults/replies: renewals are refused for a while"]),
    ("resets are not listened to", "renewal.c", "rest", "if (fds[1].revents != 0)", "if (false)",
     ["cli/reset: told at once, over a unix socket"]),
    ("no renewal after the subscription", "renewal.c", "listen_to_resets", "r->due = 0;", ";",
     ["cli/reset: told at once right after the start"]),
    ("the server's clock is not compared", "renewal.c", "check_clock", "left >= old_end - now", "true",
     ["faults/clock: the server's clock runs ahead within the lease"]),

    ("a refused renewal is taken for a renewal (M39)", "protocol_netflock.c", "netflock_keep", 'strcmp(reply_word(r), "ok") == 0',
     'strcmp(reply_word(r), "ok") != 1000', ["faults/server: 76 within a renewal interval"]),
    ("a lock found lost at the command's end is not said", "keeper.c", "lose", "say_lost_at_end(k, why)", "(void)0",
     ["faults/stopping: lost at the moment when the command ends"]),
    ("who gives way to a later holder does not listen", "protocol_netflock.c", "netflock_listen", 'message_tells(lock, text, "displaced")', "false",
     ["faults/server: who came in between ends"]),
    ("the ttl is sent in seconds (M40)", "protocol_netflock.c", "add_asker", 'add_number(w, "ttl", want->terms.ttl / DEADLINE_MS)',
     'add_number(w, "ttl", want->terms.ttl / DEADLINE_MS / 1000)', ["cli/deaths: server paused for less than the lease"]),

    # The network.
    ("a name is looked up for as long as that takes", "resolve.c", "hear_helper", "q->interrupt, q->deadline)", "q->interrupt, DEADLINE_NEVER)",
     ["faults/network: the name server does not answer"]),
    ("the first address has all the time there is", "transport.c", "open_tcp", "(deadline - now) / (list->count - i)", "(deadline - now)",
     ["faults/network: the first of several addresses is dead"]),
    ("no connection is made anew", "renewal.c", "renew", "failed(r, &f);\n\t\treturn true", "failed(r, &f);\n\t\tr->due = DEADLINE_NEVER;\n\t\treturn true",
     ["faults/network: the command does not notice", "faults/refusals: too few replicas for a while"]),
    ("the thread that renews keeps the deadline, and hangs with its request", "keeper.c", "check_time", "if (!k->lost &&",
     "if (false && !k->lost &&", ["faults/network: the name server hangs while the lock is held"]),

    # Attempts and replies.
    ("tokens are constant (M17)", "token.c", "token_random", "n = getrandom(bytes, sizeof(bytes), 0)",
     "n = (ssize_t)sizeof(memset(bytes, 7, sizeof(bytes)) ? bytes : bytes)", ["unit/test_token"]),
    ("tokens have 32 random bits (M17)", "token.c", "token_random", "digits[bytes[i] >> 4]", "digits[bytes[i % 4] >> 4]", ["unit/test_token"]),
    ("nothing is given back when the wait is over (M18)", "lock.c", "out_of_time",
     "p->protocol->leave(p->lock, deadline_now() + LEAVE_TIME)", "(void)0", ["faults/replies: 69 in time, and no lock is left behind"]),
    ("nothing is given back when a signal ends the wait (M18)", "lock.c", "interrupted",
     "p->protocol->leave(p->lock, deadline_now() + 10 * LEAVE_TIME)", "(void)0", ["faults/replies: TERM while the reply"]),
    ("nothing is given back when the grant is too late (M18)", "lock.c", "accept", "p->protocol->leave(lock, now + lock->want.terms.io)",
     "(void)0", ["faults/replies: given back long before it would run out"]),
    ("the token is used again after a late grant (M19)", "lock.c", "accept",
     "lock_start_over(lock, p->f) == 0", "true",
     ["faults/replies: netflock asks under another token"]),
    ("a script that the server does not know is an error (M20)", "session_script.c", "script_run", '"NOSCRIPT", 8) == 0', '"NOSCRIPT", 8) == 1',
     ["cli/deaths: command killed: its status"]),
    ("a grant is believed, not confirmed", "lock.c", "confirm", "switch (p->protocol->keep(p->lock, deadline, p->f)) {",
     "p->lock->lease_end = deadline_lease(&p->lock->want.terms, deadline_now());\n\tp->lock->confirmed = true;\n"
     "\tswitch (deadline > 0 ? PROTOCOL_HELD : PROTOCOL_LOST) {", ["cli/queue: costs the others five seconds, and runs later"]),
    ("a waiter loses its place when the server forgets", "protocol_netflock.c", "netflock_wait", "if (lock->order > 0)", "if (false)",
     ["faults/server: the holder keeps the lock, they keep their order"]),
    ("a shared lock is exclusive", "options_check.c", "read_limit", "o->limit = shared ? 0", "o->limit = shared ? 1",
     ["cli/shared: readers hold the lock together"]),
    ("slots are not counted", "job.c", "make_lock", ".limit = o->limit", ".limit = o->limit == 1", ["cli/shared: at most N hold a lock with N slots"]),
    ("several names are one", "job.c", "make_lock", ".with_count = o->with_count", ".with_count = 0",
     ["cli/shared: all locks or none"]),
    ("of several names the first one is blamed", "protocol_netflock.c", "name_of", "return want->with[place - 2]", "return want->name",
     ["cli/shared: all locks or none", "cli/shared: a lock lost in one of its names"]),
    ("a reset of several names takes one from its next holder", "cmd_reset.c", "came_since", "return seen_has(", "return false && seen_has(",
     ["cli/shared: leaves alone who got one of them"]),
    ("a reset forgets what it took along", "cmd_reset.c", "remember_others", "seen_add(", "(void)(", ["cli/shared: a reset of one name is a reset of all"]),
    ("a release is tried once", "lock.c", "lock_release", "if (result != LOCK_RETRY ||", "if (true ||",
     ["faults/replies: the reply to the release never comes"]),
    ("a release whose reply was lost counts as a loss", "protocol_netflock.c", "released_before", "return lock->release_unsure &&", "return false &&",
     ["faults/replies: the reply to the release is lost: the command"]),
    ("a replica's refusal ends the search at once (M38)", "reply.c", "reply_judge", "if (v != NULL)\n\t\treturn *v;",
     "if (v != NULL && strncmp(text, \"READONLY\", 8) != 0)\n\t\treturn *v;", ["unit/test_reply"]),

    # Processes.
    ("our descriptors reach the command (M27)", "transport.c", "open_address", "SOCK_CLOEXEC | ", "",
     ["cli/transparency: descriptors that the caller opened"]),
    ("the pipe of the start reaches the command (M27)", "keeper.c", "become_keeper", "TFD_CLOEXEC | ", "",
     ["cli/transparency: descriptors that the caller opened"]),
    ("the command has our signal mask (M28)", "signals.c", "signals_give_back", "sigprocmask(SIG_SETMASK, &s->inherited, NULL)", "(void)0",
     ["cli/transparency: signal mask and dispositions"]),
    ("the command ignores SIGPIPE (M28)", "signals.c", "signals_give_back", "sigaction(SIGPIPE, &s->sigpipe, NULL)", "(void)0",
     ["cli/transparency: signal mask and dispositions"]),
    ("SIGCHLD stays ignored for us (M28)", "signals.c", "signals_take", "sigaction(SIGCHLD, &standard, &s->sigchld) == -1",
     "sigaction(SIGCHLD, NULL, &s->sigchld) == -1 || standard.sa_flags != 0", ["cli/transparency: a caller that ignores SIGCHLD"]),
    ("only the command is killed, not what is below it (M29)", "command.c", "command_tree_signal",
     "if (tree->unseen) {", "tree->unseen = true;\n\tif (true) {",
     ["cli/deaths: front killed: the whole tree is dead", "cli/signals: its children are stopped before the lock is free"]),
    ("a stopped command is not continued (M30)", "keeper.c", "stop_tree", "command_tree_signal(&k->tree, SIGCONT)", "(void)0",
     ["faults/stopping: a stopped command is continued"]),
    ("the lock is released before the tree is dead (M31)", "keeper.c", "stop_tree", "command_tree_signal(&k->tree, SIGCONT);",
     "command_tree_signal(&k->tree, SIGCONT);\n\tk->stage = ENDED;",
     ["cli/signals: its children are stopped before the lock is free"]),
    ("the command outlives a dead keeper (M33)", "command.c", "become", "prctl(PR_SET_PDEATHSIG, SIGKILL)", "(void)0",
     ["cli/deaths: front and keeper killed"]),
    ("the keeper does not see that the front is dead", "keeper.c", "hear_front", "if (k->stage != ENDED && !k->tree.foreign)",
     "if (false)", ["cli/deaths: front killed: the whole tree is dead"]),
    ("a stopped keeper is not continued", "front.c", "check_keeper", "kill(front->keeper, SIGCONT)", "(void)0",
     ["cli/deaths: keeper stopped once"]),
    ("a keeper that is stopped again is left alone", "front.c", "check_keeper", "kill_keeper(front)", "(void)0",
     ["cli/deaths: keeper stopped twice"]),
    ("what a dead keeper leaves is not killed", "front.c", "clean_up", "command_tree_kill(&front->tree, KILL_TIME_MS)",
     "front->tree.childless ? 1 : 0", ["cli/deaths: keeper killed: the whole tree is dead", "chaos faults: never two at once"]),
    ("what a dead keeper held is not released", "front.c", "clean_up", "if (release(front, front->page->started > 0 ? &run : NULL, &f) == LOCK_HELD || lost)",
     "if (run.lost || lost)",
     ["cli/deaths: keeper killed: the whole tree is dead"]),
    ("orphans of the command fall to init", "keeper.c", "become_keeper", "prctl(PR_SET_CHILD_SUBREAPER, 1)", "(void)0",
     ["cli/signals: --wait-all holds the lock until the last child"]),
    ("a signal does not end a wait", "lock.c", "wait_turn",
     "if (ready & 4)\n\t\t\treturn interrupted(p);", "", ["cli/signals: TERM while it waits ends the wait"]),

    # Scripts.
    ("a lock that is lost is given back while its script goes on", "keeper.c", "lose", "k->immortal = true;", "",
     ["cli/scripts: --on-lost warn: the script is left alone"]),
    ("a lock is kept for a script that was not told its token", "keeper.c", "hear_link", "if (n != 1 && k->stage == RUNNING)", "if (false)",
     ["cli/scripts: a token that cannot be written"]),
    ("a script that gives its lock back is stopped", "renewal.c", "tell_lost", "r->lock->returned ? RENEWAL_RETURNED : RENEWAL_LOST",
     "RENEWAL_LOST", ["cli/scripts: release by the script: free at once", "cli/scripts: the keeper does not hear of it"]),
    ("a keeper of a script that was killed has no successor", "front.c", "replace_keeper", "if (!front->tree.foreign ||", "if (true ||",
     ["cli/scripts: a keeper killed with -9"]),
    ("a keeper keeps its script's descriptors", "background.c", "keep", "descriptors_close_inherited();", "",
     ["cli/scripts: none of the script's descriptors"]),
    ("what is said of another attempt with our token is believed", "protocol_netflock.c", "message_tells",
     "strcmp(text + len + 1, lock->id) == 0", "true", ["cli/scripts: does not concern us"]),
    ("a keeper takes along the word that its successor needs", "keeper.c", "hear_link", "MSG_DONTWAIT | MSG_PEEK", "MSG_DONTWAIT",
     ["cli/scripts: as it hears that the script has its token"]),

    # Schedules, settings, messages.
    ("who is granted the lock does not ask whether it was done meanwhile", "protocol_netflock.c", "netflock_keep", "if (!lock->confirmed)",
     "if (false)", ["cli/once: those who wait for the same job"]),
    ("a success is not kept for as long as it counts", "protocol_netflock.c", "netflock_release", "add_once(&w, lock)", "(void)0",
     ["cli/once: stays known"]),
    ("it runs without the lock though the server has answered", "waiting.c", "runs_anyway", "job->lock->answered ||", "",
     ["cli/unreachable: once it has answered"]),
    ("what goes with a file's server is told to another", "options_files.c", "apply_file", "(other && id",
     "(false && id", ["cli/config: not told to another one"]),
    ("a configuration that others can write is read", "secret.c", "secret_read_open", "v.exposed : v.writable", "v.exposed : NULL",
     ["cli/config: that others can write is refused"]),
    ("a terminal is waited for", "message.c", "open_terminal", "if (!isatty(STDERR_FILENO))", "if (true)", ["unit/test_message"]),
    ("a line is drawn on a terminal that is full", "message.c", "message_live", "if (message_blocked())", "if (false)", ["unit/test_message"]),

    # Secrets and surfaces.
    ("control characters reach the terminal (M36)", "message.c", "message_escape", "utf8_hidden(c)", "false",
     ["cli/names: reaches the terminal escaped", "cli/status: never reach the screen"]),
    ("status shows names as they are (M36)", "cmd_status_show.c", "cmd_status_row", "text_escape(&cells[NAME], in->name, in->name_len)",
     "text_add(&cells[NAME], in->name, in->name_len)", ["cli/status: never reach the screen"]),
    ("all locks are asked for in one request (M21)", "protocol_netflock_admin.c", "scan",
     '"SCAN", walk->cursor, "MATCH", match, "COUNT",\n\t\tPAGE', '"KEYS", match', ["cli/acl: the line for reset-all: all locks"]),
    ("globs in the prefix are let through (M22)", "options_value.c", "read_prefix", 'strchr("{}*?[]\\\\", *p) != NULL',
     "false", ["cli/reset-all: the prefix is taken literally"]),
    ("--scrub-env leaves the server's address (M37)", "environment.c", "keeps", "scrub && i <", "false && i <",
     ["cli/transparency: --scrub-env hides"]),
]

# What has a second line of defence needs a second wound: by the name above.
AND = {
    "a keeper that is stopped again is left alone": ("front.c", "overdue_at", "if (front->overdue ||", "if (true || front->overdue ||"),
    "the thread that renews keeps the deadline, and hangs with its request": ("front.c", "overdue_at", "if (front->overdue ||",
                                                                             "if (true || front->overdue ||"),
    "nobody watches the lease's end": ("front.c", "overdue_at", "if (front->overdue ||", "if (true || front->overdue ||"),
}


class Failure(Exception):
    pass


def function(text, name):
    """(begin, end) of a function's definition: its name stands at the start of a line, its last brace, too."""
    found = re.search(rf"^{re.escape(name)}\(", text, re.MULTILINE)
    if not found:
        raise Failure(f"there is no function {name}")
    return found.start(), text.index("\n}\n", found.start()) + 3


def pattern(old):
    """OLD, however its lines are broken."""
    return r"\s*".join(re.escape(word) for word in re.findall(r"\w+|[^\w\s]", old))


def wound(path, name, old, new):
    """The text of PATH with OLD replaced by NEW in that function."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    begin, end = function(text, name)
    hurt, count = re.subn(pattern(old), lambda _: new, text[begin:end])
    if count != 1:
        raise Failure(f"{os.path.basename(path)}, {name}(): '{old}' stands there {count} times")
    return text[:begin] + hurt + text[end:]


CHILDREN, CHILDREN_LOCK = set(), threading.Lock()  # of ours: Popen reaps them


def spawn(words, **options):
    with CHILDREN_LOCK:
        child = subprocess.Popen(words, stderr=subprocess.STDOUT, **options)
        CHILDREN.add(child.pid)
    return child


def command(words, cwd=ROOT):
    child = spawn(words, cwd=cwd, stdout=subprocess.PIPE, text=True)
    said = child.communicate()[0]
    CHILDREN.discard(child.pid)
    if child.returncode != 0:
        raise Failure(said[-2000:])


class Program:
    """The netflock of one mutant, or the one that was built (no FILE)."""

    def __init__(self, directory, mutant=None):
        self.directory, self.objects = directory, {}
        os.makedirs(directory)
        for entry in os.listdir(os.path.join(BUILD, "obj")):
            if entry.endswith(".o"):
                self.objects[entry] = os.path.join(BUILD, "obj", entry)
        wounds = [mutant[1:5], AND.get(mutant[0])] if mutant else []
        for file, name, old, new in filter(None, wounds):
            path, out = os.path.join(directory, file), os.path.join(directory, file[:-2] + ".o")
            # A second wound may be to the same file.
            hurt = wound(path if os.path.exists(path) else os.path.join(ROOT, "src", file), name, old, new)
            with open(path, "w", encoding="utf-8") as f:
                f.write(hurt)
            # Whatever a wound leaves unused.
            command([*shlex.split(os.environ["COMPILE"]), "-w", "-Isrc", "-c", "-o", out, path])
            self.objects[file[:-2] + ".o"] = out
        self.netflock = os.path.join(directory, "netflock")
        command([*shlex.split(os.environ["LINK"]), "-o", self.netflock, *self.objects.values(), *shlex.split(os.environ["LIBS"])])

    def unit(self, name):
        out = os.path.join(self.directory, name)
        objects = [path for entry, path in self.objects.items() if entry != "main.o"]
        command([*shlex.split(os.environ["COMPILE"]), "-w", "-Isrc", "-o", out, f"tests/unit/{name}.c", "-pie", *objects,
                 *shlex.split(os.environ["LIBS"]), "-lcmocka"])
        return out


def run(words, program, directory, limit=LIMIT):
    """(status, output); everything that it started is killed when it ends or takes too long."""
    mark = f"MUTANT={os.getpid()}.{time.time_ns()}"
    temporary = tempfile.mkdtemp(prefix="m", dir=directory)
    environment = dict(os.environ, NETFLOCK=program.netflock, TMPDIR=temporary, PATIENCE="8", PYTHONDONTWRITEBYTECODE="1")
    for name in ("NETFLOCK_URL", "REDIS_URL", "REDISCLI_AUTH", "NETFLOCK_CHAIN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    environment.update([mark.split("="), ("NETFLOCK_CONFIG", "/dev/null")])
    with open(os.path.join(temporary, "log"), "w+", encoding="utf-8", errors="replace") as log:
        child = spawn(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, start_new_session=True)
        try:
            status = child.wait(limit)
        except subprocess.TimeoutExpired:
            status = -1
        kill_marked(mark)
        child.wait()
        CHILDREN.discard(child.pid)
        log.seek(0)
        text = log.read()
    shutil.rmtree(temporary, ignore_errors=True)
    return status, text


def reap_orphans():
    """For ever: what falls to us, the subreaper, or the zombies of a fork storm leave no room for anybody's processes."""
    while True:
        with CHILDREN_LOCK:
            for tasks in glob.glob("/proc/self/task/*/children"):
                try:
                    with open(tasks, encoding="ascii") as f:
                        orphans = [int(pid) for pid in f.read().split() if int(pid) not in CHILDREN]
                    for pid in orphans:
                        os.waitpid(pid, os.WNOHANG)
                except OSError:  # a thread that has ended, a child that somebody else has reaped
                    pass
        time.sleep(0.02)


def kill_marked(mark):
    """Whatever forks meanwhile is found by the next walk."""
    empty, until = 0, time.monotonic() + 20
    while empty < 2 and time.monotonic() < until:
        found = kill_marked_once(mark)
        empty = 0 if found else empty + 1


def kill_marked_once(mark):
    found = 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and int(entry) != os.getpid():
                with open(f"/proc/{entry}/environ", "rb") as f:
                    if mark.encode() in f.read().split(b"\0"):
                        os.kill(int(entry), signal.SIGKILL)
                        found += 1
        except OSError:
            pass
    return found


def passes(test, program, directory):
    """(whether TEST passes with PROGRAM, the line that says what failed)"""
    kind, _, name = test.partition(": ")
    if test.startswith("unit/"):
        status, text = run([program.unit(test[5:])], program, directory)
        lines = [line for line in text.splitlines() if "FAILED" in line or line.startswith("not ok")]
    elif kind.startswith("chaos "):
        _, text = run(["python3", "tests/faults/chaos.py", *CHAOS.split(), kind[6:]], program, directory, CHAOS_LIMIT)
        lines = [line for line in text.splitlines() if line.startswith("not ok") and name in line]
        status = 1 if lines else 0 if re.search(r"^1\.\.", text, re.MULTILINE) else -1
    else:
        status, text = run(["bats", "--tap", "-f", re.escape(name), f"tests/{kind}.bats"], program, directory)
        lines = [line for line in text.splitlines() if line.startswith("not ok")]
        if status != -1 and not lines and not re.search(r"^ok 1 ", text, re.MULTILINE):
            raise Failure(f"no such test: {test}\n{text[-500:]}")
        if status == 0 and re.search(r"^ok .*# skip", text, re.MULTILINE):
            raise Failure(f"skipped: {test}")
    if status == -1 and not lines:
        return False, "did not end"
    return status == 0, lines[0] if lines else text[-300:]


def main():
    words = sys.argv[1:]
    chosen = [m for m in MUTANTS if not words or any(w in m[0] for w in words)]
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # a subreaper: orphans are killed by their mark and must not hang about
    threading.Thread(target=reap_orphans, daemon=True).start()
    began, failed, count, table = time.monotonic(), 0, 0, []
    base = tempfile.mkdtemp(prefix="nfm", dir="/tmp")
    lock = threading.Lock()

    def tap(good, name, more=""):
        nonlocal failed, count
        with lock:
            count += 1
            failed += not good
            print(f"{'ok' if good else 'not ok'} {count} {name}")
            if not good:
                print("".join(f"# {line}\n" for line in more.splitlines()), end="")
            sys.stdout.flush()

    def sound(test):
        try:
            good, found = passes(test, whole, base)
            if not good:  # once more: the machine may be busy, and what a mutant fails must not be that
                good, found = passes(test, whole, base)
        except Failure as e:
            good, found = False, str(e)
        tap(good, "the program as it is passes " + test, found)

    def hunt(number, mutant):
        try:
            program = Program(os.path.join(base, str(number)), mutant)
            for test in mutant[5]:
                survived, found = passes(test, program, base)
                table.append((number, mutant[0], test, not survived))
                tap(not survived, f"killed: {mutant[0]} -> {test}", "survived")
                if not survived and os.environ.get("VERBOSE"):
                    print("#   " + found)
        except Failure as e:
            tap(False, mutant[0], str(e))

    try:
        whole = Program(os.path.join(base, "whole"))
        tests = list(dict.fromkeys(test for m in chosen for test in m[5]))
        with concurrent.futures.ThreadPoolExecutor(2 * max(2, os.cpu_count() or 2)) as pool:
            # Mostly they wait: two for each processor.  The longest first.
            list(pool.map(sound, sorted(tests, key=lambda t: not t.startswith("chaos"))))
            list(pool.map(hunt, range(len(chosen)), sorted(chosen, key=lambda m: not m[5][-1].startswith("chaos"))))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"1..{count}")
    width = max((len(row[1]) for row in table), default=0)
    for name, test, killed in sorted(row[1:] for row in table):
        print(f"{name:{width}}  {'killed by' if killed else 'SURVIVED '} {test}")
    print(f"{len(chosen)} mutants, {sum(not row[3] for row in table)} survived, {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
