#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold the output of "netflock status --json" (stdin) to what the manual documents.

usage: status_schema.py [PATH]...      PATH picks what is printed, one value per line: 0.state  0.holders.0.pid

Fails on a key too many or too few, a value of another type, a time that is no RFC 3339 UTC, and on bytes that are no
UTF-8 or could fool a terminal.
"""

import json
import re
import sys

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
STATES = {"held", "granted", "shared", "slots", "cooling", "revoked", "waiting", "free", "broken", "foreign"}


def integer(v):
    return type(v) is int and 0 <= v < 2**53


def text(v):
    return type(v) is str


def time(v):
    return text(v) and TIME.fullmatch(v) is not None


def maybe(check):
    return lambda v: v is None or check(v)


def boolean(v):
    return type(v) is bool


OWNER = {"user": maybe(text), "host": maybe(text), "pid": maybe(integer), "command": maybe(text)}
HOLDER = dict(OWNER, token=maybe(text), state=STATES.__contains__, reason=maybe(text), since=maybe(time),
              held_ms=maybe(integer), lease_ms=maybe(integer), ttl_ms=maybe(integer), limit=maybe(integer), names=[text],
              fence=maybe(integer), connected=boolean)
WAITER = dict(OWNER, position=integer, token=maybe(text), reason=maybe(text), since=maybe(time),
              waiting_ms=maybe(integer), limit=maybe(integer), names=[text], connected=boolean)
RUN = dict(OWNER, began=maybe(time), ended=maybe(time), ran_ms=maybe(integer), status=maybe(integer))
LOCK = {
    "name": text, "name_hex": maybe(re.compile(r"([0-9a-f]{2})+").fullmatch), "state": STATES.__contains__,
    "limit": maybe(integer), "holder_count": integer, "holders": [HOLDER], "waiters": integer, "queue": [WAITER],
    "fence": maybe(integer), "hold_ms": integer, "last_run": maybe(lambda v: check(v, RUN, "last_run")),
    "problem": maybe(text),
}


def check(value, schema, path):
    if isinstance(schema, list):
        assert isinstance(value, list), f"{path}: no array"
        return all(check(v, schema[0], f"{path}.{i}") for i, v in enumerate(value))
    if isinstance(schema, dict):
        assert isinstance(value, dict), f"{path}: no object"
        assert set(value) == set(schema), f"{path}: keys {sorted(set(value) ^ set(schema))}"
        return all(check(value[k], schema[k], f"{path}.{k}") for k in schema)
    assert schema(value), f"{path}: {value!r}"
    return True


def main(paths):
    raw = sys.stdin.buffer.read()
    shown = raw.decode("utf-8")  # strict
    for c in shown:
        assert c == "\n" or (c >= " " and not "\x7f" <= c <= "\x9f" and c not in "\u200e\u200f\u202a\u202e\u2066"), repr(c)
    locks = json.loads(shown)
    check(locks, [LOCK], "")
    for lock in locks:
        if lock["name_hex"] is not None:
            assert bytes.fromhex(lock["name_hex"]).decode("utf-8", "replace").count("\ufffd") > 0, lock["name"]
        assert lock["waiters"] >= len(lock["queue"]) and lock["holder_count"] >= len(lock["holders"])
    for path in paths:
        value = locks
        for word in path.split("."):
            value = value[int(word) if isinstance(value, list) else word]
        print(value if isinstance(value, str) else json.dumps(value))


main(sys.argv[1:])
