# SPDX-License-Identifier: MIT
"""Judge what many netflocks did to each other: pure functions over runs, no clock and no server.

A run is one netflock; its beats (beat.c) say when its command ran.  Instants are seconds of CLOCK_BOOTTIME.  Every check
returns a list of sentences, one per fault: empty is good.
"""

import collections
import dataclasses

# What netflock may end with, and what must have happened to that run for it (faults.kind, any of them).
ALWAYS = {0, 69, 75, 76}
NEEDS = {70: ("kill keeper",), -9: ("kill front", "kill command"), -15: ("term",)}


@dataclasses.dataclass
class Run:
    lock: str
    name: str  # of the run, for messages
    pid: int
    ms: int  # how long its command works
    began: float
    ended: float = 0.0
    status: int = 0
    said: str = ""
    beats: list = dataclasses.field(default_factory=list)  # (token, fence, instant) in order of time
    faults: list = dataclasses.field(default_factory=list)  # aimed at it: (instant, kind)

    @property
    def ran(self):
        return bool(self.beats)

    @property
    def first(self):
        return self.beats[0][2]

    @property
    def last(self):
        return self.beats[-1][2]

    @property
    def fence(self):
        return self.beats[0][1]


def read_beats(path):
    """The beats in a file; a line that was being written when its process was killed does not count."""
    beats = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            words = line.split()
            if len(words) == 3 and line.endswith("\n") and words[2].isdigit():
                beats.append((words[0], int(words[1]) if words[1].isdigit() else 0, int(words[2]) / 1e9))
    return sorted(beats, key=lambda b: b[2])


def by_lock(runs):
    """{lock: its runs that ran, in the order of their first beats}"""
    found = collections.defaultdict(list)
    for run in sorted((r for r in runs if r.ran), key=lambda r: r.first):
        found[run.lock].append(run)
    return found


def overlaps(runs):
    """[(seconds, run, run that was granted the lock later)]: how long both ran."""
    found = []
    for line in by_lock(runs).values():
        for i, second in enumerate(line):
            for first in line[:i]:
                if first.last > second.first:
                    seconds = min(first.last, second.last) - second.first
                    found.append((seconds, *sorted((first, second), key=lambda r: r.fence)))
    return sorted(found, key=lambda o: -o[0])


@dataclasses.dataclass
class Amnesia:
    """What a server did that forgets.  Instants: when it had done so; outages: (begin, end)."""

    forgot: dict = dataclasses.field(default_factory=dict)  # {lock: [instant]}
    robbed: dict = dataclasses.field(default_factory=dict)  # {lock: [instant]} of reset --now: nothing is forgotten
    outages: list = dataclasses.field(default_factory=list)
    renew: float = 0.0  # the terms of the locks, in seconds
    io: float = 0.0
    kill: float = 0.0
    lease: float = 0.0
    epoch: float = 0.0  # the real time at which CLOCK_BOOTTIME was 0: a fence is the server's real time

    def granted(self, run):
        return run.fence / 1e6 - self.epoch if self.epoch else run.first

    def again(self, later):
        """When the server forgot, again and again, that LATER had got the lock, before anybody else could hear of it."""
        found = [self.granted(later)]
        for instant in sorted(self.forgot.get(later.lock, [])):
            if found[0] <= instant <= found[-1] + self.renew + self.io:
                found.append(instant)
        return found[1:]


def excess(overlap, amnesia):
    """
    G2: by how many seconds an overlap is longer than it may be.  The earlier command's next renewal finds out that there is a
    later one: a renewal interval and an I/O timeout after that one was granted, then the grace.  If the server forgets that
    one, too, before, both are restored one after the other: the time counts from then.  A server that is away in the meantime
    cannot answer: an interval after it is back, but no later than the lease.
    """
    _, earlier, later = overlap
    since = max([later.first] + amnesia.again(later))
    end = since + amnesia.renew + amnesia.io + amnesia.kill
    lease = since + amnesia.lease + (amnesia.renew if since > later.first else 0)
    for begin, back in sorted(amnesia.outages):
        if begin < end and back > since:
            end = max(end, min(back + amnesia.renew + amnesia.io + amnesia.kill, lease))
    return min(earlier.last, later.last) - end


def unknowable(overlap, amnesia):
    """
    Whether nobody could tell the earlier one of the later one: the server forgot that one as well, within a renewal interval, so
    the earlier one was restored, and the later one had given the lock back before, or the earlier one ended before the later
    one's next request.
    """
    _, earlier, later = overlap
    for forgot in amnesia.again(later):
        heard = min(forgot + amnesia.renew, later.ended) + amnesia.io
        if (later.status != 76 and later.ended <= forgot + amnesia.io) or earlier.ended <= heard:
            return True
    return False


def silent_successes(runs, amnesia=Amnesia()):
    """G4: who was run into did not hold the lock throughout; who could not ask at the end says so, and that is all he can."""
    return [f"{o[1].name} ended with 0 although {o[2].name} began {o[0] * 1e3:.1f} ms before its end; it said: {o[1].said}"
            for o in overlaps(runs)
            if o[1].status == 0 and "cannot release the lock" not in o[1].said and not unknowable(o, amnesia)]


def fences(runs, amnesia=Amnesia()):
    """
    Fences rise in the order in which commands began; none is missing.  Only if it was taken away between its grant and its start
    may a command begin behind one that was granted later.
    """
    found = []
    for lock, line in by_lock(runs).items():
        highest = 0
        taken = amnesia.forgot.get(lock, []) + amnesia.robbed.get(lock, [])
        for run in line:
            late = any(run.first - amnesia.renew <= instant <= run.first for instant in taken)
            if run.fence == highest or (run.fence < highest and not late):
                found.append(f"{run.name} has fence {run.fence} after {highest}")
            highest = max(highest, run.fence)
    return found


def tokens(runs):
    """One token and fence for one run, and no token for two."""
    found, owner = [], {}
    for run in runs:
        mine = {(token, fence) for token, fence, _ in run.beats}
        if len(mine) > 1:
            found.append(f"{run.name} ran under several tokens or fences: {sorted(mine)}")
        for token, _ in mine:
            if token == "-" or owner.setdefault(token, run) is not run:
                found.append(f"{run.name} has the token {token} of {owner[token].name if token in owner else 'nobody'}")
    return found


def order(runs, margin):
    """First come, first served: nobody begins before one who came MARGIN seconds earlier.  For calm times only."""
    found = []
    for line in by_lock(runs).values():
        for i, run in enumerate(line):
            for later in line[i + 1:]:
                if later.began + margin < run.began:
                    found.append(f"{run.name} overtook {later.name}, which had come {run.began - later.began:.2f} s before it")
    return found


def idle(runs, until):
    """{lock: (longest time that it was idle while somebody waited, the instant)}, up to UNTIL."""
    worst = {}
    for lock in {r.lock for r in runs}:
        mine = [r for r in runs if r.lock == lock]
        # When somebody waits: from his start to his first beat, or to his end without one.
        waits = [(r.began, r.first if r.ran else r.ended or until) for r in mine]
        busy = sorted((r.first, r.last) for r in mine if r.ran)
        edges = [min(w[0] for w in waits)]
        longest = (0.0, edges[0])
        for begin, end in busy + [(until, until)]:
            for waited_from, waited_to in waits:
                gap = min(begin, waited_to) - max(edges[0], waited_from)
                longest = max(longest, (gap, begin))
            edges[0] = max(edges[0], end)
        worst[lock] = longest
    return worst


def statuses(runs):
    """Every exit status has its reason, and says the truth about the command."""
    found = []
    for run in runs:
        kinds = {kind for _, kind in run.faults}
        if run.status in NEEDS:
            if not kinds & set(NEEDS[run.status]):
                found.append(f"{run.name}: status {run.status} although nothing did that to it {sorted(kinds)}: {run.said}")
        elif run.status not in ALWAYS:
            found.append(f"{run.name}: status {run.status}: {run.said}")
        if run.status == 0 and (not run.ran or run.last - run.first < run.ms / 1e3 - 0.002):
            found.append(f"{run.name}: status 0, but its command did not come to its end")
        if run.status in (69, 75) and run.ran:
            found.append(f"{run.name}: status {run.status}, but its command ran")
        if run.status == 76 and "lost" not in run.said and "stopped" not in run.said:
            found.append(f"{run.name}: status 76 without a word: {run.said}")
    return found


def outlived(runs, bound):
    """G6: [(seconds, run)] of commands that ran longer than BOUND after front or keeper had been killed, and the worst."""
    found, worst = [], 0.0
    for run in runs:
        for instant, kind in run.faults:
            if kind in ("kill front", "kill keeper") and run.ran:
                worst = max(worst, run.last - instant)
                if run.last - instant > bound:
                    found.append(f"{run.name} ran for {(run.last - instant) * 1e3:.0f} ms after {kind}")
    return found, worst


# ----------------------------------------------------------------------------------------------------------- self-test


def sample(lock, pid, began, first, last, fence, status=0, ms=0, faults=(), said=""):
    beats = [(f"t{pid}", fence, first), (f"t{pid}", fence, last)] if first is not None else []
    return Run(lock, f"{lock}.{pid}", pid, ms, began, last or began + 1, status, said, beats, list(faults))


def self_test():
    """[(sentence, whether it is so)]: each check finds what it is for, and nothing in a good history."""
    good = [sample("a", 1, 0.0, 0.1, 0.3, 5), sample("a", 2, 0.05, 0.31, 0.5, 6), sample("b", 3, 0.0, 0.1, 0.9, 5),
            sample("a", 4, 0.2, None, None, 0, 75), sample("b", 5, 0.3, 0.92, 0.95, 6, -9, 0, [(0.94, "kill front")])]
    # The server forgets at 1.0 that the first one has the lock; the second one runs from then on.
    pair = [sample("a", 1, 0.0, 0.1, 1.7, 5), sample("a", 2, 0.9, 1.0, 1.3, 6)]
    long = [sample("a", 1, 0.0, 0.1, 1.9, 5), sample("a", 2, 0.9, 1.0, 2.3, 6)]

    def amnesia(*forgot, outages=()):
        return Amnesia({"a": [1.0 - 0.01, *forgot]}, {}, list(outages), 0.4, 0.1, 0.15, 1.2)

    def too_long(runs, *more, **outages):
        return [o for o in overlaps(runs) if excess(o, amnesia(*more, **outages)) > 0]

    more = {
        "finds an overlap after forgetting that is too long": bool(too_long(long)),
        "allows one that is not": not too_long(pair),
        "allows one that lasts longer since the server forgot again": not too_long(long, 1.3),
        "but not if that came later": bool(too_long(long, 1.7)),
        "allows one that lasts longer since the server was away": not too_long(long, outages=[(1.2, 1.4)]),
        "but not if that was before": bool(too_long(long, outages=[(0.5, 0.9)])),
        "finds a success after forgetting": bool(silent_successes(pair, amnesia())),
        "finds one if the server forgot again and the later one came back": bool(silent_successes(pair, amnesia(1.1))),
        "allows one that says that it could not ask": not silent_successes(
            [dataclasses.replace(pair[0], said="cannot release the lock: no reply"), pair[1]], amnesia()),
        "allows one if the server forgot again and the later one had ended": not silent_successes(pair, amnesia(1.35)),
    }
    checks = {
        "an overlap": (overlaps, [good[0], sample("a", 9, 0.0, 0.29, 0.6, 7)]),
        "a success that overlapped": (silent_successes, [good[0], sample("a", 9, 0.0, 0.29, 0.6, 7)]),
        "a fence that does not rise": (fences, [good[0], sample("a", 9, 0.0, 0.5, 0.6, 5)]),
        "a token used twice": (tokens, [good[0], sample("a", 1, 0.0, 0.5, 0.6, 6)]),
        "an overtaking": (lambda r: order(r, 0.05), [sample("a", 1, 0.0, 0.5, 0.6, 7), sample("a", 2, 0.1, 0.2, 0.3, 6)]),
        "a lock that idles": (lambda r: [g for g in idle(r, 0.6).values() if g[0] > 0.3],
                              [good[0], sample("a", 9, 0.2, 0.8, 0.9, 7)]),
        "a success that did not end": (statuses, [sample("a", 1, 0.0, 0.1, 0.3, 5, 0, 500)]),
        "a status without a reason": (statuses, [sample("a", 1, 0.0, 0.1, 0.3, 5, -9)]),
        "a command that outlived us": (lambda r: outlived(r, 0.1)[0],
                                       [sample("a", 1, 0.0, 0.1, 0.9, 5, -9, 0, [(0.2, "kill front")])]),
    }
    return [("the checker finds " + name + ", and none in a good history", bool(check(bad)) and not check(good))
            for name, (check, bad) in checks.items()] + [("the checker: " + name, good) for name, good in more.items()]
