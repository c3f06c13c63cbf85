#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judge what beat wrote under locks that several may hold: were there ever more than any of them allows?

usage: limits.py [--together N] DIR      DIR has files LIMIT:NAME[+NAME]..., what beat wrote under these locks (0: no limit)

A section is what lies between the first and the last beat of one token.  When one begins, no more sections than the least
limit of all those that run may run in that name, itself included.  Prints one line per fault and one per name; status 1 if there is
a fault, or if nowhere N sections (default 1) ran at a time.
"""

import argparse
import collections
import os
import sys

NO_LIMIT = 10**9


def sections(path):
    """[(first, last)] of the tokens of one file."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            token, _, at = line.split()
            first, last = found.get(token, (int(at), int(at)))
            found[token] = (min(first, int(at)), max(last, int(at)))
    return list(found.values())


def judge(name, spans):
    """How many ran at a time at most; prints the faults, and says whether there were any."""
    running, most, bad = [], 0, False
    for first, last, limit in sorted(spans):
        running = [r for r in running if r[0] > first] + [(last, limit)]
        most = max(most, len(running))
        least = min(r[1] for r in running)
        if len(running) > least:
            print(f"{name}: {len(running)} at a time, where one of them allows {least}")
            bad = True
    print(f"{name}: {len(spans)} sections, {most} at a time at most")
    return most, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("dir")
    options = parser.parse_args()
    spans = collections.defaultdict(list)
    for file in sorted(os.listdir(options.dir)):
        limit, names = file.split(":")
        for first, last in sections(os.path.join(options.dir, file)):
            for name in names.split("+"):
                spans[name].append((first, last, int(limit) or NO_LIMIT))
    results = [judge(name, spans[name]) for name in sorted(spans)]
    together = max((most for most, _ in results), default=0)
    if together < options.together:
        print(f"never {options.together} at a time, but {together}")
    return 1 if together < options.together or any(bad for _, bad in results) else 0


if __name__ == "__main__":
    sys.exit(main())
