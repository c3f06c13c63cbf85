#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judge what beat wrote: did two holders run at the same time, and did the fence rise?

usage: overlap.py [--bound MS] [--shared N] FILE...     one lock per FILE

A section is what lies between the first and the last beat of one token and fence.  Prints one line per fault and a summary;
status 1 if more than N sections (default 1) overlap by more than MS (default 0), or a later section has no higher fence.
"""

import argparse
import sys


def sections(path):
    """[(first, last, token, fence)] in order of the first beat."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            words = line.split()
            if len(words) != 3 or not line.endswith("\n"):
                sys.exit(f"{path}:{number}: not a beat: {line!r}")
            at, key = int(words[2]), (words[0], words[1])
            first, last = found.get(key, (at, at))
            found[key] = (min(first, at), max(last, at))
    return sorted((first, last, token, fence) for (token, fence), (first, last) in found.items())


def judge(path, bound_ns, shared):
    faults, worst, running, highest = [], 0, [], 0
    every = sections(path)
    for first, last, token, fence in every:
        running = sorted((r for r in running if r > first), reverse=True)
        if len(running) >= shared:
            overlap = running[shared - 1] - first
            worst = max(worst, overlap)
            if overlap > bound_ns:
                faults.append(f"{path}: {token} began {overlap / 1e6:.3f} ms before another ended")
        running.append(last)
        if fence.isdigit():
            if int(fence) <= highest:
                faults.append(f"{path}: {token} has fence {fence} after {highest}")
            highest = max(highest, int(fence))
    return len(every), worst, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bound", type=float, default=0.0)
    parser.add_argument("--shared", type=int, default=1)
    parser.add_argument("file", nargs="+")
    options = parser.parse_args()
    bad = False
    for path in options.file:
        count, worst, faults = judge(path, options.bound * 1e6, options.shared)
        bad |= bool(faults)
        for fault in faults:
            print(fault)
        print(f"{path}: {count} sections, {len(faults)} faults, worst overlap {worst / 1e6:.3f} ms")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
