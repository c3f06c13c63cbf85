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
    """[(seconds, earlier run, later run)]: how long both ran."""
    found = []
    for line in by_lock(runs).values():
        for i, later in enumerate(line):
            for earlier in line[:i]:
                if earlier.last > later.first:
                    found.append((min(earlier.last, later.last) - later.first, earlier, later))
    return sorted(found, key=lambda o: -o[0])


def silent_successes(runs):
    """G4: who was run into did not hold the lock throughout."""
    return [f"{earlier.name} ended with 0 although {later.name} began {s * 1e3:.1f} ms before its end"
            for s, earlier, later in overlaps(runs) if earlier.status == 0]


def fences(runs):
    """Fences rise in the order in which commands began; none is missing."""
    found = []
    for line in by_lock(runs).values():
        highest = 0
        for run in line:
            if run.fence <= highest:
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
            for name, (check, bad) in checks.items()]
