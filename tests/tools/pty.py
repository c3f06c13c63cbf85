#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command as the leader of a new session on a terminal, and play a script with it.

usage: pty.py [--timeout SECONDS] [--size ROWSxCOLUMNS] [STEP]... -- COMMAND [ARG]...

Steps, done in order while everything that the terminal shows is copied to stdout:

    expect:REGEX      wait until the output since the last expect matches (multi-line, \\r\\n is \\n)
    send:TEXT         type it; \\n, \\x1a (Ctrl-Z), \\x03 (Ctrl-C), \\e ... are understood
    signal:NAME       send COMMAND itself a signal: TERM, STOP, ...
    foreground:WHO    wait until the terminal's foreground group is COMMAND's own ("self") or another one ("other")
    stopped           wait until COMMAND is stopped
    size:ROWSxCOLUMNS change the window's size (SIGWINCH)
    hangup            close the terminal
    eof               wait until nobody has the terminal open any more

Then it waits for COMMAND and exits with its status, 128+N if signal N ended it.  A step that fails, or takes longer than
SECONDS (30, times NETFLOCK_TIME_FACTOR), is said on stderr, COMMAND's session is killed, and the status is 99.
For job control let COMMAND be an interactive shell: pty.py 'expect:[$#] ' 'send:netflock x sleep 9\\n' ... -- bash --norc -i
"""

import errno
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time


class Failed(Exception):
    pass


def size(text):
    rows, columns = (int(n) for n in text.split("x"))
    return struct.pack("HHHH", rows, columns, 0, 0)


def unescape(text):
    return text.replace("\\e", "\x1b").encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


class Terminal:
    def __init__(self, command, window, timeout):
        self.timeout = timeout
        self.shown = b""
        self.status = None
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, window)
                os.execvp(command[0], command)
            except OSError as e:
                os.write(2, f"pty.py: {command[0]}: {e.strerror}\n".encode())
            os._exit(127)

    def read(self, wait):
        """Copy what comes within WAIT seconds.  False at the end."""
        if self.fd is None:
            return False
        if not select.select([self.fd], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            data = b""
        self.shown += data.replace(b"\r\n", b"\n")
        os.write(1, data.replace(b"\r\n", b"\n"))
        return bool(data)

    def until(self, what, done):
        end = time.monotonic() + self.timeout
        while not done():
            if time.monotonic() > end:
                raise Failed(f"waited {self.timeout} s in vain for {what}")
            if not self.read(0.02):
                if done():
                    return
                time.sleep(0.01)
                if self.collect(0) and not done():
                    raise Failed(f"the command ended before {what}")

    def collect(self, flags):
        """Whether COMMAND has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | flags)
            if pid and not os.WIFSTOPPED(status):
                self.status = status
        return self.status is not None

    def state(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    # The steps.

    def expect(self, text):
        pattern = re.compile(text.encode(), re.M)
        match = None

        def seen():
            nonlocal match
            match = pattern.search(self.shown)
            return match is not None

        self.until(f"'{text}'", seen)
        self.shown = self.shown[match.end():]

    def send(self, text):
        os.write(self.fd, unescape(text))

    def signal(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))

    def foreground(self, who):
        def right():
            return (os.tcgetpgrp(self.fd) == os.getpgid(self.pid)) == (who == "self")

        self.until(f"the foreground group to be {who}", right)

    def stopped(self, _):
        self.until("the command to stop", lambda: self.state() == "T")

    def size(self, text):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size(text))

    def hangup(self, _):
        os.close(self.fd)
        self.fd = None

    def eof(self, _):
        end = time.monotonic() + self.timeout
        while self.read(0.02):
            if time.monotonic() > end:
                raise Failed("the terminal is still open")

    def finish(self):
        end = time.monotonic() + self.timeout
        while not self.collect(0):
            if time.monotonic() > end:
                raise Failed("the command goes on after the last step")
            if not self.read(0.02):
                time.sleep(0.01)
        while self.fd is not None and select.select([self.fd], [], [], 0)[0] and self.read(0):
            pass
        return os.waitstatus_to_exitcode(self.status)

    def kill(self):
        if self.status is not None:
            return
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getsid(int(entry)) == self.pid:
                    os.kill(int(entry), signal.SIGKILL)
            except OSError:
                pass


STEPS = ("expect", "send", "signal", "foreground", "stopped", "size", "hangup", "eof")


def main(words):
    timeout = 30 * float(os.environ.get("NETFLOCK_TIME_FACTOR", "1"))
    window = "24x80"
    if "--" not in words:
        sys.exit(__doc__)
    steps, command = words[:words.index("--")], words[words.index("--") + 1:]
    while steps and steps[0].startswith("--"):
        if steps[0] == "--timeout":
            timeout = float(steps[1])
        elif steps[0] == "--size":
            window = steps[1]
        else:
            sys.exit(__doc__)
        steps = steps[2:]
    for step in steps:
        if step.split(":", 1)[0] not in STEPS:
            sys.exit(f"pty.py: no such step: {step}")
    terminal = Terminal(command, size(window), timeout)
    step = "the end"
    try:
        for step in steps:
            word, _, argument = step.partition(":")
            getattr(terminal, word)(argument)
        step = "the end"
        status = terminal.finish()
    except (Failed, OSError) as e:
        print(f"pty.py: {step}: {e}", file=sys.stderr)
        terminal.kill()
        return 99
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
