#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A hostile server neither crashes netflock, nor makes it use more than 16 MiB, nor keeps it past its deadline (TAP).

usage: hostile.py [-v] [--all] [PART OF A NAME]...

Every request that netflock sends is answered by everything a server should not say, and every field of every proper
answer by every value that it should not have.  Nothing raw comes out of it on stdout or stderr either.
"""

import concurrent.futures
import hashlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))
sys.dont_write_bytecode = True
import fakeredis  # noqa: E402

NETFLOCK = os.environ.get("NETFLOCK", os.path.join(ROOT, "build", "netflock"))
RSS = os.path.join(ROOT, "build", "tools", "rss")
FACTOR = float(os.environ.get("NETFLOCK_TIME_FACTOR", "1"))
# A sanitizer's own memory is not ours to count.
MOST_KIB = 0 if os.environ.get("VARIANT") else 16 * 1024
LATE_MS = 1000 * FACTOR
PARALLEL = 6

# ------------------------------------------------------------------------------------------------- what the server says


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value) if isinstance(value, bytes) else value.raw


def array(*words):
    return b"*%d\r\n" % len(words) + b"".join(bulk(w) for w in words)


class Raw:
    """A value of another type than a string."""

    def __init__(self, raw):
        self.raw = raw


def reply(raw):
    return [("reply", "".join(f"\\x{b:02x}" for b in raw) + "\\c")]


def again(first, raw):
    return (reply(first) if first else []) + [("repeat", reply(raw)[0][1])]


def replies():
    """Name and actions; none of them is a proper answer to anything."""
    yield "a line without an end", again(b"+", b"x" * 8192)
    yield "a bulk string of 2 GiB", again(b"$2147483647\r\n", b"x" * 8192)
    yield "a bulk string of more than is there", again(b"$99999999999999999999\r\n", b"x" * 8192)
    yield "an array of a billion", again(b"*1000000000\r\n", b":1\r\n" * 2000)
    yield "an array that never ends", again(b"*20000\r\n", b"$0\r\n\r\n" * 1000)
    yield "arrays in arrays", again(b"", b"*1\r\n" * 2000)
    yield "arrays of nothing in arrays", reply(b"*3\r\n" * 7 + b"*0\r\n" * 30)
    yield "negative lengths", reply(b"$-2147483648\r\n*-5\r\n")
    yield "noise", reply(hashlib.sha512(b"x").digest() * 20)
    yield "NUL bytes", reply(b"\0" * 300 + b"\r\n")
    yield "one byte at a time", [("drip", "20")] + reply(b"*2\r\n$4\r\nheld\r\n$200\r\n" + b"x" * 200 + b"\r\n")
    yield "silence", [("lose", "")]
    yield "the end", [("close", "")]
    yield "half a reply and the end", reply(b"*2\r\n$4\r\nhe") + [("close", "")]
    yield "more than was asked for", reply(b"+OK\r\n" * 5)
    yield "replies without end", again(b"", b"+OK\r\n" * 2000)
    yield "types of RESP3", reply(b"%1\r\n+a\r\n_\r\n")
    yield "a push", reply(b">2\r\n+a\r\n+b\r\n")
    yield "an empty array", reply(b"*0\r\n")
    yield "nil", reply(b"$-1\r\n")
    yield "a number", reply(b":-9223372036854775808\r\n")
    yield "arrays for words", reply(array(Raw(array(b"ok")), Raw(b"*0\r\n"), Raw(b"*-1\r\n")))
    yield "an error for a terminal", reply(b"-ERR \x1b]0;x\x07\x1b[2J\x9b31m" + b"\xe2\x80\xae" * 9000 + b"\r\n")
    yield "an error without a text", reply(b"-\r\n")
    yield "an error of nothing but colons", reply(b"-ERR " + b": " * 30000 + b"\r\n")
    yield "an unknown word", reply(array(b"\x1b[31mheld\0" + b"x" * 60000, b"fence"))


VALUES = {
    "2^63": b"9223372036854775808",
    "2^53": b"9007199254740992",
    "below 0": b"-9223372036854775809",
    "-1": b"-1",
    "1e400": b"1e400",
    "nothing": b"",
    "400 digits": b"9" * 400,
    "60 KiB": b"x" * 60000,
    "escapes": b"\x1b[2J\x9b\r\n\0\xff\xe2\x80\xae",
    "an array": Raw(array(b"1")),
    "nil": Raw(b"$-1\r\n"),
    "an integer": Raw(b":-5\r\n"),
}

WHO = [b"user", b"ops", b"host", b"db3", b"pid", b"4711", b"command", b"pg_dump", b"reason", b"r"]
BUSY = [b"borns", b"17", b"holders", b"1", b"ahead", b"0", b"hold", b"50", *WHO, b"state", b"held", b"since", b"5", b"ends", b"900"]
HELD = array(b"held", b"fence", b"17", b"borns", b"17")
LOOK = ([b"ok", b"now", b"1700000000000", b"exists", b"1", b"waiting", b"1", b"fence", b"17", b"hold", b"5", b"holders", b"1"]
        + [b"token.1", b"t", b"id.1", b"i", b"state.1", b"held", b"ends.1", b"900", b"since.1", b"5", b"limit.1", b"1"]
        + [b"ttl.1", b"1", b"fence.1", b"17", b"live.1", b"1"]
        + [w + b".1" if i % 2 == 0 else w for i, w in enumerate(WHO)]
        + [b"wtoken.1", b"w", b"wuser.1", b"u", b"whost.1", b"h", b"wpid.1", b"1", b"wsince.1", b"1", b"wlimit.1", b"1", b"wlive.1", b"1"]
        + [b"last.user", b"u", b"last.host", b"h", b"last.pid", b"1", b"last.status", b"0", b"last.ran", b"1", b"last.ended", b"1",
           b"last.since", b"1"])
SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
TAKEN = [b"ok", b"token.1", b"t", b"id.1", b"i", b"state.1", b"held", b"ends.1", b"900", b"count", b"1", *WHO]


def sha(op):
    with open(os.path.join(ROOT, "build", "lua", op + ".lua"), "rb") as f:
        return hashlib.sha1(f.read()).hexdigest()


SHA = {op: sha(op) for op in ("acquire", "queue", "renew", "release", "leave", "goodbye", "inspect", "reset")}
SCAN = "SCAN"


class Ask:
    """A request, the proper answers before it, how netflock comes to send it, and when it must have ended (ms)."""

    def __init__(self, argv, ends, before, proper, statuses):
        self.argv, self.ends, self.before, self.proper = argv, ends, before, proper
        self.statuses = statuses


RUN = ["-t", "1100ms", "--io-timeout", "100ms", "--connect-timeout", "300ms"]
LOOKING = ["--io-timeout", "100ms", "--connect-timeout", "300ms"]
ASKS = {
    "acquire": Ask([*RUN, "-n", "x", "--", "/bin/true"], 700, {},
                   [[b"held", b"fence", b"17", b"borns", b"17"], [b"busy", *BUSY], [b"nested", *WHO],
                    [b"wrongtype", b"key", b"k", b"type", b"list"]], {0, 64, 69, 75, 78}),
    "queue": Ask([*RUN, "-w", "300ms", "x", "--", "/bin/true"], 900, {"acquire": array(b"busy", *BUSY)},
                 [[b"queued", b"order", b"1", b"position", b"1", b"next", b"50", *BUSY], [b"granted", b"fence", b"1", b"borns", b"1"]],
                 {0, 64, 69, 75, 78}),
    "confirm": Ask([*RUN, "-w", "300ms", "x", "--", "/bin/true"], 900,
                   {"acquire": array(b"granted", b"fence", b"1", b"borns", b"1"), "queue": array(b"queued", b"order", b"1", *BUSY)},
                   [[b"ok", b"left", b"1", b"fence", b"1", b"borns", b"1", b"restored", b"0"], [b"lost", b"why", b"gone", *WHO]],
                   {0, 69, 75, 78}),
    "renew": Ask([*RUN, "x", "--", "/bin/sleep", "0.3"], 1100, {"acquire": HELD},
                 [[b"ok", b"left", b"900", b"fence", b"17", b"borns", b"17", b"restored", b"0"], [b"lost", b"why", b"gone", *WHO]],
                 {0, 76}),
    "renew all the time": Ask([*RUN, "x", "--", "/bin/sleep", "3"], 1200, {"acquire": HELD}, [], {76}),
    "release": Ask([*RUN, "x", "--", "/bin/true"], 600, {"acquire": HELD},
                   [[b"ok", b"state", b"held"], [b"lost", b"why", b"gone", *WHO]], {0, 76}),
    "inspect": Ask(["status", *LOOKING, "x"], 700, {}, [LOOK, [b"wrongtype", b"key", b"k", b"type", b"list"]], {0, 69, 78}),
    "inspect --json": Ask(["status", "--json", *LOOKING, "x"], 700, {}, [LOOK], {0, 69, 78}),
    "inspect of all": Ask(["status", *LOOKING], 900, {SCAN: array(b"0", Raw(array(b"netflock:{a}", b"netflock:{b}")))}, [LOOK], {0, 69, 78}),
    "SCAN": Ask(["status", *LOOKING], 700, {"inspect": array(*LOOK)}, [], {0, 69}),
    "reset": Ask(["reset", "--now", *LOOKING, "x"], 1200, {"inspect": array(*LOOK)}, [TAKEN], {0, 1, 69, 78}),
    "reset-all": Ask(["reset-all", "--force", "--now", *LOOKING], 1200,
                     {"inspect": array(*LOOK), SCAN: array(b"0", Raw(array(b"netflock:{a}")))}, [TAKEN], {0, 1, 69, 78}),
}
# Which script a request is, where it is not called so.
SCRIPT = {"confirm": "renew", "renew all the time": "renew", "inspect --json": "inspect", "inspect of all": "inspect",
          "reset-all": "reset"}

# ------------------------------------------------------------------------------------------------------------- the cases


class Case:
    def __init__(self, name, ask, rules, ends=None, statuses=None):
        self.name, self.ask, self.rules = name, ask, rules
        self.ends = ends or ask.ends
        self.statuses = statuses or ask.statuses


def rule(op, actions):
    head = {SCAN: "scan", "subscribe": "subscribe", "first": ".*"}.get(op) or f"evalsha {SHA[op]}"
    made = fakeredis.Rule(head + " => lose")
    made.actions = actions
    return made


def others(ask, but):
    """Proper answers to everything else."""
    answers = {"renew": array(b"ok", b"left", b"-1", b"fence", b"17", b"borns", b"17", b"restored", b"0"),
               "release": array(b"ok", b"state", b"held"), "leave": array(b"ok"), "goodbye": array(b"ok"),
               "reset": array(b"ok", b"count", b"1"), **ask.before}
    rules = [rule(op, reply(raw)) for op, raw in answers.items() if op != but]
    return rules + [rule("subscribe", reply(SUBSCRIBED))]


# Every value takes two minutes; these stand for the others where the same code reads them.
FEW = ("2^63", "60 KiB", "escapes", "an array")


def cases():
    for name, ask in ASKS.items():
        op = SCRIPT.get(name, name)
        values = {k: v for k, v in VALUES.items() if "--all" in sys.argv or op == name and op != "inspect" or k in FEW}
        for what, actions in replies():
            yield Case(f"{name}: {what}", ask, [rule(op, actions)] + others(ask, op))
        for proper in ask.proper:
            for i in range(1, len(proper), 2):
                for what, value in values.items():
                    hurt = [*proper[:i + 1], value, *proper[i + 2:]]
                    yield Case(f"{name}: {proper[0].decode()}: {what} as {proper[i].decode()}", ask,
                               [rule(op, reply(array(*hurt)))] + others(ask, op))
    yield from odd_cases()


def odd_cases():
    ask = ASKS["SCAN"]
    for what, cursor, keys in (
            ("a cursor that is none", b"\x1b[2J", [b"netflock:{a}"]), ("a cursor beyond 2^64", b"9" * 60000, []),
            ("no cursor", b"", []), ("the same cursor again and again", b"17", [b"netflock:{a}"]), ("a key of 60 KiB", b"0", [b"netflock:{" + b"x" * 60000 + b"}"]),
            ("a key for a terminal", b"0", [b"netflock:{\x1b[2J\x9b\r\n\0\xff}"]), ("keys that are none", b"0", [Raw(b":1\r\n"), b"", b"}"]),
            ("a thousand keys", b"0", [b"netflock:{%d}" % i for i in range(1000)])):
        yield Case(f"SCAN: {what}", ask, [rule(SCAN, reply(array(cursor, Raw(array(*keys)))))] + others(ask, SCAN), ends=2500)
    ask = ASKS["queue"]
    for what, raw in (("granted without end", array(b"message", b"c", b"granted 1")), ("head 0 without end", array(b"message", b"c", b"head 0")),
                      ("2^63", array(b"message", b"c", b"granted 9223372036854775808")), ("60 KiB", array(b"message", b"c", b"x" * 60000)),
                      ("no messages", b"+OK\r\n"), ("no word", array(b"message", b"c", Raw(b"*0\r\n"))), ("noise", b"\xff\0\r\n")):
        lost = {"renew": array(b"lost", b"why", b"gone"), "queue": array(b"queued", b"order", b"1", b"position", b"1", *BUSY)}
        rules = [rule("subscribe", again(SUBSCRIBED, raw * (1 + 4000 // len(raw))))]
        rules += [rule(op, reply(answer)) for op, answer in lost.items()]
        yield Case(f"messages to a waiter: {what}", ask, rules + others(ask, ""), ends=1200)
        rules = [rule("subscribe", again(SUBSCRIBED, raw * (1 + 4000 // len(raw))))]
        yield Case(f"messages to a holder: {what}", ASKS["renew"], rules + others(ASKS["renew"], ""))
    for what, actions in replies():
        yield Case(f"the first reply: {what}", ASKS["acquire"], [rule("first", actions)])
        yield Case(f"subscribe: {what}", ask, [rule("subscribe", actions),
                                               rule("queue", reply(array(b"queued", b"order", b"1", *BUSY)))] + others(ask, ""))


# ------------------------------------------------------------------------------------------------------------- judging


def raw_bytes(text):
    """What would reach a terminal as it is: controls, C1, broken UTF-8."""
    try:
        return [c for c in text.decode() if (c < " " and c != "\n") or "\x7f" <= c < "\xa0" or c in "\u202e\u2066"]
    except UnicodeDecodeError as e:
        return [str(e)]


class Worker:
    """A server of its own, whose rules are those of the case at hand."""

    def __init__(self, path):
        self.path = path
        self.server = fakeredis.Server(types.SimpleNamespace(forward=None, rule=[], log=None))
        listener, _ = fakeredis.listen(path)
        threading.Thread(target=self.server.serve, args=(listener,), daemon=True).start()

    def run(self, case):
        self.server.rules = case.rules
        argv = case.ask.argv
        at = 1 if argv[0] in ("status", "reset", "reset-all") else 0
        argv = [*argv[:at], "-u", "unix://" + self.path, *argv[at:]]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            told = subprocess.run([RSS, "20", NETFLOCK, *argv], stdin=subprocess.DEVNULL, stdout=out, stderr=err).returncode
            out.seek(0)
            err.seek(0)
            lines, errors = out.read(), err.read()
        body, _, last = lines.rstrip(b"\n").rpartition(b"\n")
        return told, body, last.decode(), errors


def judge(case, result):
    """Why it is wrong, in words; and KiB, ms."""
    _, body, last, errors = result
    if last == "hung":
        return ["it hung"], 0, 20000
    status, kib, ms = (int(n) for n in last.split())
    wrong = []
    if status not in case.statuses:
        wrong.append(f"status {status}")
    if MOST_KIB and kib > MOST_KIB:
        wrong.append(f"{kib} KiB")
    if ms > case.ends * FACTOR + LATE_MS:
        wrong.append(f"{ms} ms, not {case.ends}")
    for name, text in (("stdout", body), ("stderr", errors)):
        found = raw_bytes(text)
        if found:
            wrong.append(f"raw on {name}: {found[:5]}")
    if len(errors) > 16 * 1024:
        wrong.append(f"{len(errors)} bytes on stderr")
    return wrong, kib, ms


def main():
    words = [w for w in sys.argv[1:] if w[0] != "-"]
    chosen = [c for c in cases() if not words or any(w in c.name for w in words)]
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        free = queue.Queue()
        for i in range(PARALLEL):
            free.put(Worker(os.path.join(directory, str(i))))

        def run(case):
            worker = free.get()
            try:
                results[case] = worker.run(case)
            finally:
                free.put(worker)

        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(run, chosen))
    groups, largest, longest = {}, (0, ""), (0, "")
    for case in chosen:
        wrong, kib, ms = judge(case, results[case])
        largest, longest = max(largest, (kib, case.name)), max(longest, (ms, case.name))
        group = groups.setdefault(case.name.split(":")[0], [0, []])
        group[0] += 1
        if wrong:
            group[1].append(f"{case.name}: {'; '.join(wrong)}: {results[case][3][-200:]!r}")
        if "-v" in sys.argv:
            print(f"# {case.name}: {results[case][2]} {results[case][3][-100:]!r}")
    print(f"1..{len(groups) + 1}")
    for n, (name, (count, wrong)) in enumerate(groups.items(), 1):
        print(f"{'not ok' if wrong else 'ok'} {n} - {name}: {count} hostile answers")
        for line in wrong:
            print("#", line)
    print(f"ok {len(groups) + 1} - the largest: {largest[0]} KiB ({largest[1]}), the longest: {longest[0]} ms ({longest[1]})")
    return 1 if any(wrong for _, wrong in groups.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
