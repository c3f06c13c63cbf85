#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stand between netflock and its server, count what is asked, and lose or delay what a rule says.

usage: proxy.py SOCKET SERVER LOG LUA_DIR [RULE]...     SOCKET, SERVER: unix sockets; LUA_DIR: build/lua

LOG gets one line per request: the script's name (acquire, queue, renew ...) or the command in small letters, and the rule's
action if one applied.  The scripts are loaded into the server first, so that every call is one request.
RULE is REQUEST:N:ACTION for the N-th request of that name, over all connections ("N+": and all later ones):

    cut          executed, but the connection ends instead of the reply
    lose         executed, but no reply comes, nor any later one on this connection
    delay=MS     executed, the reply comes MS later
    hold=FILE    executed, the reply comes when FILE exists
    refuse       not executed: the connection ends
    say=TEXT     not executed: the reply is the line TEXT ("-OOM no memory")

To cut everything off, stop this process (SIGSTOP).
"""

import asyncio
import hashlib
import os
import pathlib
import sys


async def read_line(stream):
    line = await stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError
    return line


async def read_value(stream):
    """One RESP2 value as it was on the wire, and what it is: bytes, or a list."""
    line = await read_line(stream)
    kind, text = line[:1], line[1:-2]
    if kind == b"$" and text != b"-1":
        body = await stream.readexactly(int(text) + 2)
        return line + body, body[:-2]
    if kind == b"*" and text != b"-1":
        raw, items = line, []
        for _ in range(int(text)):
            more, item = await read_value(stream)
            raw += more
            items.append(item)
        return raw, items
    return line, text


class Rule:
    def __init__(self, text):
        self.name, number, self.action = text.split(":", 2)
        self.onwards = number.endswith("+")
        self.number = int(number.rstrip("+"))

    def applies(self, name, number):
        return name == self.name and (number == self.number or (self.onwards and number > self.number))


class Proxy:
    def __init__(self, server, log, lua, rules):
        self.server = server
        self.log = open(log, "a", buffering=1, encoding="utf-8")
        self.rules = [Rule(r) for r in rules]
        self.counts = {}
        self.names = {}
        self.sources = {}
        for path in pathlib.Path(lua).glob("*.lua"):
            source = path.read_bytes()
            self.names[hashlib.sha1(source).hexdigest().encode()] = path.stem
            self.sources[source] = path.stem

    async def load_scripts(self):
        reader, writer = await asyncio.open_unix_connection(self.server)
        for source in self.sources:
            writer.write(b"*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%d\r\n%s\r\n" % (len(source), source))
            await read_value(reader)
        writer.close()

    def name(self, words):
        command = words[0].lower().decode(errors="replace")
        if command == "evalsha":
            return self.names.get(words[1], command)
        return self.sources.get(words[1], command) if command == "eval" else command

    def action(self, name):
        number = self.counts[name] = self.counts.get(name, 0) + 1
        action = next((r.action for r in self.rules if r.applies(name, number)), "")
        self.log.write(f"{name} {action}".strip() + "\n")
        return action

    async def requests(self, reader, server, client, pending):
        """From the client to the server."""
        while True:
            raw, words = await read_value(reader)
            action = self.action(self.name(words))
            if action == "refuse":
                return
            if action.startswith("say="):
                client.write(action[4:].encode() + b"\r\n")
                continue
            pending.append(action)
            server.write(raw)
            await server.drain()

    async def replies(self, reader, client, pending):
        """From the server to the client; messages on channels find nothing pending."""
        lost = False
        while True:
            raw, _ = await read_value(reader)
            action = pending.pop(0) if pending else ""
            if action == "cut":
                return
            lost = lost or action == "lose"
            if action.startswith("delay="):
                await asyncio.sleep(int(action[6:]) / 1000)
            while action.startswith("hold=") and not os.path.exists(action[5:]):
                await asyncio.sleep(0.002)
            if not lost:
                client.write(raw)
                await client.drain()

    async def serve(self, reader, writer):
        try:
            from_server, to_server = await asyncio.open_unix_connection(self.server, limit=1 << 20)
        except OSError:
            writer.close()
            return
        pending = []
        tasks = [
            asyncio.create_task(self.requests(reader, to_server, writer, pending)),
            asyncio.create_task(self.replies(from_server, writer, pending)),
        ]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # A client that has gone was still heard: let the server execute what it was sent.
        for task in done:
            task.exception()
        for task in rest:
            task.cancel()
        to_server.close()
        writer.close()


async def main(path, server, log, lua, *rules):
    proxy = Proxy(server, log, lua, rules)
    await proxy.load_scripts()
    listener = await asyncio.start_unix_server(proxy.serve, path, limit=1 << 20)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
