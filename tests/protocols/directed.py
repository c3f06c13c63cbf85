#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The scripts of the netflock protocol, one sentence per behaviour (TAP).

usage: directed.py [--fail-fast] [part of a sentence]...

Time is the server's and stands still unless a test lets it pass.
"""

import json
import os
import random
import sys
import traceback

sys.dont_write_bytecode = True
from harness import (Refused, Server, Tap, keys_of,  # noqa: E402
                     run_script)

TTL = 30000
WEEK = 7 * 24 * 3600 * 1000
TESTS = []


def test(sentence):
    def add(function):
        TESTS.append((sentence, function))
        return function
    return add


class Party:
    """Somebody who asks: a client reduced to its requests."""

    def __init__(self, server, token, names=('a',), **fields):
        self.server = server
        self.token = token
        self.names = names
        self.fields = {'token': token, 'id': 'id-' + token, 'limit': 1,
                       'ttl': TTL, 'kill': 5000, 'renew': 10000, 'io': 2000,
                       'user': 'u-' + token, 'host': 'h-' + token, 'pid': 7,
                       'command': 'c ' + token}
        self.fields.update(fields)
        self.ear = None
        self.fence = None
        self.borns = None
        self.number = None

    def call(self, op, **more):
        fields = dict(self.fields, **more)
        word, pairs = run_script(self.server.connection, self.server.sha[op],
                                 keys_of(self.names), fields)
        self.fence = int(pairs.get('fence', self.fence or 0)) or None
        self.borns = pairs.get('borns', self.borns)
        self.number = int(pairs.get('order', self.number or 0)) or None
        return word, pairs

    def acquire(self, **more):
        return self.call('acquire', **more)

    def held(self, **more):
        word, _ = self.acquire(**more)
        assert word == 'held', word
        return self

    def listen(self):
        if self.ear is None:
            self.ear = self.server.connect()
            self.ear.do('SUBSCRIBE',
                        'netflock:{%s}:%s' % (self.names[0], self.token))
        return self

    def deafen(self):
        self.ear.close()
        self.ear = None
        # The server has noticed once nobody is subscribed any more.
        name = 'netflock:{%s}:%s' % (self.names[0], self.token)
        while self.server.do('PUBSUB', 'NUMSUB', name)[1]:
            pass

    def heard(self):
        # An answer on this connection follows all earlier messages.
        self.server.do('PING')
        self.server.do('PING')
        return [self.without_id(m[2]) for m in self.ear.pending()
                if m[0] == 'message']

    def without_id(self, message):
        word, _, rest = message.partition(' ')
        if word not in ('revoked', 'released', 'displaced'):
            return message
        equal(rest, str(self.fields['id']))
        return word

    def queue(self, **more):
        if self.number and 'order' not in more:
            more['order'] = self.number
        return self.call('queue', **more)

    def waits(self, **more):
        self.listen()
        word, pairs = self.queue(**more)
        assert word == 'queued', word
        return pairs

    def renew(self, **more):
        more.setdefault('fence', self.fence or 1)
        more.setdefault('confirmed', 1)
        if self.borns:
            more.setdefault('borns', self.borns)
        return self.call('renew', **more)

    def confirm(self):
        return self.renew(confirmed=0)

    def release(self, **more):
        if self.borns:
            more.setdefault('borns', self.borns)
        return self.call('release', fence=self.fence or 1, **more)

    def leave(self):
        return self.call('leave')


class World:
    """One test's server: clean, on time."""

    def __init__(self, server):
        self.server = server
        server.do('FLUSHALL')
        server.do('CONFIG', 'SET', 'maxmemory', 0)
        server.set_us(server.us + 10 ** 12)
        self.do = server.do
        self.pass_ms = server.pass_ms
        self.parties = []

    def party(self, token, *names, **fields):
        p = Party(self.server, token, names or ('a',), **fields)
        self.parties.append(p)
        return p

    def reset(self, name='a', **fields):
        return run_script(self.server.connection, self.server.sha['reset'],
                          keys_of([name]), fields)

    def look(self, name='a', **fields):
        word, pairs = run_script(self.server.connection,
                                 self.server.sha['inspect'],
                                 keys_of([name]), fields)
        assert word == 'ok', (word, pairs)
        return pairs

    def history(self, name='a', **fields):
        return run_script(self.server.connection, self.server.sha['history'],
                          keys_of([name]), fields)

    def holders(self, name='a'):
        pairs = self.look(name)
        return sorted((pairs['token.%d' % i], pairs['state.%d' % i])
                      for i in range(1, int(pairs['holders']) + 1))

    def line(self, name='a'):
        return self.do('ZRANGE', 'netflock:{%s}:queue' % name, 0, -1)

    def dump(self):
        """Everything in the server, byte for byte."""
        return {key: self.do('DUMP', key) for key in self.do('KEYS', '*')}

    def close(self):
        for p in self.parties:
            if p.ear:
                p.ear.close()
        self.do('CONFIG', 'SET', 'maxmemory', 0)


def equal(got, want):
    assert got == want, 'got %r, want %r' % (got, want)


def refused(call, word):
    try:
        got = call()
    except Refused as e:
        assert word in str(e), e
        return
    raise AssertionError('not refused: %r' % (got,))


# Getting it, keeping it, giving it back


@test('a free lock is held at once, for the whole ttl')
def _(w):
    word, pairs = w.party('t1').acquire()
    equal(word, 'held')
    equal(pairs['fence'], str(w.server.us))
    equal(pairs['borns'], str(w.server.us))
    seen = w.look()
    equal(w.holders(), [('t1', 'held')])
    equal(seen['ends.1'], str(TTL))


@test('a busy reply says who has it, for how long, and how many wait')
def _(w):
    w.party('t1', reason='nightly').held()
    w.pass_ms(1000)
    w.party('t2').waits()
    word, pairs = w.party('t3').acquire()
    equal(word, 'busy')
    want = {'holders': '1', 'user': 'u-t1', 'host': 'h-t1', 'pid': '7',
            'command': 'c t1', 'reason': 'nightly', 'state': 'held',
            'since': '1000', 'ends': str(TTL - 1000), 'ahead': '1',
            'hold': '12000'}
    equal({k: pairs.get(k) for k in want}, want)


@test('a busy acquire writes nothing')
def _(w):
    w.party('t1').held()
    w.party('t2').waits()
    before = w.dump()
    equal(w.party('t3').acquire()[0], 'busy')
    equal(w.dump(), before)


@test('an acquire whose reply was lost is answered with granted')
def _(w):
    t1 = w.party('t1').held()
    fence = t1.fence
    word, pairs = t1.acquire()
    equal((word, int(pairs['fence'])), ('granted', fence))
    equal(t1.queue()[0], 'granted')
    equal(t1.renew()[0], 'ok')


@test('a renewal says how much was left and starts a whole ttl')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(12000)
    word, pairs = t1.renew()
    equal((word, pairs['left'], pairs['restored']), ('ok', '18000', '0'))
    equal(w.look()['ends.1'], str(TTL))


@test('no renewal shortens a lease')
def _(w):
    t1 = w.party('t1').held()
    equal(t1.renew(ttl=2000)[0], 'ok')
    equal(w.look()['ends.1'], str(TTL))
    equal(t1.renew(ttl=60000)[0], 'ok')
    equal(w.look()['ends.1'], '60000')


@test('a late renewal is refused, and revives nothing')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(TTL)
    word, pairs = t1.renew()
    equal((word, pairs['why']), ('lost', 'gone'))
    equal(w.holders(), [])
    equal(t1.release()[0], 'lost')


@test('a lease that ran out is somebody else\'s at once, and a late renewal '
      'names him')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(TTL)
    w.party('t2').held()
    word, pairs = t1.renew()
    equal((word, pairs['why'], pairs['user']), ('lost', 'gone', 'u-t2'))
    equal(w.holders(), [('t2', 'held')])


@test('a release frees the lock at once and leaves no waiter keys')
def _(w):
    t1 = w.party('t1').held()
    equal(t1.release(), ('ok', {'state': 'held'}))
    equal(w.holders(), [])
    equal(w.do('KEYS', '*'), ['netflock:{a}'])
    equal(t1.release()[1]['why'], 'gone')


@test('two processes with one token exclude each other, shared or not')
def _(w):
    for limit in (1, 3, 0):
        w.do('FLUSHALL')
        p1 = w.party('t', id='p1', limit=limit).held()
        p2 = w.party('t', id='p2', limit=limit)
        equal(p2.acquire()[0], 'busy')
        p2.fence, p2.borns = p1.fence, p1.borns
        word, pairs = p2.renew()
        equal((word, pairs['why']), ('lost', 'other'))
        word, pairs = p2.release()
        equal((word, pairs['why'], pairs['user']), ('lost', 'other', 'u-t'))
        equal(w.look()['id.1'], 'p1')
        equal(p1.renew()[0], 'ok')
        equal(p1.release()[0], 'ok')


@test('a waiter with the holder\'s token is woken by the release')
def _(w):
    p1 = w.party('t', id='p1').held()
    p2 = w.party('t', id='p2')
    p2.waits()
    equal(p1.renew()[0], 'ok')
    equal(w.line(), ['t'])
    p2.heard()
    p1.release()
    assert p2.heard()[0].startswith('granted ')
    equal(p2.confirm()[0], 'ok')


@test('the fence number rises with every grant and is passed to the holder')
def _(w):
    last = 0
    for i in range(5):
        t = w.party('t%d' % i).held()
        assert t.fence > last
        equal(w.look()['fence'], str(t.fence))
        equal(w.look()['fence.1'], str(t.fence))
        last = t.fence
        t.release()


# Queue


@test('waiters are served in order of arrival, each told once')
def _(w):
    t0 = w.party('t0').held()
    waiters = [w.party('t%d' % i) for i in (3, 1, 2)]
    for i, t in enumerate(waiters):
        equal(t.waits()['position'], str(i + 1))
    holder = t0
    for t in waiters:
        t.heard()
        holder.release()
        word, fence = t.heard()[0].split()
        equal(word, 'granted')
        assert int(fence) > holder.fence
        t.fence = int(fence)
        equal(w.holders(), [(t.token, 'pending')])
        equal(t.confirm()[0], 'ok')
        holder = t
    holder.release()
    equal(w.do('KEYS', '*'), ['netflock:{a}'])


@test('a newcomer does not overtake a live waiter')
def _(w):
    reader = w.party('r1', limit=0).held()
    writer = w.party('w')
    writer.waits()
    equal(w.party('r2', limit=0).acquire()[0], 'busy')
    r3 = w.party('r3', limit=0)
    equal(r3.waits()['position'], '2')
    reader.release()
    equal(w.holders(), [('w', 'pending')])
    writer.release()
    equal(w.holders(), [('r3', 'pending')])


@test('a waiter killed while it is head is passed over')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t2.deafen()
    t1.release()
    equal(w.holders(), [('t3', 'pending')])
    assert t3.heard()[0].startswith('granted ')
    equal(w.line(), [])


@test('a dead head keeps no newcomer out')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t2.deafen()
    w.pass_ms(TTL)
    equal(w.party('t3').acquire()[0], 'held')
    equal(w.do('KEYS', '*'), ['netflock:{a}'])
    equal(t1.renew()[0], 'lost')


@test('the asker counts as live, subscribed or not')
def _(w):
    w.party('t1').held()
    t2 = w.party('t2')
    equal(t2.queue()[0], 'queued')
    w.pass_ms(TTL)
    equal(t2.queue()[0], 'granted')
    equal(t2.confirm()[0], 'ok')
    equal(w.holders(), [('t2', 'held')])


@test('asking again keeps the place, with and without the number')
def _(w):
    w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    order = t2.waits()['order']
    t3.waits()
    w.pass_ms(1000)
    word, pairs = t2.queue()
    equal((word, pairs['position'], pairs['order']), ('queued', '1', order))
    t2.number = None
    word, pairs = t2.queue()
    equal((word, pairs['position'], pairs['order']), ('queued', '1', order))
    equal(w.line(), ['t2', 't3'])


@test('a waiter that was dropped gets its place back by its first number')
def _(w):
    w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t2.deafen()
    w.party('t4').acquire()
    equal(w.line(), ['t3'])
    equal(t3.queue()[1]['position'], '1')
    equal(t2.waits()['position'], '1')
    equal(w.line(), ['t2', 't3'])


@test('a presented number raises the last one, one from the far future '
      'does not')
def _(w):
    w.party('t1').held()
    t2, t3, t4 = w.party('t2'), w.party('t3'), w.party('t4')
    early = w.server.us + 5 * 10 ** 6
    t2.waits(order=early)
    equal(int(t3.waits()['order']), early + 1)
    t4.waits(order=w.server.us + 2 * 86400 * 10 ** 6)
    equal(int(w.party('t5').waits()['order']), early + 2)


@test('a pending grantee that dies is passed over by the next script and '
      'keeps its number')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t1.release()
    equal(w.holders(), [('t2', 'pending')])
    t2.deafen()
    equal(w.party('t4').acquire()[0], 'busy')
    equal(w.holders(), [('t3', 'pending')])
    equal(t2.waits()['position'], '1')
    t3.leave()
    equal(w.holders(), [('t2', 'pending')])


@test('a grantee that never confirms is passed over after 5 s')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t3.heard()
    t1.release()
    equal(t3.heard(), ['head 5000'])
    w.pass_ms(4999)
    equal(t3.queue()[0], 'queued')
    w.pass_ms(1)
    equal(t3.queue()[0], 'granted')
    word, pairs = t2.confirm()
    equal((word, pairs['why']), ('lost', 'gone'))


@test('a grant lasts no longer than a short ttl')
def _(w):
    t1 = w.party('t1').held()
    w.party('t2', ttl=2000).waits()
    t1.release()
    equal(w.look()['ends.1'], '2000')


@test('a confirmation counts as live')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t1.release()
    t2.deafen()
    equal(t2.confirm()[0], 'ok')
    equal(w.holders(), [('t2', 'held')])


@test('a confirmation makes the grant a lease of a whole ttl')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t1.release()
    w.pass_ms(300)
    word, pairs = t2.confirm()
    equal((word, pairs['left']), ('ok', '4700'))
    equal(w.look()['ends.1'], str(TTL))
    equal(w.look()['since.1'], '300')


@test('a grantee that asks again is told granted')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t1.release()
    fence = int(t2.heard()[-1].split()[1])
    for op in ('acquire', 'queue'):
        word, pairs = t2.call(op)
        equal((word, int(pairs['fence'])), ('granted', fence))
    equal(w.line(), [])


@test('a waiter that leaves promotes the next')
def _(w):
    reader = w.party('r1', limit=0).held()
    writer, r2 = w.party('w'), w.party('r2', limit=0)
    writer.waits()
    r2.waits()
    equal(writer.leave()[0], 'ok')
    equal(w.holders(), [('r1', 'held'), ('r2', 'pending')])
    assert r2.heard()[-1].startswith('granted ')
    reader.release()


@test('leave gives back a grant, and never fails')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t1.release()
    equal(t2.leave()[0], 'ok')
    equal(w.holders(), [('t3', 'pending')])
    equal(t2.leave()[0], 'ok')
    equal(t3.leave()[0], 'ok')
    equal(w.holders(), [])
    equal(w.party('t9').leave()[0], 'ok')


@test('leave of another attempt takes neither place nor lease')
def _(w):
    w.party('t1').held()
    w.party('t2').waits()
    for token in ('t1', 't2'):
        equal(w.party(token, id='other').leave()[0], 'ok')
    equal(w.holders(), [('t1', 'held')])
    equal(w.line(), ['t2'])


@test('the head is told when the next change can come, nobody else is')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    equal(t2.waits()['next'], str(TTL))
    t3.waits()
    w.pass_ms(10000)
    t1.renew()
    equal(t2.heard(), ['head %d' % TTL])
    equal(t3.heard(), [])
    t2.leave()
    equal(t3.heard(), ['head %d' % TTL])


@test('a script that changes nothing for the head does not wake it')
def _(w):
    w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    w.party('t3').waits()
    w.party('t4').acquire()
    w.party('t3').leave()
    equal(t2.heard(), [])


@test('10,000 dead waiters in front of a live one are passed over by one '
      'release')
def _(w):
    t1 = w.party('t1').held()
    many_waiters(w, 10000)
    t2 = w.party('t2')
    equal(t2.queue()[0], 'queued')
    assert len(w.line()) <= 10001
    w.do('DEL', 'netflock:{a}:queue', 'netflock:{a}:waiters')
    many_waiters(w, 10000)
    t2.listen()
    w.do('ZADD', 'netflock:{a}:queue', str(w.server.us), 't2')
    w.do('HSET', 'netflock:{a}:waiters', 't2', record_of(t2))
    equal(t1.release()[0], 'ok')
    equal(w.holders(), [('t2', 'pending')])
    equal(w.line(), [])
    equal(w.do('EXISTS', 'netflock:{a}:waiters'), 0)


def record_of(party):
    """What the scripts keep of a waiter."""
    keys = ['netflock:{%s}' % name for name in party.names]
    record = {k: str(v) for k, v in party.fields.items() if k != 'token'}
    return json.dumps(dict(record, names=keys, since='1'))


def many_waiters(w, n):
    template = record_of(w.party('template'))
    base = w.server.us - 10 ** 8
    scores, records = [], []
    for i in range(n):
        scores += [str(base + i), 'x%d' % i]
        records += ['x%d' % i, template]
    w.do('ZADD', 'netflock:{a}:queue', *scores)
    w.do('HSET', 'netflock:{a}:waiters', *records)


def commands(w):
    """How many commands have run, by the server's own count."""
    text = w.do('INFO', 'commandstats')
    return sum(int(line.split('calls=')[1].split(',')[0])
               for line in text.splitlines() if 'calls=' in line
               and not line.startswith(('cmdstat_info', 'cmdstat_config')))


def check_ranges(monitored):
    """No script reads a queue as a whole, nor all its records."""
    ranges = [line.split('"')[5:8:2] for line in monitored
              if ' lua] "ZRANGE"' in line]
    assert ranges
    for first, last in ranges:
        assert 0 <= int(last) - int(first) <= 100, (first, last)
    assert not [line for line in monitored if ':waiters"' in line
                and ('"HGETALL"' in line or '"HKEYS"' in line)]


@test('no script costs more with 10,000 live waiters in the queue')
def _(w):
    costs = []
    for n in (3, 10000):
        w.do('FLUSHALL')
        t1 = w.party('t1').held()
        many_waiters(w, n)
        ears = [w.party('x%d' % i).listen() for i in range(2)]
        last = w.party('t2')
        w.server.pass_ms(1)
        cost = []
        monitor = w.server.connect()
        monitor.do('MONITOR')
        for op in (w.party('t3').acquire, last.queue, t1.renew, last.queue,
                   w.look, last.leave, t1.release):
            w.do('CONFIG', 'RESETSTAT')
            op()
            cost.append(commands(w))
        costs.append(cost)
        check_ranges(monitor.pending())
        monitor.close()
        for ear in ears:
            ear.deafen()
    equal(costs[1], costs[0])
    assert max(costs[0]) < 25, costs


# Reset


@test('reset revokes a holder: told at once, never renewed, freed by its '
      'release')
def _(w):
    t1 = w.party('t1').held().listen()
    t2 = w.party('t2')
    t2.waits()
    word, pairs = w.reset()
    want = {'count': '1', 'token.1': 't1', 'id.1': 'id-t1', 'user.1': 'u-t1',
            'host.1': 'h-t1', 'pid.1': '7', 'command.1': 'c t1',
            'state.1': 'held', 'ends.1': str(TTL)}
    equal((word, pairs), ('ok', want))
    equal(t1.heard(), ['revoked'])
    equal(w.holders(), [('t1', 'revoked')])
    word, pairs = t1.renew()
    equal((word, pairs['why']), ('lost', 'revoked'))
    equal(t1.acquire()[0], 'busy')
    equal(w.party('t3').acquire()[0], 'busy')
    equal(t1.release(), ('ok', {'state': 'revoked'}))
    equal(w.holders(), [('t2', 'pending')])


@test('a revoked lease that nobody releases passes on at its end')
def _(w):
    w.party('t1').held()
    w.pass_ms(10000)
    w.reset()
    w.pass_ms(19999)
    equal(w.party('t2').acquire()[0], 'busy')
    w.pass_ms(1)
    equal(w.party('t2').acquire()[0], 'held')


@test('reset --now frees at once')
def _(w):
    t1 = w.party('t1').held().listen()
    t2 = w.party('t2')
    t2.waits()
    equal(w.reset(now=1)[1]['count'], '1')
    equal(t1.heard(), ['revoked'])
    equal(w.holders(), [('t2', 'pending')])
    equal(t1.renew()[1]['why'], 'gone')


@test('reset --now frees a lock that was reset before')
def _(w):
    w.party('t1').held()
    w.reset()
    equal(w.reset(now=1)[1]['state.1'], 'revoked')
    equal(w.holders(), [])


@test('reset deletes a grant not yet confirmed; the grantee keeps its place')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    t1.release()
    equal(w.reset()[1]['state.1'], 'pending')
    equal(w.holders(), [('t3', 'pending')])
    equal(t2.confirm()[1]['why'], 'gone')
    word, pairs = t2.queue()
    equal((word, pairs['position']), ('queued', '1'))


@test('reset deletes a cooling record')
def _(w):
    t1 = w.party('t1').held()
    t1.release(minhold=60000)
    equal(w.holders(), [('t1', 'cooling')])
    equal(w.reset()[1]['state.1'], 'cooling')
    equal(w.holders(), [])


@test('reset of a free lock says 0 and leaves nothing')
def _(w):
    equal(w.reset(), ('ok', {'count': '0'}))
    equal(w.do('KEYS', '*'), [])


@test('reset can mean one holder, and one attempt of it')
def _(w):
    a, b = (w.party(t, limit=0).held() for t in ('t1', 't2'))
    equal(w.reset(token='t1', id='wrong')[1]['count'], '0')
    equal(w.reset(token='t1', id='id-t1')[1]['count'], '1')
    equal(w.holders(), [('t1', 'revoked'), ('t2', 'held')])
    equal(b.renew()[0], 'ok')
    equal(a.renew()[0], 'lost')


@test('reset of one name revokes all names of its holder')
def _(w):
    t1 = w.party('t1', 'a', 'b').held().listen()
    w.reset('b')
    equal(t1.heard(), ['revoked'])
    equal(w.holders('a'), [('t1', 'revoked')])
    equal(t1.renew()[0], 'lost')
    w.reset('b', now=1)
    equal(w.holders('a'), [])


# A script's lease, given back from outside


@test('a script\'s lease is free at once when it is released from outside; '
      'its keeper is told')
def _(w):
    t1 = w.party('t1', handback=0).held().listen()
    t2 = w.party('t2')
    t2.waits()
    equal(w.reset(token='t1', id='wrong', release=1)[1]['count'], '0')
    word, pairs = w.reset(token='t1', id='id-t1', release=1)
    equal((word, pairs['count'], pairs['state.1']), ('ok', '1', 'held'))
    equal(w.holders(), [('t2', 'pending')])
    equal(t1.heard(), ['released'])


@test('a keeper that did not hear of it learns it by its renewal, whoever '
      'has the lock then')
def _(w):
    t1 = w.party('t1', handback=0).held()
    w.reset(token='t1', id='id-t1', release=1)
    equal(t1.renew()[1]['why'], 'released')
    again = w.party('t1', id='other').held()
    word, pairs = t1.renew()
    equal((word, pairs['why'], pairs['user']), ('lost', 'released', 'u-t1'))
    equal(again.renew()[0], 'ok')
    w.do('FLUSHALL')
    equal(t1.renew(confirmed=0)[1]['why'], 'gone')


@test('the last sixteen that were given back so are remembered')
def _(w):
    parties = [w.party('t%d' % i, handback=0, limit=0).held()
               for i in range(17)]
    for p in parties:
        w.reset(token=p.token, id='id-' + p.token, release=1)
    equal([p.renew()[1]['why'] for p in parties],
          ['gone'] + 16 * ['released'])


@test('a script\'s minimum hold counts when it is released from outside, from '
      'the grant on')
def _(w):
    t1 = w.party('t1', handback=60000).held()
    w.pass_ms(10000)
    w.reset(token='t1', id='id-t1', release=1)
    equal(w.holders(), [('t1', 'cooling')])
    equal(w.look()['ends.1'], '50000')
    equal(t1.renew()[1]['why'], 'cooling')
    # It is over: to say so again does not end the hold.
    w.reset(token='t1', id='id-t1', release=1)
    equal(w.holders(), [('t1', 'cooling')])
    w.pass_ms(50000)
    equal(w.holders(), [])


@test('a command\'s lease that is released from outside is reset; a cooling '
      'one is left alone')
def _(w):
    t1 = w.party('t1').held().listen()
    w.reset(token='t1', id='id-t1', release=1)
    equal(w.holders(), [('t1', 'revoked')])
    equal(t1.heard(), ['revoked'])
    t1.release()
    t1.held().release(minhold=60000)
    w.reset(token='t1', id='id-t1', release=1)
    equal(w.holders(), [('t1', 'cooling')])


@test('a script\'s lease that was reset is freed by its release')
def _(w):
    w.party('t1', handback=60000).held()
    w.reset()
    equal(w.holders(), [('t1', 'revoked')])
    equal(w.reset(token='t1', id='id-t1', release=1)[1]['state.1'], 'revoked')
    equal(w.holders(), [])


@test('who knows one of several names renews and gives back all of them')
def _(w):
    t1 = w.party('t1', 'a', 'b', handback=0).held().listen()
    outside = w.party('t1', 'b')
    outside.borns = None
    word, pairs = outside.renew(fence=t1.fence, confirmed=0, ttl=90000)
    equal((word, pairs['left']), ('ok', str(TTL)))
    equal([w.look(n)['ends.1'] for n in 'ab'], ['90000', '90000'])
    w.reset('b', token='t1', id='id-t1', release=1)
    equal((w.holders('a'), w.holders('b')), ([], []))
    equal(t1.heard(), ['released'])


@test('a script\'s lease is known as one however it was granted, and after it '
      'was restored')
def _(w):
    def is_script(token):
        record = w.do('HGET', 'netflock:{a}', 'h:' + token)
        return json.loads(record).get('handback') == '7'
    t1 = w.party('t1', handback=7).held()
    assert is_script('t1')
    t2 = w.party('t2', handback=7)
    t2.waits()
    t1.release()
    equal(t2.confirm()[0], 'ok')
    assert is_script('t2')
    w.do('FLUSHALL')
    equal(t2.renew()[1]['restored'], '1')
    assert is_script('t2')
    refused(lambda: w.party('t3', handback='x').acquire(), 'handback')


@test('inspect shows one holder if it is asked for one')
def _(w):
    for token in ('t1', 't2', 't3'):
        w.party(token, limit=0).held()
    seen = w.look(token='t2')
    equal((seen['holders'], seen['token.1']), ('1', 't2'))
    equal(w.look(token='nobody')['holders'], '0')


# Minimum hold, last run


@test('--min-hold keeps the lock until that long after the grant')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(2000)
    equal(t1.release(minhold=60000, status=0)[0], 'ok')
    word, pairs = w.party('t2').acquire()
    equal((word, pairs['state'], pairs['ends']), ('busy', 'cooling', '58000'))
    w.pass_ms(57999)
    equal(w.party('t2').acquire()[0], 'busy')
    w.pass_ms(1)
    equal(w.party('t2').acquire()[0], 'held')


@test('a cooling lock is not renewed, released or taken by its last holder')
def _(w):
    t1 = w.party('t1').held()
    t1.release(minhold=60000)
    equal(t1.renew()[1]['why'], 'cooling')
    equal(t1.release()[1]['why'], 'cooling')
    equal(t1.acquire()[0], 'busy')
    t1.leave()
    equal(w.holders(), [('t1', 'cooling')])
    equal(w.look()['ends.1'], '60000')


@test('--min-hold survives a clock stepped back, no longer than asked')
def _(w):
    t1 = w.party('t1').held()
    w.server.set_us(w.server.us - 3600 * 10 ** 6)
    t1.release()
    equal(w.holders(), [])
    t2 = w.party('t2').held()
    w.server.set_us(w.server.us - 3600 * 10 ** 6)
    t2.release(minhold=60000)
    equal(w.look()['ends.1'], '60000')
    w.server.set_us(w.server.us - 3600 * 10 ** 6)
    equal(w.party('t3').acquire()[1]['ends'], '60000')


@test('--min-hold is over for a long run, a command not found, a lost lock')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(5000)
    t1.release(minhold=5000, status=0)
    equal(w.holders(), [])
    for status in (126, 127):
        w.party('t2').held().release(minhold=5000, status=status)
        equal(w.holders(), [])
    t3 = w.party('t3').held()
    w.reset()
    t3.release(minhold=50000, status=143)
    equal(w.holders(), [])


@test('a release records the run, one without a status does not')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(1500)
    t1.release(status=3, ran=1200)
    w.party('t2').held().release()
    seen = w.look()
    want = {'last.user': 'u-t1', 'last.host': 'h-t1', 'last.pid': '7',
            'last.command': 'c t1', 'last.status': '3', 'last.ran': '1200',
            'last.ended': str(w.server.now_ms()),
            'last.since': str(w.server.now_ms() - 1500)}
    equal({k: v for k, v in seen.items() if k.startswith('last')}, want)


# --once-per, history

DAY = 24 * 3600 * 1000
ONCE = 23 * 3600 * 1000


@test('once per day: a success keeps the next ones out, who and when is told')
def _(w):
    t1 = w.party('t1', reason='why').held(once=ONCE)
    w.pass_ms(1500)
    t1.release(status=0, ran=1400, once=ONCE)
    w.pass_ms(500)
    word, pairs = w.party('t2').acquire(once=ONCE)
    equal((word, pairs), ('done', {
        'user': 'u-t1', 'host': 'h-t1', 'pid': '7', 'command': 'c t1',
        'reason': 'why', 'since': '2000', 'ended': '500'}))
    equal(w.party('t3').listen().queue(once=ONCE)[0], 'done')
    equal((w.holders(), w.line()), ([], []))
    # Who does not ask for it is not kept out.
    w.party('t4').held()


@test('once per day: what counts is when it began, to the millisecond')
def _(w):
    t1 = w.party('t1').held(once=ONCE)
    w.pass_ms(20000)
    t1.release(status=0)
    w.pass_ms(ONCE - 20000 - 1)
    equal(w.party('t2').acquire(once=ONCE)[0], 'done')
    w.pass_ms(1)
    equal(w.party('t2').acquire(once=ONCE)[0], 'held')


@test('once per day: a run by hand counts, whatever its options')
def _(w):
    w.party('t1').held().release(status=0)
    equal(w.party('t2').acquire(once=ONCE)[0], 'done')
    w.party('t3', limit=4).held().release(status=0, keep=20, waited=3)
    equal(w.party('t2').acquire(once=ONCE)[0], 'done')


@test('once per day: a run that failed, was lost, reset or not started does '
      'not count')
def _(w):
    for status in (1, 124, 126, 137):
        w.party('t1').held(once=ONCE).release(status=status, once=ONCE)
    w.party('t1').held(once=ONCE).release()
    t2 = w.party('t2').held(once=ONCE)
    w.reset()
    equal(t2.release(status=0, once=ONCE)[1]['state'], 'revoked')
    t3 = w.party('t3').held(once=ONCE)
    w.pass_ms(TTL + 1)
    equal(t3.release(status=0, once=ONCE)[0], 'lost')
    w.party('t4').held(once=ONCE)


@test('once per day: a failure does not hide the success before it')
def _(w):
    w.party('t1').held().release(status=0)
    w.pass_ms(1000)
    w.party('t2').held().release(status=1)
    equal(w.party('t3').acquire(once=ONCE)[1]['user'], 'u-t1')


@test('once per day: a waiter leaves when it asks, and the next one is served')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits(once=ONCE)
    t3.waits()
    w.party('t4', limit=0)
    w.do('HSET', 'netflock:{a}', 'done', json.dumps(
        {'user': 'x', 'since': str(w.server.now_ms()), 'ended': 'junk'}))
    equal(t2.queue(once=ONCE), ('done', {'user': 'x', 'since': '0'}))
    equal(w.line(), ['t3'])
    t1.release()
    equal(t3.confirm()[0], 'ok')


@test('once per day: a grant that is not needed any more is handed on by its '
      'confirmation')
def _(w):
    t1 = w.party('t1').held(once=ONCE)
    waiters = [w.party('t%d' % i) for i in range(2, 6)]
    for t in waiters:
        t.waits(once=ONCE)
    t1.release(status=0, once=ONCE)
    for i, t in enumerate(waiters):
        equal(w.holders(), [(t.token, 'pending')])
        equal(t.renew(confirmed=0, once=ONCE)[0], 'done')
        # The reply was lost: again.
        equal(t.renew(confirmed=0, once=ONCE)[0], 'done')
    equal((w.holders(), w.line()), ([], []))


@test('once per day: a holder is never judged')
def _(w):
    t1, t2 = w.party('t1', limit=2).held(), w.party('t2', limit=2).held()
    t2.release(status=0)
    equal(t1.renew(once=ONCE)[0], 'ok')
    equal(w.holders(), [('t1', 'held')])


@test('once per day: of runs that overlap the one that began last counts')
def _(w):
    t1 = w.party('t1', limit=0).held()
    w.pass_ms(5000)
    w.party('t2', limit=0).held().release(status=0)
    t1.release(status=0)
    equal(w.party('t3').acquire(once=ONCE)[1]['user'], 'u-t2')


@test('once per day: a success is the job\'s own: under its first name')
def _(w):
    w.party('t1', 'a', 'b').held().release(status=0)
    equal(w.party('t2', 'b').acquire(once=ONCE)[0], 'held')
    equal(w.party('t3', 'a').acquire(once=ONCE)[0], 'done')
    equal(w.party('t4', 'b', 'a').acquire(once=ONCE)[0], 'busy')


@test('once per day: a clock stepped back neither lets it run twice nor keeps '
      'it from running for ever')
def _(w):
    t1 = w.party('t1').held(once=ONCE)
    t1.release(status=0, once=ONCE)
    w.pass_ms(-60000)
    equal(w.party('t2').acquire(once=ONCE)[0], 'done')
    w.pass_ms(-ONCE)
    t3 = w.party('t3').held(once=ONCE)
    t3.release(status=0, once=ONCE)
    equal(w.party('t4').acquire(once=ONCE)[1]['user'], 'u-t3')


@test('once per month: the success is remembered as long, a reset and other '
      'runs in between')
def _(w):
    month = 30 * DAY - 3600 * 1000
    w.party('t1').held(once=month).release(status=0, once=month)
    for passed in (10 * DAY, 6 * DAY, 13 * DAY):
        w.pass_ms(passed)
        t2 = w.party('t2').held()
        w.reset(now=1)
        t2.release(status=0)
        w.party('t3').acquire()
        w.reset()
        w.reset(now=1)
        equal(w.party('t4').acquire(once=month)[1]['user'], 'u-t1')
        w.party('t5').held().release(status=1, keep=5)
    # An hour before the end of the month less an hour.
    w.pass_ms(DAY - 3600 * 1000)
    w.party('t6').held(once=month)


@test('once per day: ten hosts on thirty random days run it once, failures and '
      'deaths apart')
def _(w):
    rnd = random.Random(1)
    for day in range(30):
        began = w.server.now_ms()
        succeeded = 0
        hosts = ['h%d.%d' % (day, i) for i in range(10)]
        waiting = []
        for host in hosts:
            w.pass_ms(rnd.choice([0, 1, 500, 60000]))
            t = w.party(host)
            if rnd.random() < .5 and not waiting:
                word = t.acquire(once=ONCE)[0]
            else:
                word = t.listen().queue(once=ONCE)[0]
                if word == 'queued':
                    waiting.append(t)
            if word == 'granted':
                word = t.renew(confirmed=0, once=ONCE)[0]
                word = 'held' if word == 'ok' else word
            if word == 'held':
                succeeded += finish(w, rnd, t)
        while waiting:
            t = waiting.pop(0)
            word = t.queue(once=ONCE)[0]
            if word == 'queued':
                w.pass_ms(TTL + 1)
                word = t.queue(once=ONCE)[0]
            assert word in ('granted', 'done'), word
            if word == 'granted':
                word = t.renew(confirmed=0, once=ONCE)[0]
            if word == 'ok':
                succeeded += finish(w, rnd, t)
            t.deafen()
        assert succeeded <= 1, (day, succeeded)
        word, _ = w.party('late%d' % day).acquire(once=ONCE)
        equal(word, 'done' if succeeded else 'held')
        w.reset(now=1)
        w.pass_ms(DAY - (w.server.now_ms() - began))


def finish(w, rnd, t):
    """A run: 1 if it succeeds; it may fail, or never come back."""
    w.pass_ms(rnd.choice([0, 10, 4000]))
    end = rnd.choice(['success', 'success', 'failure', 'death'])
    if end == 'death':
        w.pass_ms(TTL + 1)
        return 0
    t.release(status=0 if end == 'success' else 1, once=ONCE, keep=20)
    return end == 'success'


@test('a foreign text where the last success should be counts for nothing')
def _(w):
    for junk in ('x', '[]', '7', '{"since":7}', '{"since":"x"}', '{}', 'null'):
        w.do('HSET', 'netflock:{a}', 'done', junk)
        w.party('t1').held(once=ONCE).leave()


@test('history: the last runs, newest first, as many as the last one kept')
def _(w):
    for i in range(5):
        t = w.party('t%d' % i, reason='r%d' % i).held()
        w.pass_ms(100)
        t.release(status=i, ran=90, waited=i, keep=3)
    word, pairs = w.history()
    equal((word, pairs['runs'], pairs['now']),
          ('ok', '3', str(w.server.now_ms())))
    equal({k: v for k, v in pairs.items() if k.endswith('.1')}, {
        'user.1': 'u-t4', 'host.1': 'h-t4', 'pid.1': '7', 'command.1': 'c t4',
        'reason.1': 'r4', 'status.1': '4', 'ran.1': '90', 'waited.1': '4',
        'since.1': str(w.server.now_ms() - 100),
        'ended.1': str(w.server.now_ms()), 'fence.1': str(t.fence)})
    equal([pairs['status.%d' % i] for i in (1, 2, 3)], ['4', '3', '2'])
    equal(w.history(most=1)[1]['runs'], '1')
    w.party('t5').held().release(status=0, keep=1)
    equal(w.history()[1]['runs'], '1')
    w.party('t6').held().release(status=0, keep=0)
    equal(w.history()[1]['runs'], '0')


@test('history: both ways of a release write the same')
def _(w):
    seen = []
    for wait in (False, True):
        t1 = w.party('t1', reason='r').held()
        if wait:
            w.party('t2').waits()
        w.pass_ms(1000)
        t1.release(status=0, ran=7, waited=8, keep=9)
        flat = w.do('HGETALL', 'netflock:{a}')
        lock = dict(zip(flat[::2], flat[1::2]))
        equal(lock['done'], lock['last'])
        run = json.loads(w.do('LINDEX', 'netflock:{a}:history', 0))
        equal(run, json.loads(lock['last']))
        base = int(run['since'])
        for k in ('since', 'ended'):
            run[k] = int(run[k]) - base
        run.pop('fence')
        seen.append(run)
        equal(w.do('PTTL', 'netflock:{a}:history'), WEEK)
        w.do('FLUSHALL')
    equal(seen[0], seen[1])


@test('history: a reset run says so, one without a status is none')
def _(w):
    t1 = w.party('t1').held()
    w.reset()
    t1.release(status=76, keep=9)
    w.party('t2').held().release(keep=9)
    equal(w.history()[1]['runs'], '1')
    equal(w.history()[1]['state.1'], 'revoked')


@test('history: no more than a thousand, whatever is asked')
def _(w):
    w.do('RPUSH', 'netflock:{a}:history', *['{"pid":"1"}'] * 1500)
    w.party('t1').held().release(status=0, keep=5000)
    equal(w.do('LLEN', 'netflock:{a}:history'), 1000)
    equal(w.history(most=2000)[1]['runs'], '1000')
    equal(w.history()[1]['runs'], '20')


@test('history: a key of another type is left alone, and no release fails')
def _(w):
    w.do('SET', 'netflock:{a}:history', 'mine')
    for waits in (False, True):
        t1 = w.party('t1').held()
        if waits:
            w.party('t2').waits()
        equal(t1.release(status=0, keep=5)[0], 'ok')
    equal(w.do('GET', 'netflock:{a}:history'), 'mine')
    equal(w.do('PTTL', 'netflock:{a}:history'), -1)
    equal(w.history(), ('wrongtype', {
        'key': 'netflock:{a}:history', 'type': 'string'}))


@test('history: what is no run is passed over, texts are cut')
def _(w):
    for junk in ('x', '[1]', '7', 'null', json.dumps({'user': 'x' * 300,
                                                      'odd': 'y', 'pid': 7})):
        w.do('RPUSH', 'netflock:{a}:history', junk)
    equal({k: v for k, v in w.history()[1].items() if k != 'now'},
          {'runs': '2', 'user.2': 'x' * 253 + '...'})


@test('history: a full server records it, and the release works')
def _(w):
    t1 = w.party('t1').held()
    w.do('CONFIG', 'SET', 'maxmemory', 1)
    equal(t1.release(status=0, keep=5)[0], 'ok')
    equal(w.history()[1]['runs'], '1')


# The server forgets


@test('a renewal restores what the server forgot')
def _(w):
    t1 = w.party('t1').held()
    fence = t1.fence
    w.pass_ms(5000)
    w.do('FLUSHALL')
    word, pairs = t1.renew()
    equal((word, pairs['restored'], pairs['left']), ('ok', '1', '-1'))
    assert int(pairs['borns']) == w.server.us
    seen = w.look()
    equal((seen['state.1'], seen['ends.1'], seen['fence.1'], seen['fence']),
          ('held', str(TTL), str(fence), str(fence)))
    equal((seen['since.1'], seen['user.1']), ('5000', 'u-t1'))
    equal(t1.renew()[1]['restored'], '0')


@test('a restore never lowers the fence')
def _(w):
    t1 = w.party('t1', limit=0).held()
    w.do('FLUSHALL')
    w.do('HSET', 'netflock:{a}', 'born', '5', 'fence', t1.fence + 10 ** 6)
    equal(t1.renew()[0], 'ok')
    equal(w.look()['fence'], str(t1.fence + 10 ** 6))


@test('nothing is restored after somebody was granted')
def _(w):
    t1 = w.party('t1').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    t2 = w.party('t2').held()
    t2.release()
    word, pairs = t1.renew()
    equal((word, pairs['why']), ('lost', 'granted'))
    equal(w.holders(), [])


@test('nothing is restored beyond the limits')
def _(w):
    t1, t2, t3 = (w.party('t%d' % i, limit=3).held() for i in (1, 2, 3))
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.renew(limit=2)[0], 'ok')
    w.server.pass_ms(1)
    equal(t3.renew()[0], 'ok')
    word, pairs = t2.renew()
    equal((word, pairs['why'], pairs['user']), ('lost', 'limit', 'u-t3'))


@test('a late renewal of a writer that is over takes no reader its lock')
def _(w):
    writer = w.party('w', 'a', 'b').held()
    writer.release()
    w.server.pass_ms(1)
    r1, r2 = (w.party(t, limit=0).held() for t in ('r1', 'r2'))
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(writer.renew()[0], 'ok')      # late, and nothing can tell
    equal(r1.renew()[0], 'ok')
    equal(r2.renew()[0], 'ok')
    equal(w.holders(), [('r1', 'held'), ('r2', 'held')])
    equal(w.holders('b'), [])
    equal(writer.renew()[0], 'lost')


@test('a late renewal of a reader that is over takes no writer its lock')
def _(w):
    reader = w.party('r', limit=0).held()
    reader.release()
    w.server.pass_ms(1)
    writer = w.party('w').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(writer.renew()[0], 'ok')
    word, pairs = reader.renew()
    equal((word, pairs['why']), ('lost', 'limit'))
    equal(w.holders(), [('w', 'held')])


@test('a renewal that outlived its release takes the lock from nobody that '
      'held later')
def _(w):
    t1 = w.party('t1').held()
    t1.release()
    w.server.pass_ms(1)
    t2 = w.party('t2').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.renew()[0], 'ok')      # late, and nothing can tell
    word, pairs = t2.renew()
    equal((word, pairs['restored']), ('ok', '1'))
    equal(w.holders(), [('t2', 'held')])
    equal(t1.renew()[0], 'lost')


@test('who gives way to a later holder after the server forgot twice is told at '
      'once')
def _(w):
    t1 = w.party('t1').held().listen()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    t2 = w.party('t2').held().listen()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.renew()[1]['restored'], '1')
    equal(t2.renew()[1]['restored'], '1')
    equal((t1.heard(), t2.heard()), (['displaced'], []))
    equal(w.holders(), [('t2', 'held')])


@test('the release of a later holder after the server forgot twice takes the '
      'lock from who was restored, and says so')
def _(w):
    t1 = w.party('t1').held().listen()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    t2 = w.party('t2').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.renew()[1]['restored'], '1')
    equal(t2.release()[1]['why'], 'gone')
    equal((t1.heard(), w.holders()), (['displaced'], [('t1', 'revoked')]))
    equal(t1.renew()[1]['why'], 'revoked')
    equal(w.party('t3').acquire()[0], 'busy')
    equal(t1.release()[0], 'ok')
    w.party('t4').held()


@test('a release from before the server forgot takes the lock from nobody who '
      'was granted it since')
def _(w):
    t1 = w.party('t1').held()
    w.do('FLUSHALL')
    w.server.pass_ms(-60000)
    t2 = w.party('t2').held().listen()
    assert t2.fence < t1.fence
    equal(t1.release()[1]['why'], 'gone')
    equal((t2.heard(), w.holders()), ([], [('t2', 'held')]))


@test('a release from before the server forgot takes the lock from nobody who '
      'came later and was restored')
def _(w):
    t1 = w.party('t1').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    t2 = w.party('t2').held().listen()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t2.renew()[1]['restored'], '1')
    equal(t1.release()[1]['why'], 'gone')
    equal((t2.heard(), w.holders()), ([], [('t2', 'held')]))


@test('who gives way to another attempt of its own token is not told: the '
      'channel is the same')
def _(w):
    t1 = w.party('t1', id='one').held().listen()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    t2 = w.party('t1', id='two').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.renew()[1]['restored'], '1')
    equal(t2.renew()[1]['restored'], '1')
    equal(t1.heard(), [])


@test('a later renewal of who held earlier is refused after the server forgot')
def _(w):
    t1 = w.party('t1').held()
    t1.release()
    w.server.pass_ms(1)
    t2 = w.party('t2').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t2.renew()[0], 'ok')
    equal(t1.renew()[0], 'lost')
    equal(w.holders(), [('t2', 'held')])


@test('after a release that found the lock forgotten no late renewal brings '
      'it back')
def _(w):
    t1 = w.party('t1').held()
    w.do('FLUSHALL')
    w.server.pass_ms(1)
    equal(t1.release()[1]['why'], 'gone')
    equal(t1.renew()[0], 'lost')
    equal(w.holders(), [])


@test('a newcomer stands behind the queue though the hash was lost and the '
      'clock went back')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    w.do('DEL', 'netflock:{a}')
    w.server.pass_ms(-60000)
    t3 = w.party('t3')
    equal(t3.queue()[1]['position'], '2')
    t1.renew()
    t1.release()
    equal(w.holders(), [('t2', 'pending')])


@test('all readers are restored, whoever waits')
def _(w):
    readers = [w.party('r%d' % i, limit=0).held() for i in range(3)]
    w.party('w').waits()
    w.do('DEL', 'netflock:{a}')
    w.server.pass_ms(1)
    for r in readers:
        equal(r.renew()[0], 'ok')
    equal(len(w.holders()), 3)


@test('an unconfirmed grant is not restored')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t1.release()
    w.do('DEL', 'netflock:{a}')
    word, pairs = t2.confirm()
    equal((word, pairs['why']), ('lost', 'gone'))
    equal(w.holders(), [])


@test('a lease that ran out is not restored')
def _(w):
    t1 = w.party('t1').held()
    w.pass_ms(TTL + 1)
    equal(t1.renew()[1]['why'], 'gone')
    equal(w.holders(), [])


@test('a waiter that knew of a holder holds grants back until it can have '
      'renewed')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    knew = t2.waits()
    w.do('FLUSHALL')
    w.pass_ms(100)
    word, pairs = t2.queue(borns=knew['borns'], hold=knew['hold'])
    equal((word, pairs['next'], pairs['holders']), ('queued', '12000', '0'))
    equal(w.look()['hold'], '12000')
    w.pass_ms(11999)
    equal(t2.queue(borns=knew['borns'], hold=knew['hold'])[0], 'queued')
    equal(w.party('t3').acquire()[0], 'busy')
    w.pass_ms(1)
    equal(t2.queue(borns=knew['borns'], hold=knew['hold'])[0], 'granted')
    equal(t1.renew()[1]['why'], 'granted')


@test('the holder that renews in time gets its lock back before a waiter')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    knew = t2.waits()
    w.do('FLUSHALL')
    w.pass_ms(100)
    t2.queue(borns=knew['borns'], hold=knew['hold'])
    w.pass_ms(9000)
    equal(t1.renew()[0], 'ok')
    equal(w.look().get('hold'), None)
    t1.release()
    equal(w.holders(), [('t2', 'pending')])


@test('an exclusive release from before lifts the hold-back, a shared one '
      'does not')
def _(w):
    for limit in (1, 0):
        w.do('FLUSHALL')
        t1 = w.party('t1', limit=limit).held()
        t2 = w.party('t2')
        knew = t2.waits()
        w.do('FLUSHALL')
        w.pass_ms(100)
        t2.queue(borns=knew['borns'], hold=knew['hold'])
        equal(t1.release()[1]['why'], 'gone')
        equal(w.holders(), [('t2', 'pending')] if limit == 1 else [])
        if limit == 1:
            t2.release()
            # Others that knew do not hold it back again.
            word, _ = w.party('t3').queue(borns=knew['borns'],
                                          hold=knew['hold'])
            equal(word, 'granted')


@test('a shared restore does not lift the hold-back')
def _(w):
    r1, r2 = (w.party(t, limit=0).held() for t in ('r1', 'r2'))
    t3 = w.party('w')
    knew = t3.waits()
    w.do('FLUSHALL')
    w.pass_ms(100)
    t3.queue(borns=knew['borns'], hold=knew['hold'])
    equal(r1.renew()[0], 'ok')
    r1.release()
    equal(w.holders(), [])
    equal(r2.renew()[0], 'ok')


@test('the loss of the hash alone does not hand the lock to the head')
def _(w):
    t1 = w.party('t1').held()
    w.party('t2').waits()
    w.do('DEL', 'netflock:{a}')
    w.pass_ms(1)
    equal(w.party('t3').acquire()[0], 'busy')
    equal(w.holders(), [])
    equal(t1.renew()[0], 'ok')


@test('a waiter that knew of no holder holds nothing back')
def _(w):
    t1 = w.party('t1').held()
    t1.release()
    w.do('FLUSHALL')
    w.pass_ms(1)
    word, _ = w.party('t2').queue(borns='0', hold=12000)
    equal(word, 'granted')


@test('the loss of the queue costs no place')
def _(w):
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    w.do('DEL', 'netflock:{a}:queue')
    equal(t1.renew()[0], 'ok')
    equal(t3.queue()[1]['position'], '1')
    equal(t2.queue()[1]['position'], '1')
    t1.release()
    equal(w.holders(), [('t2', 'pending')])


@test('a head without a record is told to ask, not granted')
def _(w):
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    w.do('DEL', 'netflock:{a}:waiters')
    t1.release()
    equal(w.holders(), [])
    equal(t2.heard(), ['head 0'])
    equal(w.party('t3').acquire()[0], 'busy')
    equal(t2.queue()[0], 'granted')


@test('after the loss of everything all waiters find their places again')
def _(w):
    t1 = w.party('t1').held()
    waiters = [w.party('w%d' % i) for i in range(3)]
    for t in waiters:
        t.waits()
    w.do('FLUSHALL')
    w.pass_ms(1)
    equal(t1.renew()[0], 'ok')
    for t in reversed(waiters):
        equal(t.queue()[1]['position'], '1')
    equal(w.line(), ['w0', 'w1', 'w2'])


# Clocks and numbers


@test('order and fence rise though the server\'s clock steps back')
def _(w):
    t1 = w.party('t1').held()
    first = int(w.party('t2').waits()['order'])
    w.server.set_us(w.server.us - 3600 * 10 ** 6)
    equal(int(w.party('t3').waits()['order']), first + 1)
    t1.renew()
    before = t1.fence
    t1.release()
    assert int(w.look()['fence']) > before
    equal(w.line(), ['t3'])


@test('a clock stepped back costs at most one ttl')
def _(w):
    w.party('t1').held()
    w.server.set_us(w.server.us - 3600 * 10 ** 6)
    word, pairs = w.party('t2').acquire()
    equal((word, pairs['ends']), ('busy', str(TTL)))
    w.pass_ms(TTL - 1)
    equal(w.party('t2').acquire()[0], 'busy')
    w.pass_ms(1)
    equal(w.party('t2').acquire()[0], 'held')


@test('numbers are exact to the last digit, and below 2^53')
def _(w):
    big = 9007199254740000 - 7
    w.do('HSET', 'netflock:{a}', 'born', '1', 'fence', str(big),
         'order', str(big))
    t1 = w.party('t1').held()
    equal(t1.fence, big + 1)
    equal(w.do('HGET', 'netflock:{a}', 'fence'), str(big + 1))
    equal(w.look()['fence.1'], str(big + 1))
    t2 = w.party('t2')
    equal(int(t2.waits()['order']), big + 1)
    equal(w.do('ZSCORE', 'netflock:{a}:queue', 't2'), str(big + 1))
    equal(int(w.party('t3').waits()['order']), big + 2)
    equal(t2.queue()[1]['order'], str(big + 1))
    equal(w.line(), ['t2', 't3'])
    t1.release()
    equal(w.look()['fence.1'], str(big + 2))


@test('nonsense in the numbers of the lock is ignored')
def _(w):
    for value in ('', 'x', '-1', '1e3', '0x10', 'nan', '9' * 16, '9' * 400):
        w.do('DEL', 'netflock:{a}')
        w.do('HSET', 'netflock:{a}', 'born', value, 'fence', value, 'order',
             value, 'hold', value, 'last', value)
        w.look()
        t1 = w.party('t1').held()
        equal(t1.fence, w.server.us)
        equal(int(w.party('t2').waits()['order']), w.server.us)
        t1.release()
        w.party('t2').leave()


@test('a fence number that cannot rise any more grants nothing')
def _(w):
    last = 9007199254740990
    w.do('HSET', 'netflock:{a}', 'born', '1', 'fence', str(last - 1))
    t1 = w.party('t1').held()
    equal(t1.fence, last)
    equal(w.holders(), [('t1', 'held')])
    equal(w.party('t2').acquire()[0], 'busy')
    equal(t1.renew()[0], 'ok')
    equal(t1.release()[0], 'ok')
    before = w.dump()
    for op in ('acquire', 'queue'):
        for names in (['a'], ['b', 'a']):
            refused(lambda: w.party('t3', *names).call(op),
                    'NETFLOCK fence is used up')
    equal(w.dump(), before)
    equal(w.holders(), [])


@test('a head that the fence number has no room for is not granted')
def _(w):
    t1, t2 = w.party('t1').held(), w.party('t2')
    t2.waits()
    w.do('HSET', 'netflock:{a}', 'fence', '9007199254740990')
    t2.heard()
    equal(t1.release()[0], 'ok')
    equal(w.holders(), [])
    equal([m.split()[0] for m in t2.heard()], ['head'])
    refused(t2.queue, 'NETFLOCK fence is used up')


@test('an order number that cannot rise any more is ignored')
def _(w):
    w.party('t1').held()
    last = 9007199254740990
    w.do('HSET', 'netflock:{a}', 'order', str(last - 1))
    equal(int(w.party('t2').waits()['order']), last)
    t3 = w.party('t3')
    equal(int(t3.waits()['order']), w.server.us)
    equal(t3.queue()[0], 'queued')


@test('a hold-back longer than any is ignored')
def _(w):
    for ahead, word in ((3600000, 'busy'), (86400000, 'held')):
        w.do('FLUSHALL')
        w.do('HSET', 'netflock:{a}', 'born', str(w.server.us), 'hold',
             str(w.server.now_ms() + ahead))
        equal(w.party('t1').acquire()[0], word)


# A full server, a server that forbids


def fill(w):
    w.do('CONFIG', 'SET', 'maxmemory', 1)


@test('out of memory: a new request is refused and leaves nothing')
def _(w):
    fill(w)
    refused(w.party('t1').acquire, 'OOM')
    refused(w.party('t1').queue, 'OOM')
    equal(w.do('KEYS', '*'), [])
    w.do('CONFIG', 'SET', 'maxmemory', 0)
    w.party('t1').held()
    before = w.dump()
    fill(w)
    refused(w.party('t2').listen().queue, 'OOM')
    equal(w.party('t2').acquire()[0], 'busy')
    equal(w.dump(), before)


@test('out of memory: a new request is refused even if it would clean up')
def _(w):
    w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    t2.deafen()
    w.pass_ms(TTL)
    before = w.dump()
    fill(w)
    refused(w.party('t3').acquire, 'OOM')
    refused(w.party('t3').queue, 'OOM')
    equal(w.dump(), before)


@test('out of memory: renewal, hand-over, confirmation, release, leave and '
      'reset work')
def _(w):
    t1 = w.party('t1').held()
    t2, t3, t4 = (w.party(t) for t in ('t2', 't3', 't4'))
    for t in (t2, t3, t4):
        t.waits()
    fill(w)
    equal(t1.renew()[0], 'ok')
    equal(t2.queue()[0], 'queued')
    equal(t1.release(status=0)[0], 'ok')
    equal(w.look()['last.status'], '0')
    equal(w.holders(), [('t2', 'pending')])
    equal(t2.queue()[0], 'granted')
    equal(t2.confirm()[0], 'ok')
    equal(t3.leave()[0], 'ok')
    equal(w.reset()[1]['count'], '1')
    equal(t2.release(minhold=0)[0], 'ok')
    equal(w.holders(), [('t4', 'pending')])
    equal(t4.release(minhold=4000)[0], 'ok')
    equal(w.holders(), [('t4', 'cooling')])


@test('out of memory: a waiter that lost its place or its record gets it back')
def _(w):
    t0 = w.party('t0', 'a', 'b').held()
    t1, t2 = w.party('t1', 'a', 'b'), w.party('t2')
    t1.waits()
    t2.waits()
    fill(w)
    w.do('DEL', 'netflock:{a}:queue', 'netflock:{b}:waiters')
    equal(t2.queue()[1]['position'], '1')
    equal(t1.queue()[1]['position'], '1')
    t0.release()
    equal(w.holders('b'), [('t1', 'pending')])


@test('out of memory: a holder is restored')
def _(w):
    t1 = w.party('t1').held()
    w.do('FLUSHALL')
    fill(w)
    equal(t1.renew()[0], 'ok')
    equal(w.holders(), [('t1', 'held')])


def without_channels(w, *rules):
    w.do('ACL', 'SETUSER', 'mute', 'reset', 'on', '>x', '~*', '+@all',
         'resetchannels', *rules)
    c = w.server.connect()
    c.do('AUTH', 'mute', 'x')
    return c


def as_user(connection, party, op, **fields):
    fields = dict(party.fields, **fields)
    return run_script(connection, party.server.sha[op], keys_of(party.names),
                      fields)


@test('a PUBLISH that is refused: release, renew and reset work, the head '
      'is not granted')
def _(w):
    mute = without_channels(w)
    t1 = w.party('t1').held()
    t2, t3 = w.party('t2'), w.party('t3')
    t2.waits()
    t3.waits()
    equal(as_user(mute, t1, 'renew', fence=t1.fence)[0], 'ok')
    equal(as_user(mute, t1, 'release')[0], 'ok')
    equal(w.holders(), [])
    equal(w.line(), ['t2', 't3'])
    equal(as_user(mute, w.party('t4'), 'acquire')[0], 'busy')
    equal(t3.queue()[0], 'queued')
    equal(w.holders(), [('t2', 'pending')])
    equal(as_user(mute, t2, 'renew', fence=1)[0], 'ok')
    word, pairs = run_script(mute, w.server.sha['reset'], keys_of(['a']), {})
    equal((word, pairs['count']), ('ok', '1'))
    equal(as_user(mute, t2, 'leave')[0], 'ok')
    mute.close()


@test('a head that finds out by asking is granted without being told')
def _(w):
    mute = without_channels(w)
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    as_user(mute, t1, 'release')
    equal(as_user(mute, t2, 'queue')[0], 'granted')
    mute.close()


@test('who may not count subscribers can still take and release')
def _(w):
    blind = without_channels(w, '&*', '-pubsub')
    t1 = w.party('t1').held()
    t2 = w.party('t2')
    t2.waits()
    equal(as_user(blind, t1, 'release')[0], 'ok')
    equal(w.holders(), [('t2', 'pending')])
    blind.close()


@test('who may not finish an acquire leaves no lock behind')
def _(w):
    for rule in ('-pexpireat', '-del'):
        for op in ('acquire', 'queue'):
            for names in (['a'], ['a', 'b']):
                w.do('FLUSHALL')
                # Somebody who waits no more: the queue is to go.
                if rule == '-del':
                    w.do('ZADD', 'netflock:{a}:queue', 1, 'dead')
                bound = without_channels(w, '&*', rule)
                refused(lambda: as_user(bound, w.party('t1', *names), op), '')
                bound.close()
                for name in names:
                    equal(w.holders(name), [])
                w.party('t2', *names).held()


# Several names


@test('several names are held, renewed and released as one')
def _(w):
    t1 = w.party('t1', 'a', 'b', 'c').held()
    equal(len(t1.borns.split()), 3)
    for name in 'abc':
        equal(w.holders(name), [('t1', 'held')])
        equal(w.look(name)['fence'], str(t1.fence))
    w.pass_ms(1000)
    equal(t1.renew()[1]['left'], str(TTL - 1000))
    equal(t1.release()[0], 'ok')
    for name in 'abc':
        equal(w.holders(name), [])


@test('all names or none')
def _(w):
    t1 = w.party('t1', 'b').held()
    t2 = w.party('t2', 'a', 'b')
    equal(t2.acquire()[0], 'busy')
    equal(w.holders('a'), [])
    t2.waits()
    equal(w.holders('a'), [])
    # Its place counts in both queues.
    equal(w.party('t3', 'a').acquire()[0], 'busy')
    t1.release()
    equal(w.holders('a'), [('t2', 'pending')])
    equal(w.holders('b'), [('t2', 'pending')])
    equal(t2.heard()[-1].split()[0], 'granted')
    equal(t2.confirm()[0], 'ok')
    w.pass_ms(1)
    equal(t2.release()[0], 'ok')


@test('a place behind somebody in one of the names is no turn')
def _(w):
    t0, t9 = w.party('t0', 'a').held(), w.party('t9', 'c').held()
    t1, t2 = w.party('t1', 'b', 'c'), w.party('t2', 'a', 'b')
    t1.waits()
    equal(t2.waits()['position'], '2')
    t0.release()
    equal(w.holders('a') + w.holders('b'), [])
    equal(t2.queue()[1]['position'], '2')
    t9.release()
    equal(w.holders('b'), [('t1', 'pending')])
    t1.release()
    equal(w.holders('b'), [('t2', 'pending')])


@test('opposite orders of names do not deadlock')
def _(w):
    t0 = w.party('t0', 'a', 'b').held()
    t1, t2 = w.party('t1', 'a', 'b'), w.party('t2', 'b', 'a')
    t1.waits()
    t2.waits()
    equal(t1.number < t2.number, True)
    t0.release()
    equal(w.holders('b'), [('t1', 'pending')])
    equal(t1.confirm()[0], 'ok')
    t1.release()
    equal(w.holders('a'), [('t2', 'pending')])
    equal(t2.confirm()[0], 'ok')


@test('one order number counts in all queues')
def _(w):
    w.do('HSET', 'netflock:{b}', 'born', '1', 'order', w.server.us + 5000)
    w.party('t0', 'a', 'b').held()
    t1 = w.party('t1', 'a', 'b')
    equal(int(t1.waits()['order']), w.server.us + 5001)
    for name in 'ab':
        equal(w.do('ZSCORE', 'netflock:{%s}:queue' % name, 't1'),
              str(t1.number))
        equal(w.do('HGET', 'netflock:{%s}' % name, 'order'), str(t1.number))


@test('a lost place in one name comes back with the same number')
def _(w):
    w.party('t0', 'a', 'b').held()
    t1 = w.party('t1', 'a', 'b')
    t1.waits()
    w.do('DEL', 'netflock:{b}:queue')
    number, t1.number = t1.number, None
    equal(int(t1.waits()['order']), number)
    equal(w.do('ZSCORE', 'netflock:{b}:queue', 't1'), str(number))


@test('a dead waiter for several names is dropped from all queues')
def _(w):
    t0 = w.party('t0', 'a').held()
    t1, t2 = w.party('t1', 'a', 'b'), w.party('t2', 'b')
    t1.waits()
    t2.waits()
    t1.deafen()
    t0.release()
    equal(w.line('b'), [])
    equal(w.holders('b'), [('t2', 'pending')])
    equal(w.do('EXISTS', 'netflock:{a}:queue', 'netflock:{b}:waiters'), 0)


@test('a release reaches the waiters of the other names')
def _(w):
    t0 = w.party('t0', 'a').held()
    t1 = w.party('t1', 'b', 'a')
    t2 = w.party('t2', 'b')
    t1.waits()
    t2.waits()
    t1.leave()
    equal(w.holders('b'), [('t2', 'pending')])
    t2.confirm()
    t3 = w.party('t3', 'b', 'a')
    t3.waits()
    t2.release()
    equal(w.holders('b'), [])
    t0.release()
    equal(w.holders('b'), [('t3', 'pending')])
    equal(w.holders('a'), [('t3', 'pending')])


@test('the head of several names watches the nearest change of all')
def _(w):
    w.party('t0', 'a', ttl=5000).held()
    w.party('t1', 'b', ttl=20000).held()
    t2 = w.party('t2', 'a', 'b')
    equal(t2.waits()['next'], '5000')
    t3 = w.party('t3', 'b', 'a')
    t3.waits()
    t2.leave()
    equal(set(t3.heard()), {'head 5000'})


@test('a renewal that is lost in one name is lost in all')
def _(w):
    t1 = w.party('t1', 'a', 'b').held()
    w.do('DEL', 'netflock:{b}')
    w.pass_ms(1)
    w.party('t2', 'b').held()
    ends = w.look('a')['ends.1']
    word, pairs = t1.renew()
    equal((word, pairs['why']), ('lost', 'granted'))
    equal(w.look('a')['ends.1'], ends)
    word, pairs = t1.release()
    equal((word, pairs['why']), ('lost', 'gone'))
    equal(w.holders('a'), [])
    equal(w.holders('b'), [('t2', 'held')])


@test('a renewal restores the one name that the server forgot')
def _(w):
    t1 = w.party('t1', 'a', 'b').held()
    w.do('DEL', 'netflock:{b}')
    w.pass_ms(1)
    word, pairs = t1.renew()
    equal((word, pairs['restored']), ('ok', '1'))
    equal(w.holders('b'), [('t1', 'held')])
    equal(t1.renew()[1]['restored'], '0')


@test('a record that names keys that are no locks of ours is not followed')
def _(w):
    for name in ('stranger', 'other:{x}', 'netflock:{a}:queue', 'netflock:{'):
        w.do('FLUSHALL')
        t0 = w.party('t0').held()
        t1 = w.party('t1')
        t1.waits()
        w.do('HSET', name, 'h:t1', 'mine') if 'queue' not in name else None
        record = json.loads(w.do('HGET', 'netflock:{a}:waiters', 't1'))
        record['names'].append(name)
        w.do('HSET', 'netflock:{a}:waiters', 't1', json.dumps(record))
        w.do('HSET', 'netflock:{a}', 'h:evil', json.dumps(
            dict(record, state='pending', ends=str(w.server.now_ms() + 9))))
        before = w.do('DUMP', name)
        t0.release()
        t1.deafen()
        w.reset(now=1)
        if 'queue' not in name:
            equal(w.do('DUMP', name), before)
        equal(w.holders(), [])


@test('what has changed in a lock that is only looked at is acted on')
def _(w):
    t0 = w.party('t0', 'a').held()
    w.party('t1', 'b', ttl=5000).held()
    t2, t3 = w.party('t2', 'b'), w.party('t3', 'a', 'b')
    t2.waits()
    t3.waits()
    w.pass_ms(5000)
    # t3 is the head of a and is told when to ask; for that b is looked at.
    t0.renew()
    equal(w.holders('b'), [('t2', 'pending')])
    equal(t2.heard()[-1].split()[0], 'granted')


@test('replies say which of several names keeps the request out')
def _(w):
    w.party('r1', 'a', limit=0).held()
    w.party('r2', 'a', limit=0).held()
    w.party('t1', 'b', ttl=5000).held()
    t2 = w.party('t2', 'a', 'b', 'c', limit=0)
    pairs = t2.acquire()[1]
    want = {'lock': '2', 'user': 'u-t1', 'also': '0', 'holders': '3'}
    equal({k: pairs.get(k) for k in want}, want)
    pairs = w.party('t3', 'c', 'a').acquire()[1]
    want = {'lock': '2', 'also': '1', 'holders': '2'}
    equal({k: pairs.get(k) for k in want}, want)
    # By nobody who holds it, but by who waits before.
    w.party('t4', 'c', 'b').waits()
    pairs = w.party('t5', 'd', 'c').acquire()[1]
    equal((pairs['lock'], pairs['ahead'], 'user' in pairs), ('2', '1', False))
    word, pairs = w.party('t6', 'd', 'b', chain='t1').acquire()
    equal((word, pairs['lock'], pairs['user']), ('nested', '2', 'u-t1'))
    # One name needs no such word.
    equal('lock' in w.party('t7', 'b').acquire()[1], False)


@test('a refusal says which of several names was lost, and to whom')
def _(w):
    t1 = w.party('t1', 'a', 'b', 'c').held()
    w.do('DEL', 'netflock:{b}')
    w.pass_ms(1)
    w.party('t2', 'b').held()
    for call in (t1.renew, t1.release):
        word, pairs = call()
        equal((word, pairs['lock'], pairs['user']), ('lost', '2', 'u-t2'))


@test('inspect shows the other names of a request for several')
def _(w):
    odd = 'x}y z'
    w.party('t1', 'a', odd, 'b').held()
    w.party('t2', odd, 'a').waits()
    w.party('t3', 'a').waits()
    for name in ('a', odd, 'b'):
        pairs = w.look(name, waiters=9)
        equal(pairs['names.1'].split('\0'), ['a', odd, 'b'])
        equal(pairs['named.1'], '3')
    pairs = w.look('a', waiters=9)
    equal(pairs['wnames.1'].split('\0'), [odd, 'a'])
    equal('wnames.2' in pairs, False)
    many = ['%03d' % i + 'n' * 509 for i in range(9)]
    w.party('t4', *many).held()
    pairs = w.look(many[8])
    equal(pairs['names.1'].split('\0'), many[:3])
    equal(pairs['named.1'], '9')


@test('goodbye takes a place, a grant or a lease back in all its names, and '
      'wakes who is next')
def _(w):
    t1 = w.party('t1', 'a', 'b').held()
    t2, t3 = w.party('t2', 'b', 'a'), w.party('t3', 'c', 'b')
    t2.waits()
    t3.waits()
    word, _ = t2.call('goodbye')
    equal((word, w.line('a'), w.line('b')), ('ok', [], ['t3']))
    equal(w.do('EXISTS', 'netflock:{a}:waiters'), 0)
    # It listens on the channel of its own first name.
    equal(t3.heard(), ['head 0'])
    equal(w.holders('a') + w.holders('b'), [('t1', 'held')] * 2)
    w.party('t1', 'a', 'b', id='another').call('goodbye')
    equal(w.holders('a') + w.holders('b'), [('t1', 'held')] * 2)
    t1.call('goodbye')
    equal(w.holders('a') + w.holders('b'), [])
    t3.waits() if t3.queue()[0] == 'queued' else None
    equal(w.holders('b'), [('t3', 'pending')])


@test('a hundred names are as good as one, more are refused')
def _(w):
    names = ['n%d' % i for i in range(100)]
    t1 = w.party('t1', *names).held()
    t2 = w.party('t2', 'n99')
    t2.waits()
    equal(t1.renew()[0], 'ok')
    t1.release()
    equal(w.holders('n99'), [('t2', 'pending')])
    for op in ('acquire', 'queue'):
        refused(lambda: w.party('t3', 'a', *names).call(op),
                'NETFLOCK bad request: number of keys')


# Limits


@test('readers hold together, a writer alone')
def _(w):
    r1, r2 = (w.party(t, limit=0).held() for t in ('r1', 'r2'))
    writer = w.party('w')
    equal(writer.acquire()[0], 'busy')
    writer.waits()
    r1.release()
    equal(w.holders(), [('r2', 'held')])
    r2.release()
    equal(w.holders(), [('w', 'pending')])
    equal(w.party('r3', limit=0).acquire()[0], 'busy')


@test('one release grants to all readers at the head')
def _(w):
    writer = w.party('w').held()
    readers = [w.party('r%d' % i, limit=0) for i in range(3)]
    w2, r9 = w.party('w2'), w.party('r9', limit=0)
    for t in readers + [w2, r9]:
        t.waits()
    writer.release()
    equal([t for t, _ in w.holders()], ['r0', 'r1', 'r2'])
    equal(w.line(), ['w2', 'r9'])
    fences = [int(r.heard()[-1].split()[1]) for r in readers]
    equal(fences, sorted(set(fences)))


@test('neighbours that are compatible enter together, in order, and no others')
def _(w):
    writer = w.party('w').held()
    line = [w.party('r1', limit=0), w.party('s3', limit=3),
            w.party('r2', limit=0), w.party('s9', limit=9),
            w.party('r3', limit=0), w.party('w2'), w.party('r4', limit=0)]
    for t in line:
        t.waits()
    writer.release()
    equal([t for t, _ in w.holders()], ['r1', 'r2', 's3'])
    # One goes, the next one comes: s3 lets no more than three in.
    line[0].leave()
    equal([t for t, _ in w.holders()], ['r2', 's3', 's9'])
    line[1].leave()
    equal([t for t, _ in w.holders()], ['r2', 'r3', 's9'])
    for t in (line[2], line[3], line[4]):
        equal([t for t, _ in w.holders()][-1:] == ['w2'], False)
        t.leave()
    equal([t for t, _ in w.holders()], ['w2'])


@test('neither readers nor writers starve: newcomers of either kind wait')
def _(w):
    r1 = w.party('r1', limit=0).held()
    writer = w.party('w')
    writer.waits()
    equal(w.party('r2', limit=0).acquire()[0], 'busy')
    r3 = w.party('r3', 'b', 'a', limit=0)
    r3.waits()
    r1.release()
    equal(w.holders(), [('w', 'pending')])
    equal(writer.confirm()[0], 'ok')
    equal(w.party('w2').acquire()[0], 'busy')
    writer.release()
    equal(w.holders(), [('r3', 'pending')])
    equal(w.holders('b'), [('r3', 'pending')])


@test('slots: N hold, the next one waits')
def _(w):
    holders = [w.party('t%d' % i, limit=3).held() for i in range(3)]
    t4 = w.party('t4', limit=3)
    equal(t4.acquire()[1]['holders'], '3')
    t4.waits()
    holders[1].release()
    equal(w.holders(), [('t0', 'held'), ('t2', 'held'), ('t4', 'pending')])


@test('the least limit of all counts')
def _(w):
    w.party('t0', limit=2).held()
    w.party('t1', limit=5).held()
    equal(w.party('t2', limit=5).acquire()[0], 'busy')
    equal(w.party('t3', limit=0).acquire()[0], 'busy')
    equal(w.party('t4', limit=1).acquire()[0], 'busy')


# Nested


@test('a request that an ancestor keeps out is nested, and writes nothing')
def _(w):
    parent = w.party('t1').held()
    before = w.dump()
    child = w.party('t2', chain='t0,t1')
    for op in ('acquire', 'queue'):
        word, pairs = child.call(op)
        want = {'user': 'u-t1', 'host': 'h-t1', 'pid': '7', 'command': 'c t1'}
        equal((word, pairs), ('nested', want))
    equal(w.dump(), before)
    equal(w.party('t1', id='x', chain='t1').acquire()[0], 'nested')
    equal(w.party('t11', chain='t11,t').acquire()[0], 'busy')
    parent.release()
    equal(child.acquire()[0], 'held')


@test('readers nest in readers, a writer does not')
def _(w):
    w.party('r1', limit=0).held()
    w.party('r2', limit=0).held()
    equal(w.party('w', chain='r1').queue()[0], 'nested')
    equal(w.party('r3', limit=0, chain='r1').acquire()[0], 'held')
    equal(w.party('s4', limit=2, chain='r1').acquire()[0], 'busy')


@test('nested: any of several names, and an ancestor that holds another name '
      'is none')
def _(w):
    w.party('t1', 'b').held()
    equal(w.party('t2', 'a', 'b', chain='t1').acquire()[0], 'nested')
    equal(w.party('t3', 'a', chain='t1').acquire()[0], 'held')


@test('an ancestor that has released keeps nobody out as nested')
def _(w):
    w.party('t1').held().release(minhold=9000)
    equal(w.party('t2', chain='t1').acquire()[0], 'busy')


@test('a nested reader behind a writer that waits for its ancestor is nested')
def _(w):
    w.party('r1', limit=0).held()
    w.party('w').waits()
    child = w.party('r2', limit=0, chain='r1')
    equal(child.acquire()[0], 'busy')
    equal(child.queue()[0], 'nested')
    equal(w.line(), ['w'])


# What is not ours


@test('a key of another type is named and left alone')
def _(w):
    for i, key in enumerate(keys_of(['a'])):
        for op in ('acquire', 'queue', 'renew', 'release', 'leave', 'reset',
                   'inspect'):
            w.do('FLUSHALL')
            w.do('SET', key, 'precious')
            word, pairs = w.party('t1').call(op, fence=1)
            equal((word, pairs), ('wrongtype', {'key': key, 'type': 'string'}))
            equal(w.do('KEYS', '*'), [key])
            equal(w.do('GET', key), 'precious')
    w.do('FLUSHALL')
    w.do('LPUSH', 'netflock:{b}:queue', 1)
    equal(w.party('t1', 'a', 'b').acquire()[1],
          {'key': 'netflock:{b}:queue', 'type': 'list'})
    equal(w.do('KEYS', '*'), ['netflock:{b}:queue'])


@test('a wrong type in another name of a waiter fails no release')
def _(w):
    t0 = w.party('t0', 'a').held()
    w.party('t1', 'a', 'b').waits()
    w.do('DEL', 'netflock:{b}', 'netflock:{b}:queue')
    w.do('SET', 'netflock:{b}:queue', 'x')
    equal(t0.release()[0], 'ok')
    equal(w.holders(), [])


JUNK = ['', 'x', '{', '[]', '1', 'null', '"s"', '{}', '{"id":1}', '\x00',
        '\xff\xfe', '{"id":"i","limit":"1","ttl":"1","names":"x"}',
        '{"id":"i","limit":"1","ttl":"1","names":["netflock:{a}"]}',
        '{"id":"i","limit":"x","ttl":"1","state":"held","ends":"9",'
        '"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":"inf",'
        '"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"huh","ends":"9",'
        '"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":["held"],"ends":"9",'
        '"names":["netflock:{a}"]}',
        '{"id":["i"],"limit":"1","ttl":"1","state":"held","ends":"9",'
        '"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":{"a":1},'
        '"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":"9",'
        '"user":{"a":1},"names":["netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":"9",'
        '"names":[["netflock:{a}"]]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":"9",'
        '"names":[null,"netflock:{a}"]}',
        '{"id":"i","limit":"1","ttl":"1","state":"held","ends":"9",'
        '"names":{"x":"netflock:{a}"}}',
        '[' * 1500]


@test('a broken record keeps nobody out, crashes nothing, is shown, and goes')
def _(w):
    for junk in JUNK:
        w.do('FLUSHALL')
        w.do('HSET', 'netflock:{a}', 'h:bad', junk)
        equal(w.holders(), [('bad', 'broken')])
        t1 = w.party('t1').held()
        equal(w.holders(), [('t1', 'held')])
        for op in (t1.renew, t1.release, w.reset, t1.leave):
            w.do('HSET', 'netflock:{a}', 'h:bad', junk)
            equal(op()[0], 'ok')
            # Only leave has nothing else to write.
            equal(w.do('HGET', 'netflock:{a}', 'h:bad'),
                  junk if op == t1.leave else None)


@test('a record that no request could have made is broken')
def _(w):
    w.party('t1').held()
    good = json.loads(w.do('HGET', 'netflock:{a}', 'h:t1'))
    cases = [(token, {}) for token in ('', 'a token', 'a{', 'x' * 129)]
    cases += [('t', {'id': id}) for id in ('', 'x' * 129)]
    cases += [('t', {field: str(10 ** 12 + 1)})
              for field in ('ttl', 'kill', 'renew', 'io')]
    for token, fields in cases:
        w.do('DEL', 'netflock:{a}')
        w.do('HSET', 'netflock:{a}', 'h:' + token,
             json.dumps(dict(good, **fields)))
        equal(w.holders(), [(token, 'broken')])
        equal(w.reset()[1]['count'], '0')
        equal(w.do('HEXISTS', 'netflock:{a}', 'h:' + token), 0)
        w.party('t2').held()


@test('a waiter that no request could have made is granted nothing')
def _(w):
    t1, t2 = w.party('t1').held(), w.party('t2')
    t2.waits()
    record = w.do('HGET', 'netflock:{a}:waiters', 't2')
    t2.leave()
    odd = w.party('a token').listen()
    w.do('ZADD', 'netflock:{a}:queue', 1, odd.token)
    w.do('HSET', 'netflock:{a}:waiters', odd.token, record)
    t1.release()
    equal(w.holders(), [])


@test('fields that are not ours stay')
def _(w):
    w.do('HSET', 'netflock:{a}', 'note', 'hands off', 'h', 'x', 'ha:', '{')
    t1 = w.party('t1').held()
    t1.release()
    w.reset()
    equal(w.do('HMGET', 'netflock:{a}', 'note', 'h', 'ha:'),
          ['hands off', 'x', '{'])


@test('a broken waiter\'s record is one without a record')
def _(w):
    for junk in JUNK:
        w.do('FLUSHALL')
        t1 = w.party('t1').held()
        t2 = w.party('t2')
        t2.waits()
        w.do('HSET', 'netflock:{a}:waiters', 't2', junk)
        seen = w.look(waiters=5)
        equal((seen['waiting'], seen['wtoken.1']), ('1', 't2'))
        equal(t1.release()[0], 'ok')
        if w.holders() == []:
            equal(t2.heard()[-1], 'head 0')
        w.pass_ms(5)
        equal(t2.queue()[0], 'granted')
        t2.ear.close()


@test('a broken last run is not shown')
def _(w):
    for junk in JUNK + ['{"user":{"a":1},"status":[]}']:
        w.do('FLUSHALL')
        w.do('HSET', 'netflock:{a}', 'last', junk)
        equal([k for k in w.look() if k.startswith('last')], [])


@test('names and texts of any bytes')
def _(w):
    odd = ['{', '}', '{}', '}{', ':', '%', '%s %d', ' ', 'a b', '\t', '\x01',
           'äöü', '日本', '\x7f', '\udcff\udcfe', '"', "'", '\\', '*', '?[',
           'a:queue', 'a}:queue', '\r\n', 'x' * 512, '-', '\u2028']
    for name in odd:
        w.do('FLUSHALL')
        text = name + '\x00"\\\n' + name
        t1 = w.party('t1', name, user=text, command=text).held()
        seen = w.look(name)
        shown = text if len(text) <= 256 else text[:253] + '...'
        equal((seen['user.1'], seen['command.1']), (shown, shown))
        t2 = w.party('t2', name)
        t2.waits()
        equal(t1.renew()[0], 'ok')
        t1.release(status=0)
        assert t2.heard()[-1].startswith('granted ')
        equal(w.look(name)['last.command'], shown)
        equal(w.do('KEYS', '*'), ['netflock:{%s}' % name])
        t2.ear.close()


@test('nothing of anybody else is touched')
def _(w):
    w.do('SET', 'netflock', 1)
    w.do('SET', 'netflock:a', 1)
    w.do('HSET', 'netflock:{b}', 'h:x', 'y')
    w.do('ZADD', 'netflock:{ab}:queue', 1, 'x')
    w.do('LPUSH', 'list', 1, 2)
    w.do('SET', 'short', 1, 'PX', 10 ** 9)
    before = w.dump()
    t1 = w.party('t1', 'a', 'c').held()
    t2, t3 = w.party('t2'), w.party('t3', 'c', 'a')
    t2.waits()
    t3.waits()
    w.reset()
    t1.renew()
    t1.release()
    t2.confirm()
    t2.release(minhold=10)
    w.reset(now=1)
    t3.leave()
    after = w.dump()
    equal({k: v for k, v in after.items()
           if k not in ('netflock:{a}', 'netflock:{c}')}, before)
    equal(w.do('DBSIZE'), len(before) + 2)


# Expiry


@test('the lock is kept 7 days, never less than a lease; the queue 10 minutes')
def _(w):
    t1 = w.party('t1').held()
    equal(w.do('PTTL', 'netflock:{a}'), WEEK)
    w.pass_ms(1000)
    t1.renew()
    equal(w.do('PTTL', 'netflock:{a}'), WEEK)
    w.pass_ms(1000)
    t2 = w.party('t2')
    t2.waits()
    equal(w.do('PTTL', 'netflock:{a}'), WEEK)
    for key in keys_of(['a'])[1:]:
        equal(w.do('PTTL', key), 600000)
    w.pass_ms(20000)
    t1.renew()
    equal(w.do('PTTL', 'netflock:{a}:queue'), 580000)
    t2.queue()
    equal(w.do('PTTL', 'netflock:{a}:queue'), 600000)
    equal(w.do('PTTL', 'netflock:{a}:waiters'), 600000)
    w.party('t3', 'b', ttl=2 * WEEK).held()
    equal(w.do('PTTL', 'netflock:{b}'), 2 * WEEK)
    w.party('t3', 'b').waits(token='t4', id='4')
    equal(w.do('PTTL', 'netflock:{b}'), 2 * WEEK)
    t5 = w.party('t5', 'c').held()
    t5.release(minhold=3 * WEEK)
    equal(w.do('PTTL', 'netflock:{c}'), 3 * WEEK)


@test('no key is left without an expiry')
def _(w):
    t1 = w.party('t1', 'a', 'b').held()
    t2 = w.party('t2', 'b')
    t2.waits()
    w.do('DEL', 'netflock:{a}')
    t1.renew()
    w.do('FLUSHALL')
    t1.renew()
    t2.queue()
    t1.release()
    w.do('DEL', 'netflock:{b}')
    w.party('t3', 'b').waits(hold=10000, borns='5')
    w.reset('b')
    for key in w.do('KEYS', '*'):
        assert w.do('PTTL', key) > 0, key


@test('records of waiters without a queue do not pile up')
def _(w):
    t1 = w.party('t1').held()
    w.party('t2').waits()
    w.do('DEL', 'netflock:{a}:queue')
    t1.release()
    equal(w.do('KEYS', '*'), ['netflock:{a}'])


# Looking


@test('inspect shows holders, waiters in order, and who is live')
def _(w):
    t1 = w.party('t1', limit=2, reason='why').held().listen()
    w.party('t0', limit=2).held()
    w.pass_ms(500)
    t2, t3 = w.party('t2', reason='r2'), w.party('t3', limit=0)
    t2.waits()
    t3.queue()
    w.pass_ms(500)
    seen = w.look(waiters=10)
    equal((seen['holders'], seen['waiting'], seen['exists'], seen['now']),
          ('2', '2', '1', str(w.server.now_ms())))
    i = 1 if seen['token.1'] == 't1' else 2
    want = {'token': 't1', 'id': 'id-t1', 'state': 'held', 'ends': '29000',
            'since': '1000', 'limit': '2', 'ttl': str(TTL),
            'fence': str(t1.fence), 'user': 'u-t1', 'host': 'h-t1', 'pid': '7',
            'command': 'c t1', 'reason': 'why', 'live': '1'}
    equal({k: seen.get('%s.%d' % (k, i)) for k in want}, want)
    equal(seen['live.%d' % (3 - i)], '0')
    want = {'wtoken': 't2', 'wuser': 'u-t2', 'whost': 'h-t2', 'wpid': '7',
            'wcommand': 'c t2', 'wreason': 'r2', 'wsince': '500',
            'wlimit': '1', 'wlive': '1'}
    equal({k: seen.get('%s.1' % k) for k in want}, want)
    equal((seen['wtoken.2'], seen['wlimit.2'], seen['wlive.2']),
          ('t3', '0', '0'))
    equal(w.look(waiters=1).get('wtoken.2'), None)
    equal(w.look().get('wtoken.1'), None)


@test('inspect of a free lock, and it writes nothing')
def _(w):
    seen = w.look()
    equal((seen['exists'], seen['holders'], seen['waiting']), ('0', '0', '0'))
    equal(w.do('KEYS', '*'), [])
    w.party('t1').held()
    w.party('t2').queue()
    w.pass_ms(TTL)
    before = w.dump()
    equal(w.holders(), [])
    w.look(waiters=5)
    equal(w.dump(), before)


@test('inspect works on a read-only user')
def _(w):
    w.party('t1').held()
    w.do('ACL', 'SETUSER', 'eye', 'reset', 'on', '>x', '~*', '+@read',
         '+@scripting', '+time', '+pubsub', '+type')
    c = w.server.connect()
    c.do('AUTH', 'eye', 'x')
    word, pairs = run_script(c, w.server.sha['inspect'], keys_of(['a']), {})
    equal((word, pairs['token.1']), ('ok', 't1'))
    c.close()


# Bad requests


@test('a request that makes no sense is refused and writes nothing')
def _(w):
    keys = keys_of(['a'])
    good = dict(token='t', id='i', ttl=TTL, fence=1)
    cases = []
    for field in ('token', 'id', 'ttl'):
        cases.append((keys, {k: v for k, v in good.items() if k != field}))
    for field in ('ttl', 'limit', 'renew', 'io', 'order', 'hold', 'fence'):
        for value in ('', 'x', '-1', '1.5', '1e3', '0x1', ' 1', 'inf', 'nan',
                      '9007199254740993', '9' * 300):
            cases.append((keys, dict(good, **{field: value})))
    for token in ('', 'a b', 'a{', 'ü', 'x' * 129, 'a\nb', 'a\x00'):
        cases.append((keys, dict(good, token=token)))
    cases += [(keys, dict(good, id='')), (keys, dict(good, ttl=0)),
              (keys, dict(good, id='x' * 129)),
              (keys, dict(good, ttl=10 ** 13)), ([], good),
              (keys[:1], good), (keys[:2], good), (keys + keys[:1], good),
              (keys + keys, good), ([keys[0], keys[2], keys[1]], good),
              (['x', 'x:queue', 'x:waiters'], good),
              (keys_of(['a', 'a']), good),
              (keys_of(['a'])[:2] + keys_of(['b'])[2:], good)]
    for op in ('acquire', 'queue'):
        for some_keys, fields in cases:
            refused(lambda: run_script(w.server.connection, w.server.sha[op],
                                       some_keys, fields),
                    'NETFLOCK bad request: ')
    for op in ('acquire', 'queue', 'renew', 'release', 'leave', 'reset',
               'inspect'):
        refused(lambda: w.do('EVALSHA', w.server.sha[op], 3, *keys, 'token'),
                'NETFLOCK bad request: ')
    for op in ('renew', 'release', 'leave'):
        refused(lambda: run_script(w.server.connection, w.server.sha[op],
                                   keys, {}), 'NETFLOCK bad request: ')
    equal(w.do('KEYS', '*'), [])


@test('the short cut accepts nothing that is refused otherwise')
def _(w):
    for field, most in (('limit', 9007199254740990), ('ttl', 10 ** 12),
                        ('kill', 10 ** 12), ('renew', 10 ** 12),
                        ('io', 10 ** 12)):
        for value in (most + 1, 10 ** 16):
            refused(w.party('t1', **{field: value}).acquire,
                    'NETFLOCK bad request: ' + field)
        w.do('FLUSHALL')
        w.party('t1', **{field: most}).held()
        equal(w.holders(), [('t1', 'held')])
        w.do('FLUSHALL')
    for field in ('hold', 'minhold', 'ran', 'order', 'fence', 'status',
                  'waiters'):
        refused(lambda: w.party('t1').acquire(**{field: 'x'}),
                'NETFLOCK bad request: ' + field)
    t1 = w.party('t1').held()
    for field in ('hold', 'minhold', 'ran', 'order', 'status', 'waiters'):
        for value in ('x', 10 ** 16):
            refused(lambda: t1.release(**{field: value}),
                    'NETFLOCK bad request: ' + field)
    refused(lambda: t1.release(status=0, ran=10 ** 12 + 1),
            'NETFLOCK bad request: ran')
    equal(w.holders(), [('t1', 'held')])


@test('unknown fields are ignored, the last of a repeated one counts')
def _(w):
    w.do('EVALSHA', w.server.sha['acquire'], 3, *keys_of(['a']), 'token', 'x',
         'id', 'i', 'ttl', 5000, 'later', 'thing', 'token', 't1')
    equal(w.holders(), [('t1', 'held')])


def run(server, tap, sentence, function):
    w = World(server)
    try:
        function(w)
        tap.line(True, sentence)
    except Exception as e:
        line = traceback.extract_tb(e.__traceback__)[1].lineno
        tap.line(False, sentence, 'line %d: %s: %s'
                 % (line, type(e).__name__, e))
        if os.environ.get('TRACE'):
            traceback.print_exc()
    finally:
        w.close()


def main():
    words = sys.argv[1:]
    fail_fast = '--fail-fast' in words
    words = [word for word in words if word != '--fail-fast']
    server = Server()
    tap = Tap()
    for sentence, function in TESTS:
        if words and not any(word in sentence for word in words):
            continue
        run(server, tap, sentence, function)
        if fail_fast and tap.failed:
            break
    tap.finish()


if __name__ == '__main__':
    main()
