# SPDX-License-Identifier: MIT
"""A private server with a clock of its own, the scripts, and TAP."""

import atexit
import ctypes
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, '..', '..', 'src', 'lua')
OPERATIONS = ('acquire', 'queue', 'renew', 'release', 'leave', 'goodbye',
              'reset', 'inspect', 'history')
START_US = 1_700_000_000_000_000
PR_SET_PDEATHSIG = 1


def build(op, shortcut=True):
    """One complete script, as the Makefile builds it."""
    text = subprocess.run(
        ['sh', os.path.join(SOURCES, 'assemble.sh'), op], check=True,
        stdout=subprocess.PIPE, text=True).stdout
    end = text.find('\nend\n' + core())
    if not shortcut and end != -1:
        text = text[:('\n' + text).index('\ndo\n')] + text[end + 5:]
    return text


def core():
    """How core.lua begins, once it is stripped."""
    with open(os.path.join(SOURCES, 'core.lua')) as f:
        lines = [line.strip() for line in f]
    return [line for line in lines if line and not line.startswith('--')][0]


def scripts(shortcut=not os.environ.get('NETFLOCK_NO_SHORTCUT')):
    """All scripts: from $NETFLOCK_LUA, or made from the sources."""
    ready = os.environ.get('NETFLOCK_LUA')
    if not ready:
        return {op: build(op, shortcut) for op in OPERATIONS}
    result = {}
    for op in OPERATIONS:
        with open(os.path.join(ready, op + '.lua')) as f:
            result[op] = f.read()
    return result


def on_signal(number, _frame):
    sys.exit(128 + number)


def make_temp_dir():
    """A directory that goes with us, interrupted or not."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    path = tempfile.mkdtemp(prefix='netflock-test.')
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Refused(Exception):
    """An error reply."""


class Connection:
    """RESP over a unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        # A script that never ends is a failure, not a hang.
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.buffer = b''

    def close(self):
        self.socket.close()

    @staticmethod
    def pack(words):
        out = [b'*%d\r\n' % len(words)]
        for word in words:
            if not isinstance(word, bytes):
                word = str(word).encode('utf-8', 'surrogateescape')
            out.append(b'$%d\r\n%s\r\n' % (len(word), word))
        return b''.join(out)

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.buffer += data

    def line(self):
        while b'\r\n' not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b'\r\n', 1)
        return line

    def take(self, size):
        while len(self.buffer) < size + 2:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
        return data.decode('utf-8', 'surrogateescape')

    def read(self):
        line = self.line()
        kind, rest = line[:1], line[1:].decode('utf-8', 'surrogateescape')
        if kind == b'+':
            return rest
        if kind == b'-':
            return Refused(rest)
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == '-1' else self.take(int(rest))
        return None if rest == '-1' else [self.read() for _ in range(int(rest))]

    def ask(self, *words):
        """The reply, an error reply as a value."""
        self.socket.sendall(self.pack(words))
        return self.read()

    def do(self, *words):
        """The reply; an error reply is raised."""
        reply = self.ask(*words)
        if isinstance(reply, Refused):
            raise reply
        return reply

    def pending(self):
        """Whatever has arrived, without waiting."""
        self.socket.setblocking(False)
        try:
            while True:
                self.fill()
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(20)
        replies = []
        while self.buffer:
            replies.append(self.read())
        return replies


class Server:
    """A throw-away redis-server whose TIME is ours."""

    def __init__(self):
        self.dir = make_temp_dir()
        self.path = os.path.join(self.dir, 'socket')
        self.clock = self.make_clock()
        self.process = subprocess.Popen(
            [self.find(), '--port', '0', '--unixsocket', self.path,
             '--save', '', '--appendonly', 'no', '--dir', self.dir,
             '--maxclients', '4000', '--logfile', 'log',
             # It would spin: its timed waits are on the clock that stands.
             '--jemalloc-bg-thread', 'no'],
            cwd=self.dir, preexec_fn=die_with_parent,
            env=dict(os.environ, LD_PRELOAD=os.path.join(self.dir, 'clock.so'),
                     TEST_CLOCK=os.path.join(self.dir, 'clock')))
        atexit.register(self.stop)
        self.connection = self.wait_for_it()
        self.load(scripts())

    def make_clock(self):
        source = os.path.join(HERE, 'clock.c')
        target = os.path.join(self.dir, 'clock.so')
        subprocess.run([os.environ.get('CC', 'cc'), '-O1', '-shared', '-fPIC',
                        '-o', target, source], check=True)
        with open(os.path.join(self.dir, 'clock'), 'w+b') as f:
            f.write(b'\0' * 4096)
            f.flush()
            page = mmap.mmap(f.fileno(), 4096)
        self.us = START_US
        page[:8] = struct.pack('<q', self.us)
        return page

    def find(self):
        given = os.environ.get('REDIS_SERVER')
        for name in [given] if given else ['redis-server', 'valkey-server']:
            found = shutil.which(name)
            if found:
                return found
        for name in ('redis-check-rdb', 'valkey-check-rdb'):
            found = shutil.which(name)
            if found:
                # One binary: its name decides what it is.
                link = os.path.join(self.dir, 'redis-server')
                os.symlink(found, link)
                return link
        sys.exit('Bail out! no redis-server')

    def wait_for_it(self):
        give_up = time.monotonic() + 10
        while True:
            try:
                connection = Connection(self.path)
                connection.do('PING')
                return connection
            except (OSError, Refused):
                if time.monotonic() > give_up or self.process.poll() is not None:
                    sys.exit('Bail out! the server does not start')
                time.sleep(0.005)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def load(self, sources):
        self.sha = {op: self.connection.do('SCRIPT', 'LOAD', source)
                    for op, source in sources.items()}

    def set_us(self, us):
        self.us = us
        self.clock[:8] = struct.pack('<q', us)

    def pass_ms(self, ms):
        self.set_us(self.us + int(ms * 1000))

    def now_ms(self):
        return self.us // 1000

    def connect(self):
        return Connection(self.path)

    def do(self, *words):
        return self.connection.do(*words)


def keys_of(names, prefix='netflock'):
    hashes = ['%s:{%s}' % (prefix, name) for name in names]
    return (hashes + [key + ':queue' for key in hashes]
            + [key + ':waiters' for key in hashes])


def run_script(connection, sha, keys, fields):
    """(word, {field: value}); an error reply is raised."""
    words = []
    for field, value in fields.items():
        words += [field, value]
    reply = connection.do('EVALSHA', sha, len(keys), *keys, *words)
    return reply[0], dict(zip(reply[1::2], reply[2::2]))


class Tap:
    """Numbers the lines, remembers failures."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def line(self, good, text, details=''):
        self.count += 1
        self.failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', self.count, text))
        for detail in details.splitlines():
            print('# ' + detail)
        sys.stdout.flush()

    def finish(self):
        print('1..%d' % self.count)
        sys.exit(1 if self.failed else 0)
