#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The scripts and the model take the same decisions (TAP).

usage: agree.py [--fail-fast] [histories [first-seed]]

Model is tests/model/queue.pml in Python, inline by inline, with milliseconds
instead of ticks.  Random histories of one exclusive lock run through both; after
each request the reply, the messages, the records and the queue must be equal.
"""

import json
import random
import sys

sys.dont_write_bytecode = True
import variants  # noqa: E402
from harness import Server, Tap, make_temp_dir  # noqa: E402

KEY = 'netflock:{x}'
KEYS = [KEY, KEY + ':queue', KEY + ':waiters']
TTL, PENDFOR, ASK = 20000, 5000, 30000
RENEW, IO = 6000, 2000
HOLDFOR = RENEW + IO
CLIENTS = 3
LENGTH = 22


class Model:
    """The server of queue.pml: `act` is one script."""

    def __init__(self):
        self.rec, self.wrec, self.sub = {}, set(), set()
        self.queue, self.attempt = {}, {}
        self.remembers = {}
        self.lose_lock()

    def lose_lock(self):
        self.rec = {}
        self.born = self.fence = self.lastorder = self.hold = 0
        self.granted = self.heard = False

    def lose_queue(self):
        self.queue, self.remembers = {}, {}
        self.wrec = set()

    def lose_waiters(self):
        self.wrec = set()
        self.remembers = {}

    def find_head(self):
        return min(self.queue, key=lambda t: (self.queue[t], t), default=None)

    def find_next(self):
        ends = [r['exp'] for r in self.rec.values()]
        if self.hold > self.now:
            ends.append(self.hold)
        return min(ends, default=None)

    def drop_waiter(self, t):
        self.queue.pop(t, None)
        self.wrec.discard(t)

    def drop_expired(self):
        for t, r in list(self.rec.items()):
            if r['exp'] <= self.now or (
                    r['state'] == 'pending' and t not in self.sub
                    and t != self.asker):
                del self.rec[t]

    def be_born(self):
        self.born = self.born or self.us

    def admit(self):
        return not self.rec and self.hold <= self.now

    def grant(self, t, state, ms):
        self.be_born()
        self.fence = max(self.us, self.fence + 1)
        self.drop_waiter(t)
        self.rec[t] = {'state': state, 'exp': self.now + ms, 'since': self.now,
                       'id': self.attempt[t], 'fence': self.fence}
        self.granted = True

    def doubt(self, knew):
        """Rule 8: KNEW is what a waiter knew of a holder: birth, hold."""
        if knew and knew[0] != self.born and not self.heard:
            till = (self.born or self.us) // 1000 + knew[1]
            if till > self.now and till > self.hold:
                self.be_born()
                self.hold = till

    def live_head(self):
        while True:
            h = self.find_head()
            if h is None or h in self.sub or h == self.asker:
                return h
            self.drop_waiter(h)

    def promote(self):
        h = self.live_head()
        if h is None or h not in self.wrec:
            return
        # More than the model: the head's knowledge counts in every script.
        self.doubt(self.remembers.get(h))
        if not self.admit():
            return
        self.grant(h, 'pending', PENDFOR)
        if h != self.answered:
            self.tell(h, 'granted %d' % self.fence)
        # More than the model: so do those behind whoever is granted.
        self.live_head()

    def tell(self, t, message):
        if t in self.sub:
            self.messages.append((t, message))

    def tell_head(self):
        h, e = self.find_head(), self.find_next()
        if h is None or h == self.answered:
            return
        if h not in self.wrec:
            self.tell(h, 'head 0')
        elif h != self.head0 or e != self.next0:
            self.tell(h, 'head %d' % (max(0, e - self.now) if e else ASK))

    def lift(self):
        """Rule 8: a holder from before this birth was heard."""
        self.be_born()
        self.heard, self.hold = True, 0
        self.fence = max(self.fence, self.a['fence'])

    def acquire(self):
        own = self.rec.get(self.who)
        if own and own['id'] == self.attempt[self.who] \
                and own['state'] in ('pending', 'held'):
            self.promote()
            return 'granted'
        self.promote()
        if self.admit() and self.find_head() is None:
            self.grant(self.who, 'held', TTL)
            return 'held'
        return 'busy'

    def ask(self):
        own = self.rec.get(self.who)
        if own and own['id'] == self.attempt[self.who] \
                and own['state'] in ('pending', 'held'):
            self.promote()
            return 'granted'
        # More than the model: dead heads go before the asker has its place,
        # but its number is above theirs.
        orders = [o + 1 for o in self.queue.values()]
        self.live_head()
        self.doubt(self.a['knew'])
        self.be_born()
        order = self.a['order'] or self.queue.get(self.who)
        if not order:
            order = max([self.us, self.lastorder + 1] + orders)
        self.lastorder = max(self.lastorder, order)
        self.queue[self.who] = order
        self.wrec.add(self.who)
        others = any(t != self.who or r['id'] != self.attempt[t]
                     or r['state'] not in ('pending', 'held')
                     for t, r in self.rec.items())
        self.remembers[self.who] = \
            (self.born, HOLDFOR) if others else self.a['knew']
        self.promote()
        own = self.rec.get(self.who)
        if own and own['state'] == 'pending' \
                and own['id'] == self.attempt[self.who]:
            return 'granted'
        return 'queued %d' % order

    def renew(self):
        own, a = self.rec.get(self.who), self.a
        word = 'lost'
        if own and own['id'] == a['id']:
            if own['state'] in ('pending', 'held'):
                own.update(state='held', exp=self.now + TTL)
                word = 'ok'
        elif self.born != a['born'] and a['conf'] and not self.granted \
                and a['fence'] > self.fence:
            # More than the model: who gives way is told.
            self.displaced += [(t, 'displaced ' + r['id'])
                               for t, r in self.rec.items() if t != self.who]
            self.rec = {self.who: {
                'state': 'held', 'exp': self.now + TTL, 'id': a['id'],
                'since': min(self.now, a['fence'] // 1000),
                'fence': a['fence']}}
            self.lift()
            word = 'ok'
        if word == 'ok' and self.queued(a['id']):
            self.drop_waiter(self.who)
        self.promote()
        return word

    def queued(self, attempt):
        """Whether it is this attempt that waits, or nobody knows which."""
        return self.who in self.queue and (
            self.who not in self.wrec or self.attempt[self.who] == attempt)

    def release(self):
        a, own = self.a, self.rec.get(self.who)
        word = 'lost'
        if a['born'] and self.born != a['born']:
            if not self.granted and a['fence'] > self.fence:
                self.displaced += [(t, 'displaced ' + r['id'])
                                   for t, r in self.rec.items() if t != self.who]
                for r in self.rec.values():
                    r['state'] = 'revoked'
            self.lift()
        if own and own['id'] == a['id'] and own['state'] != 'cooling':
            word = 'ok'
            till = min(own['since'], self.now) + a['cool']
            if own['state'] != 'revoked' and till > self.now:
                own.update(state='cooling', exp=till)
            else:
                del self.rec[self.who]
        self.promote()
        return word

    def leave(self):
        own = self.rec.get(self.who)
        if own and own['id'] == self.a['id'] and own['state'] != 'cooling':
            del self.rec[self.who]
        if self.queued(self.a['id']):
            self.drop_waiter(self.who)
        self.promote()
        return 'ok'

    def reset(self):
        for t, r in list(self.rec.items()):
            runs = r['state'] in ('held', 'revoked')
            if runs and not self.a['now']:
                r['state'] = 'revoked'
            else:
                del self.rec[t]
            if runs:
                self.revoked.append((t, 'revoked ' + r['id']))
        self.promote()
        return 'ok'

    def act(self, op, us, who, a):
        self.us, self.now, self.who, self.a = us, us // 1000, who, a
        # Who goes, and an operator, counts for nobody.
        self.asker = who if op in ('acquire', 'ask', 'renew') else None
        # More than the model: a late renewal's reply tells its token nothing.
        self.answered = who if op in ('acquire', 'ask') else None
        self.messages, self.revoked, self.displaced = [], [], []
        self.head0, self.next0 = self.find_head(), self.find_next()
        self.drop_expired()
        word = getattr(self, op)()
        for t in self.displaced:
            self.tell(*t)
        self.tell_head()
        for t in self.revoked:
            self.tell(*t)
        return word

    def state(self):
        return ({t: (r['state'], r['exp'], r['id'], r['fence'])
                 for t, r in self.rec.items()},
                sorted(self.queue, key=lambda t: (self.queue[t], t)))


class Real:
    """The scripts; one connection listens for everybody."""

    def __init__(self):
        self.server = Server()
        self.ear = self.server.connect()

    def clear(self, seed):
        self.server.set_us(1_700_000_000_000_000 + seed * 10 ** 10)
        self.server.do('DEL', *KEYS)

    def subscribe(self, t, on):
        self.ear.do('SUBSCRIBE' if on else 'UNSUBSCRIBE', KEY + ':' + t)

    def act(self, op, who, a):
        f = {'token': who, 'limit': 1, 'ttl': TTL, 'renew': RENEW, 'io': IO}
        if op == 'reset':
            f = {'now': '1' if a['now'] else '0'}
        else:
            f['id'] = a['id']
        if op == 'ask':
            if a['order']:
                f['order'] = a['order']
            if a['knew']:
                f.update(borns=a['knew'][0], hold=a['knew'][1])
        if op in ('renew', 'release'):
            f.update(fence=a['fence'], borns=a['born'])
        if op == 'renew':
            f['confirmed'] = int(a['conf'])
        if op == 'release':
            f.update(minhold=a['cool'], status=0, ran=1)
        words = [w for pair in f.items() for w in pair]
        script = 'queue' if op == 'ask' else op
        c = self.server.connection
        c.socket.sendall(
            c.pack(['EVALSHA', self.server.sha[script], 3, *KEYS, *words])
            + c.pack(['HGETALL', KEY]) + c.pack(['ZRANGE', KEYS[1], 0, -1]))
        reply, flat, line = c.read(), c.read(), c.read()
        if not isinstance(reply, list) or not isinstance(flat, list):
            return 'refused: %s' % reply, {}, [], ({}, line)
        pairs = dict(zip(reply[1::2], reply[2::2]))
        word = reply[0]
        if word == 'queued':
            word += ' ' + pairs['order']
        records = {}
        for field, value in zip(flat[::2], flat[1::2]):
            if field.startswith('h:'):
                r = json.loads(value)
                records[field[2:]] = (r['state'], int(r['ends']), r['id'],
                                      int(r['fence']))
        return word, pairs, self.heard(), (records, line)

    def heard(self):
        """What has been published: all that comes before the answer."""
        self.ear.socket.sendall(self.ear.pack(['PING']))
        messages = []
        while True:
            reply = self.ear.read()
            if reply == 'PONG' or reply[0] == 'pong':
                return messages
            messages.append((reply[1][len(KEY) + 1:], reply[2]))


class Client:
    def __init__(self, i):
        self.token, self.attempts = 't%d' % i, 0
        self.begin()

    def begin(self):
        self.attempts += 1
        self.id = '%s.%d' % (self.token, self.attempts)
        self.phase = 'new'
        self.order, self.knew = 0, None
        self.born = self.fence = 0
        self.conf = False

    def arguments(self, rnd):
        return {'id': self.id, 'order': self.order, 'knew': self.knew,
                'born': self.born, 'fence': self.fence, 'conf': self.conf,
                'cool': rnd.choice([0, 0, 9000]),
                'now': rnd.random() < .5}


class History:
    def __init__(self, real, seed):
        self.real, self.rnd, self.model = real, random.Random(seed), Model()
        self.clients = [Client(i) for i in range(CLIENTS)]
        self.late, self.log = [], []
        self.counts = {}
        real.clear(seed)

    def listen(self, c, on):
        if (c.token in self.model.sub) != on:
            self.real.subscribe(c.token, on)
            (self.model.sub.add if on else self.model.sub.discard)(c.token)

    def request(self, op, c, a):
        """Whether both did the same; what the client learns."""
        if op in ('acquire', 'ask'):
            self.model.attempt[c.token] = c.id
        said = self.model.act(op, self.real.server.us, c.token, a)
        word, pairs, messages, state = self.real.act(op, c.token, a)
        ours = (said, sorted(self.model.messages), self.model.state())
        theirs = (word, sorted(messages), state)
        self.log.append((self.real.server.us // 1000 % 10 ** 7, op, c.token, a,
                         word))
        key = '%s %s' % (op, word.split()[0])
        if pairs.get('restored') == '1':
            key = 'renew restored'
        self.counts[key] = self.counts.get(key, 0) + 1
        if ours != theirs:
            raise AssertionError('the model: %s\nthe script: %s\n%s' % (
                ours, theirs, '\n'.join(map(str, self.log))))
        self.learn(op, c, word.split()[0], pairs, a)

    def learn(self, op, c, word, pairs, a):
        if op in ('release', 'leave'):
            self.listen(c, False)
            c.begin()
        elif a['id'] != c.id or op == 'reset':
            return
        elif word in ('held', 'granted', 'ok'):
            c.fence, c.born = int(pairs['fence']), int(pairs['borns'])
            c.conf = c.conf or word != 'granted'
            c.phase = 'running' if word != 'granted' else 'granted'
        elif word in ('busy', 'queued'):
            if int(pairs['holders']) > 0:
                c.knew = (int(pairs['borns']), int(pairs['hold']))
            c.order = int(pairs.get('order', c.order))
            c.phase = 'waiting'
        elif word == 'lost':
            c.phase = 'over' if c.phase == 'running' else 'waiting'

    def step(self):
        rnd = self.rnd
        c = rnd.choice(self.clients)
        what = rnd.random()
        if what < .12:
            us = rnd.choice([1, 900, 3000, 5001, 8000, 20001]) * 1000
            self.real.server.set_us(self.real.server.us + us)
        elif what < .16:
            lose = rnd.choice(['lose_lock', 'lose_lock', 'lose_queue',
                               'lose_waiters'])
            getattr(self.model, lose)()
            self.real.server.do('DEL', *{'lose_lock': KEYS[:1],
                                         'lose_queue': KEYS[1:],
                                         'lose_waiters': KEYS[2:]}[lose])
            self.log.append(lose)
        elif what < .19:
            self.request('reset', c, c.arguments(rnd))
        elif what < .25 and c.phase == 'waiting':
            self.listen(c, False)
            self.log.append(('vanishes', c.token))
            if rnd.random() < .3:
                c.begin()
        elif what < .32 and self.late:
            d, a = self.late.pop(rnd.randrange(len(self.late)))
            self.request('renew', d, a)
        else:
            self.go_on(c)

    def go_on(self, c):
        rnd, a = self.rnd, c.arguments(self.rnd)
        if c.phase in ('granted', 'running') and rnd.random() < .2:
            self.late.append((c, a))
        if c.phase == 'new':
            if c.token not in self.model.queue:
                self.request('acquire', c, a)
        elif c.phase == 'waiting':
            op = rnd.choice(['ask'] * 4 + ['leave', 'renew'])
            self.listen(c, op != 'leave' and (rnd.random() < .9))
            if op != 'renew' or c.fence:
                self.request(op, c, a)
        elif c.phase == 'granted':
            self.request(rnd.choice(['renew', 'renew', 'renew', 'leave']), c, a)
        elif c.phase == 'over':
            self.request('release', c, a)
        else:
            self.request(rnd.choice(['renew', 'release']), c, a)

    def run(self):
        try:
            for _ in range(LENGTH):
                self.step()
        finally:
            for c in self.clients:
                self.listen(c, False)


# What must have been decided, or the histories are too tame.
WANTED = ('acquire held', 'acquire busy', 'ask queued', 'ask granted', 'renew ok',
          'renew lost', 'renew restored', 'release ok', 'release lost', 'leave ok', 'reset ok')


# Wounds of variants.py, by name, that this test must find by itself.
WOUNDS = ('renew does not look at the attempt id', 'nobody is granted at a release',
          'a restore of who held earlier')


def try_wounds(tap):
    directory = make_temp_dir()
    for name, old, new, _ in variants.VARIANTS:
        if name in WOUNDS:
            hurt = variants.wound(directory, old, new)
            survived, found = variants.passes(directory, 'agree.py', '1200')
            tap.line(hurt and not survived, 'broken variant is caught: ' + name,
                     found)


def main():
    words = [w for w in sys.argv[1:] if w != '--fail-fast']
    count = int(words[0]) if words else 2500
    first = int(words[1]) if len(words) > 1 else 1
    real, tap, counts, found = Real(), Tap(), {}, None
    done = 0
    for seed in range(first, first + count):
        history = History(real, seed)
        try:
            history.run()
        except AssertionError as e:
            found = 'seed %d\n%s' % (seed, e)
            break
        done += 1
        for key, n in history.counts.items():
            counts[key] = counts.get(key, 0) + n
    tap.line(not found, 'the scripts decide as the model in %d random histories'
             ', %d requests' % (done, sum(counts.values())), found or '')
    if not found:
        rare = [key for key in WANTED if counts.get(key, 0) < count / 25]
        tap.line(not rare, 'and everything was decided often enough',
                 '%s: %s' % (rare, counts) if rare else '')
        if not words:
            try_wounds(tap)
    tap.finish()


if __name__ == '__main__':
    main()
