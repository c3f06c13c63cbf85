#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A scripted Redis server, and a proxy that can hold or lose exactly one request or reply.

usage: fakeredis.py LISTEN [--forward SOCKET] [--log FILE] RULE...

LISTEN is a unix socket's path, or HOST:PORT (port 0: the kernel chooses); the endpoint is printed once it accepts.
Without --forward every request is answered +OK (PING: +PONG); with it, requests go to the real server on that socket, and
its replies back.  A rule changes that for the requests it matches; the first rule that matches counts:

    RULE     [@N] PATTERN[#N] => ACTION [; ACTION]...
    PATTERN  a regex for the start of the request's words, joined by blanks, any case: 'evalsha', 'client setname', '.*';
             or 'connect': the moment a client connects
    @N       only on the N-th connection
    #N #N+   only the N-th request that matches, or all from there on; counted over all connections
    ACTION   reply RAW       send RAW (escapes: \\r \\n \\x1b; a ';' is \\x3b, CRLF is added unless RAW ends with \\n or \\c)
             delay MS        wait
             hold FILE       wait until FILE exists
             drip MS         from now on send one byte every MS
             forward         to the real server, and its reply back
             drop            to the real server if there is one, but its reply is lost
             lose            the request is lost
             repeat RAW      send RAW again and again, until the client goes away
             close           end the connection

    fakeredis.py /tmp/t/s --forward /tmp/t/real --log /tmp/t/log 'evalsha#2 => drop' 'auth => reply -WRONGPASS no'

The log has one line per event, "CONNECTION connect", "CONNECTION WORD WORD...", "CONNECTION closed", written before the
rule is acted upon: a test waits for a line, never for a time.  Dies with its parent.
"""

import argparse
import ctypes
import os
import re
import signal
import socket
import sys
import threading
import time

lock = threading.Lock()


class Rule:
    def __init__(self, text):
        head, actions = text.split("=>", 1)
        found = re.fullmatch(r"(?:@(\d+)\s+)?(.*?)(?:#(\d+)(\+?))?", head.strip())
        self.connection, pattern, self.nth, self.onwards = found.groups()
        self.pattern = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        self.actions = [a.strip().partition(" ")[::2] for a in actions.split(";")]
        self.seen = 0

    def matches(self, number, words):
        if self.connection and int(self.connection) != number or not self.pattern.match(words):
            return False
        self.seen += 1
        return not self.nth or self.seen == int(self.nth) or (self.onwards and self.seen > int(self.nth))


class Stream:
    """A socket read by lines and lengths."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        return self.take(self.buffer.index(b"\n") + 1)

    def value(self):
        """One RESP value, raw, and the words in it."""
        raw = self.line()
        kind, size = raw[:1], raw[1:].strip()
        if kind == b"$" and int(size) >= 0:
            body = self.take(int(size) + 2)
            return raw + body, [body[:-2]]
        words = [] if kind == b"*" else [raw.strip()]
        for _ in range(int(size) if kind == b"*" else 0):
            part, more = self.value()
            raw += part
            words += more
        return raw, words


def raw_bytes(text):
    whole = text.endswith("\\c")
    data = text.removesuffix("\\c").encode("latin-1").decode("unicode_escape").encode("latin-1")
    return data if whole or data.endswith(b"\n") else data + b"\r\n"


class Connection:
    def __init__(self, server, sock, number):
        self.server, self.number, self.drip = server, number, 0
        self.client = Stream(sock)
        self.real = None

    def send(self, data):
        if not self.drip:
            self.client.sock.sendall(data)
            return
        for i in range(len(data)):
            self.client.sock.sendall(data[i:i + 1])
            time.sleep(self.drip)

    def ask_real(self, raw):
        if not self.server.forward:
            return None
        if self.real is None:
            self.real = Stream(socket.socket(socket.AF_UNIX))
            self.real.sock.connect(self.server.forward)
        self.real.sock.sendall(raw)
        return self.real.value()[0]

    def act(self, action, argument, raw):
        if action == "reply":
            self.send(raw_bytes(argument))
        elif action == "repeat":
            while True:
                self.send(raw_bytes(argument))
        elif action == "delay":
            time.sleep(int(argument) / 1000)
        elif action == "drip":
            self.drip = int(argument) / 1000
        elif action == "hold":
            while not os.path.exists(argument):
                time.sleep(0.002)
        elif action == "forward":
            self.send(self.ask_real(raw))
        elif action == "drop":
            self.ask_real(raw)
        elif action == "close":
            raise EOFError
        elif action != "lose":
            sys.exit(f"no action '{action}'")

    def event(self, words, raw=b""):
        self.server.log(f"{self.number} {words}")
        with lock:
            rule = next((r for r in self.server.rules if r.matches(self.number, words)), None)
        for action, argument in rule.actions if rule else []:
            self.act(action, argument, raw)
        return rule is not None

    def answer(self, raw, words):
        text = " ".join(w.decode("latin-1") for w in words)
        if self.event(text, raw):
            return
        self.send(self.ask_real(raw) or (b"+PONG\r\n" if text.upper() == "PING" else b"+OK\r\n"))
        if words[0].upper() == b"SUBSCRIBE" and self.real:
            threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        """A subscription: from here on the server speaks unasked."""
        try:
            while True:
                self.send(self.real.value()[0])
        except (EOFError, OSError):
            self.client.sock.shutdown(socket.SHUT_RDWR)

    def run(self):
        try:
            self.event("connect")
            while True:
                self.answer(*self.client.value())
        except (EOFError, OSError, ValueError):
            pass
        for stream in (self.client, self.real):
            if stream:
                stream.sock.close()
        self.server.log(f"{self.number} closed")


class Server:
    def __init__(self, options):
        self.forward = options.forward
        self.rules = [Rule(text) for text in options.rule]
        self.file = open(options.log, "a", encoding="utf-8") if options.log else None

    def log(self, text):
        if self.file:
            with lock:
                shown = text.encode("unicode_escape").decode("ascii")
                self.file.write((shown if len(shown) < 1000 else shown[:1000] + "...") + "\n")
                self.file.flush()

    def serve(self, listener):
        number = 0
        while True:
            sock, _ = listener.accept()
            number += 1
            threading.Thread(target=Connection(self, sock, number).run, daemon=True).start()


def listen(where):
    if "/" in where:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(where + ".new")
        listener.listen(64)
        os.rename(where + ".new", where)  # whoever sees it can connect
        return listener, where
    host, _, port = where.rpartition(":")
    listener = socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    return listener, f"{host}:{listener.getsockname()[1]}"


def main():
    parser = argparse.ArgumentParser(
        usage=argparse.SUPPRESS, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listen")
    parser.add_argument("rule", nargs="*")
    parser.add_argument("--forward")
    parser.add_argument("--log")
    options = parser.parse_intermixed_args()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    server = Server(options)
    listener, where = listen(options.listen)
    print(where, flush=True)
    server.serve(listener)


if __name__ == "__main__":
    main()
