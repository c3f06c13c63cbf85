#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random histories of the netflock protocol against its real scripts (TAP).

usage: histories.py [--fail-fast] [seconds seeds [first-seed]] [scenario]...

Simulated clients follow DESIGN.md 4 and 5 on the server's virtual clock; they
crash, pause, lose messages and subscriptions, answer late; the server forgets,
is full, steps its clock, is reset.  An observer that knows everything checks
after each script what must hold.  One line per scenario; a violation prints its
seed and the history before it.
"""

import collections
import heapq
import json
import random
import sys

sys.dont_write_bytecode = True
from harness import (Refused, Server, Tap, keys_of, run_script)  # noqa: E402

TTL = 20000
RENEW = TTL // 3
IO = 2000
GRACE = 3000
SLACK = 200
ASK_AGAIN = 30000
UNLIMITED = 10 ** 9
# What makes a run needless, for those who ask.
ONCE = 20000
# How long after the faults the clients may take to finish.
DRAIN = 600000


class Client:
    """One netflock run: trying, waiting, running, done."""

    def __init__(self, sim, serial):
        rnd, opt = sim.rnd, sim.opt
        self.token = 't%d' % serial
        self.id = 'i%d' % serial
        self.limit = rnd.choice(opt['limits'])
        if opt['with'] and rnd.random() < .4:
            self.names = rnd.sample(opt['names'], min(
                rnd.choice([2, 2, 3]), len(opt['names'])))
        else:
            self.names = [rnd.choice(opt['names'])]
        self.min_hold = rnd.choice([0, 0, 0, 8000]) if opt['min_hold'] else 0
        self.work = rnd.choice([200, 2000, 9000, 25000]
                               if rnd.random() < .6 else [50])
        self.give_up = sim.now + rnd.choice([10 ** 9, 10 ** 9, 5000, 40000])
        # Subscribed at a server that the scripts cannot ask.
        self.elsewhere = rnd.random() < opt['elsewhere']
        self.once = opt['once'] and rnd.random() < opt['once']
        self.status = rnd.choice([0, 0, 1]) if opt['once'] else 0
        self.state = 'trying'
        self.alive = True
        self.paused_until = 0
        # Timers of an earlier state carry an earlier generation.
        self.generation = 0
        self.ear = None
        # Names in which the server cannot know its channel: the record is
        # lost, and it is that of another name.
        self.unheard = set()
        self.order = None
        self.known_borns = None
        self.known_hold = None
        self.borns = None
        self.fence = 0
        self.refusals = 0
        self.deadline = 0
        self.started = 0
        self.stopping = False
        self.was_reset = False

    def fields(self):
        return dict({'once': ONCE} if self.once else {}, **{'token': self.token, 'id': self.id,
                'limit': 0 if self.limit == UNLIMITED else self.limit,
                'ttl': TTL, 'kill': GRACE, 'renew': RENEW, 'io': IO})


class Simulation:
    """Clients, faults and the observer, on one virtual time line (ms)."""

    def __init__(self, server, seed, opt):
        self.server = server
        self.opt = opt
        self.rnd = random.Random(seed)
        self.now = 0
        self.events = []
        self.serial = 0
        self.base_us = server.us + 10 ** 9
        self.skew_us = 0
        self.full = False
        self.clients = {}
        self.waiting = {}
        self.running = {}
        self.released = set()
        self.forgets = collections.defaultdict(list)
        self.highest_fence = collections.Counter()
        self.leases = collections.defaultdict(dict)
        self.lines = collections.defaultdict(list)
        self.free_since = {}
        # Of the latest success under a first name: when it began, and ended.
        self.successes = {}
        self.history = collections.deque(maxlen=40)
        self.violations = {}
        self.stats = collections.Counter()
        server.set_us(self.base_us)
        server.do('FLUSHALL')
        server.do('CONFIG', 'SET', 'maxmemory', 0)

    def at(self, delay, function, *arguments):
        self.serial += 1
        heapq.heappush(self.events, (self.now + max(0, delay), self.serial,
                                     function, arguments))

    def log(self, *what):
        self.history.append((self.now,) + what)

    def violation(self, kind, *details):
        self.stats['violations'] += 1
        if kind not in self.violations:
            self.violations[kind] = (self.now, details, list(self.history))

    # Requests

    def call(self, op, names, fields):
        self.stats['requests'] += 1
        try:
            word, pairs = run_script(self.server.connection,
                                     self.server.sha[op], keys_of(names),
                                     fields)
        except Refused as e:
            if 'OOM' not in str(e):
                raise
            self.stats['refused ' + op] += 1
            self.log(op, fields.get('token'), 'OOM')
            if op not in ('acquire', 'queue'):
                self.violation('%s refused by a full server' % op)
            return 'refused', {}
        self.log(op, fields.get('token'), names, fields.get('order'), word,
                 {k: v for k, v in pairs.items() if k in (
                     'fence', 'position', 'next', 'why', 'state', 'ends',
                     'left', 'restored', 'borns', 'hold')})
        if word == 'done':
            # Nobody overtakes who does not want it any more.
            self.waiting.pop(fields['token'], None)
        self.observe(op, fields)
        return word, pairs

    def read_leases(self, name):
        flat = self.server.do('HGETALL', 'netflock:{%s}' % name)
        return {field[2:]: int(json.loads(value)['ends'])
                for field, value in zip(flat[::2], flat[1::2])
                if field.startswith('h:')}

    def observe(self, op, fields):
        """What must hold of the server's state after every script."""
        server_now = self.server.now_ms()
        for name in self.opt['names']:
            leases = self.read_leases(name)
            before = self.leases[name]
            for token in leases:
                if token not in before:
                    self.observe_grant(op, name, token, leases)
                elif (op == 'renew' and fields['token'] == token
                        and token in self.released
                        and leases[token] > before[token]):
                    self.violation('lease extended after its release', name,
                                   token)
            self.leases[name] = leases
            self.lines[name] = self.server.do(
                'ZRANGE', 'netflock:{%s}:queue' % name, 0, -1)
            live = [t for t, ends in leases.items() if ends > server_now]
            limits = [self.clients[t].limit for t in live if t in self.clients]
            if limits and len(live) > min(limits):
                self.violation('more holders than the limit', name, live)

    def observe_grant(self, op, name, token, leases):
        if token in self.released and not self.forgets[name]:
            self.violation('lease granted after its release', name, token, op)
        client = self.clients.get(token)
        if op == 'renew' or not client or client.fence \
                or client.state == 'done':
            return
        place = client.order or float('inf')
        for other in self.waiting.values():
            if (other.token not in leases and name in other.names
                    and other.ear and not other.elsewhere and other.order
                    and other.order < place
                    and name not in other.unheard
                    and other.token in self.lines[name]):
                self.violation('overtaken', name, token, place, other.token,
                               other.order)

    # Clients: getting it

    def arrive(self, until):
        if self.now >= until:
            return
        self.stats['clients'] += 1
        client = Client(self, self.stats['clients'])
        self.clients[client.token] = client
        self.try_directly(client)
        self.at(self.rnd.randint(1, self.opt['gap']), self.arrive, until)

    def try_directly(self, c):
        sent = self.now
        word, pairs = self.call('acquire', c.names, c.fields())
        if word == 'held':
            c.fence, c.borns = int(pairs['fence']), pairs['borns']
            self.start(c, sent)
        elif word == 'done':
            self.skip(c)
        else:
            self.learn(c, pairs)
            self.subscribe(c)

    def learn(self, c, pairs):
        """Rule 8: what a waiter knew of the holders."""
        if int(pairs.get('holders', 0)) > 0:
            c.known_borns, c.known_hold = pairs['borns'], pairs['hold']

    def listen(self, c):
        if not c.ear:
            c.ear = self.server.connect()
            c.ear.do('SUBSCRIBE', 'netflock:{%s}:%s%s' % (
                c.names[0], c.token, '-elsewhere' if c.elsewhere else ''))

    def deafen(self, c):
        if c.ear:
            c.ear.close()
            c.ear = None
            # Until the server has noticed.
            while not c.elsewhere and self.server.do(
                    'PUBSUB', 'NUMSUB',
                    'netflock:{%s}:%s' % (c.names[0], c.token))[1]:
                pass

    def subscribe(self, c):
        if not c.alive or c.state in ('running', 'done'):
            return
        self.listen(c)
        c.state = 'waiting'
        self.waiting[c.token] = c
        self.ask(c, c.generation)

    def ask(self, c, generation):
        if generation != c.generation or c.state != 'waiting' or not c.alive:
            return
        if c.paused_until > self.now:
            self.at(c.paused_until - self.now + 1, self.ask, c, generation)
            return
        if self.now > c.give_up:
            self.leave(c)
            return
        c.generation += 1
        fields = c.fields()
        if c.order:
            fields['order'] = c.order
        if c.known_borns:
            fields.update(borns=c.known_borns, hold=c.known_hold)
        word, pairs = self.call('queue', c.names, fields)
        if word != 'refused':
            c.unheard.clear()
        if word == 'granted':
            self.confirm(c, int(pairs['fence']), pairs['borns'])
        elif word == 'refused':
            self.at(1000, self.ask, c, c.generation)
        elif word == 'done':
            self.skip(c)
        else:
            c.order = c.order or int(pairs['order'])
            self.learn(c, pairs)
            delay = ASK_AGAIN
            if pairs['position'] == '1' and 'next' in pairs:
                delay = min(delay, int(pairs['next']) + 1)
            self.at(max(1, delay), self.ask, c, c.generation)

    def confirm(self, c, fence, borns):
        """Rule 5: a grant is a hint until a renewal says so."""
        c.fence, c.borns = fence, borns
        sent = self.now
        word, pairs = self.renew(c, 0)
        if word == 'ok':
            c.borns, c.refusals = pairs['borns'], 0
            self.start(c, sent)
            return
        if word == 'done':
            self.skip(c)
            return
        c.fence = 0
        c.refusals += 1
        self.at(1 if c.refusals == 1 else 1000, self.ask, c, c.generation)

    def renew(self, c, confirmed):
        fields = dict(c.fields(), fence=c.fence, confirmed=confirmed)
        if c.borns:
            fields['borns'] = c.borns
        return self.call('renew', c.names, fields)

    def is_done(self, c):
        """Whether a success makes the run of C needless."""
        began, ended = self.successes.get(c.names[0], (-ONCE, 0))
        forgot = any(t >= ended for t in self.forgets[c.names[0]])
        return not forgot and self.now - began < ONCE

    def skip(self, c):
        self.stats['skipped'] += 1
        if not self.is_done(c):
            self.violation('skipped, though nobody did it', c.token)
        c.state = 'done'
        self.released.add(c.token)
        self.deafen(c)

    def leave(self, c):
        c.state = 'done'
        self.waiting.pop(c.token, None)
        self.call('leave', c.names, {'token': c.token, 'id': c.id})
        self.released.add(c.token)
        self.deafen(c)

    # Clients: running

    def start(self, c, sent):
        c.state = 'running'
        c.generation += 1
        self.waiting.pop(c.token, None)
        c.deadline = sent + TTL - TTL // 100 - 2
        c.started = self.now
        if c.once and self.is_done(c):
            self.violation('runs, though it was done', c.token)
        for name in c.names:
            self.check_start(c, name)
        self.running[c.token] = c
        self.stats['runs'] += 1
        self.listen(c)
        self.at(c.work, self.finish, c)
        self.at(RENEW, self.tick_renewal, c, True)
        self.at(100, self.tick_renewal, c, False)
        self.watch(c)
        if self.rnd.random() < .05:
            self.at(self.rnd.randint(1, c.work + 1), self.crash, c)

    def check_start(self, c, name):
        if c.limit == 1 and c.fence <= self.highest_fence[name] \
                and not (self.skew_us and self.forgets[name]):
            self.violation('fence does not rise', name, c.token, c.fence,
                           self.highest_fence[name])
        self.highest_fence[name] = max(self.highest_fence[name], c.fence)
        others = [r for r in self.running.values() if name in r.names]
        if not others or len(others) < min([r.limit for r in others]
                                           + [c.limit]):
            return
        tokens = [r.token for r in others]
        if not self.forgets[name]:
            self.violation('overlap', name, c.token, tokens)
        elif self.now - self.forgets[name][-1] > TTL + GRACE + 5000:
            self.violation('overlap long after the server forgot', name,
                           c.token, tokens)
        self.stats['overlaps after forgetting'] += 1

    def watch(self, c):
        """The keeper: TERM at D - grace - slack, KILL at D - slack."""
        if c.state != 'running':
            return
        kill = c.deadline - SLACK
        if self.now >= kill - 1:
            self.stats['killed at the deadline'] += 1
            self.end(c)
            return
        if self.now >= kill - GRACE and not c.stopping:
            self.lose(c, 'term due')
        self.at(max(1, (kill if c.stopping else kill - GRACE) - self.now),
                self.watch, c)

    def tick_renewal(self, c, repeat):
        if c.state != 'running' or c.stopping or not c.alive:
            return
        if c.paused_until > self.now:
            self.at(c.paused_until - self.now + 1, self.tick_renewal, c,
                    repeat)
            return
        sent = self.now
        if self.opt['late'] and self.rnd.random() < .12:
            # Under way for long; nobody hears its answer.
            self.stats['late renewals'] += 1
            self.at(self.rnd.randint(100, 15000), self.renew_late, c.names,
                    dict(c.fields(), fence=c.fence, confirmed=1,
                         borns=c.borns))
        else:
            word, pairs = self.renew(c, 1)
            if word == 'ok':
                c.borns = pairs['borns']
                c.deadline = max(c.deadline, sent + TTL - TTL // 100 - 2)
            elif word == 'lost':
                self.lose(c, 'renewal refused: ' + pairs['why'])
        if repeat:
            self.at(RENEW if self.rnd.random() < .8 else 1000,
                    self.tick_renewal, c, True)

    def renew_late(self, names, fields):
        self.call('renew', names, fields)

    def lose(self, c, why):
        if c.stopping or c.state != 'running':
            return
        c.stopping = True
        kind = 'lost: ' + why
        if c.was_reset:
            kind += ' (reset)'
        elif any(t >= c.started - 1000 for name in c.names
                 for t in self.forgets[name]):
            kind += ' (the server forgot)'
        elif c.paused_until > c.started \
                or (self.opt['late'] and why == 'term due'):
            kind += ' (paused or late)'
        else:
            self.violation('lost for no reason', c.token, why)
        self.stats[kind] += 1
        self.at(self.rnd.choice([50, GRACE]), self.end, c)

    def finish(self, c):
        if c.state == 'running' and not c.stopping:
            self.end(c)

    def end(self, c):
        if c.state != 'running':
            return
        c.state = 'done'
        self.running.pop(c.token, None)
        if not c.alive:
            return
        granted = self.granted_at(c)
        status = 76 if c.stopping else c.status
        word, pairs = self.call(
            'release', c.names,
            dict(c.fields(), fence=c.fence, borns=c.borns, status=status,
                 minhold=0 if c.stopping else c.min_hold))
        if word == 'ok' and status == 0 and pairs['state'] != 'revoked':
            last = self.successes.get(c.names[0], (granted, 0))
            self.successes[c.names[0]] = max(granted, last[0]), self.now
        self.released.add(c.token)
        self.deafen(c)

    def granted_at(self, c):
        json_text = self.server.do('HGET', 'netflock:{%s}' % c.names[0],
                                   'h:' + c.token)
        if not json_text:
            return 0
        since = int(json.loads(json_text)['since'])
        return since - (self.base_us + self.skew_us) // 1000

    def crash(self, c):
        if c.state == 'done':
            return
        self.log('crash', c.token)
        self.stats['crashes'] += 1
        c.alive = False
        c.state = 'done'
        self.waiting.pop(c.token, None)
        self.running.pop(c.token, None)
        self.deafen(c)

    def hear(self):
        """Deliver what was published; some of it gets lost."""
        if not any(c.ear for c in self.clients.values()):
            return
        # An answer here follows all earlier messages.
        self.server.do('PING')
        for c in list(self.clients.values()):
            if not c.ear or not c.alive or c.paused_until > self.now:
                continue
            for message in c.ear.pending():
                if message[0] != 'message':
                    continue
                if self.rnd.random() < self.opt['lose_message']:
                    continue
                self.log('hears', c.token, message[2])
                self.understand(c, message[2].split())

    def understand(self, c, words):
        if words[0] == 'granted' and c.state == 'waiting':
            c.generation += 1
            self.confirm(c, int(words[1]), c.known_borns)
        elif words[0] == 'head' and c.state == 'waiting':
            c.generation += 1
            self.at(min(int(words[1]) + 1, ASK_AGAIN), self.ask, c,
                    c.generation)
        elif words[0] == 'revoked' and c.state == 'running':
            self.lose(c, 'revoked')

    # The observer's clock

    def observe_time(self, until):
        self.check_overlaps()
        self.check_idle()
        if self.now < until + DRAIN * 2 // 3:
            self.at(500, self.observe_time, until)

    def check_overlaps(self):
        """G2: how long an overlap may last after the server forgot."""
        for name in self.opt['names']:
            running = [c for c in self.running.values() if name in c.names]
            if not running or len(running) <= min(c.limit for c in running):
                continue
            if not self.forgets[name]:
                self.violation('overlap', name, [c.token for c in running])
                continue
            forgot = self.forgets[name][-1]
            since = self.now - forgot
            slow = self.opt['late'] or any(
                c.paused_until > forgot - ASK_AGAIN for c in running)
            if since > (TTL + GRACE if slow else RENEW + IO + GRACE):
                self.violation('overlap lasts too long', name,
                               [c.token for c in running], since)

    def limits_of(self, name, server_now):
        """Of everybody who has it, by the server's records or in fact."""
        flat = self.server.do('HGETALL', 'netflock:{%s}' % name)
        limits = {}
        for field, value in zip(flat[::2], flat[1::2]):
            record = json.loads(value) if field.startswith('h:') else None
            if record and int(record['ends']) > server_now:
                limits[field[2:]] = int(record['limit']) or UNLIMITED
        limits.update((c.token, c.limit) for c in self.running.values()
                      if name in c.names)
        return list(limits.values())

    def check_idle(self):
        """Nobody who could have all his locks waits for long behind nobody."""
        server_now = self.server.now_ms()
        limits = {name: self.limits_of(name, server_now)
                  for name in self.opt['names']}
        before, self.free_since = self.free_since, {}
        waited_for = set()
        queued = [c for c in self.waiting.values() if c.order]
        for c in sorted(queued, key=lambda c: c.order):
            free = c.ear and c.paused_until < self.now \
                and not waited_for.intersection(c.names) \
                and all(len(limits[n]) < min(limits[n] + [c.limit])
                        for n in c.names)
            waited_for.update(c.names)
            if not free:
                continue
            since = before.get(c.token, self.now)
            self.free_since[c.token] = since
            idle = self.now - since
            self.stats['longest idle'] = max(self.stats['longest idle'], idle)
            forgot = any(self.forgets[n] for n in c.names)
            if idle > ASK_AGAIN + 1500 + (RENEW + IO if forgot else 0):
                self.violation('free and waited for, but idle', c.token,
                               c.names, idle)

    # Faults

    def disturb(self, until):
        if self.now >= until or not self.opt['faults']:
            return
        kind = self.rnd.choice(self.opt['faults'])
        name = self.rnd.choice(self.opt['names'])
        alive = [c for c in self.clients.values()
                 if c.alive and c.state != 'done']
        victim = self.rnd.choice(alive) if alive else None
        getattr(self, 'fault_' + kind)(name, victim)
        self.at(self.rnd.randint(1, self.opt['fault_gap']), self.disturb,
                until)

    def fault_deaf(self, _name, c):
        if c and c.ear and c.state == 'waiting':
            self.log('loses its subscription', c.token)
            self.deafen(c)
            c.generation += 1
            self.at(self.rnd.randint(1, 3000), self.subscribe, c)

    def fault_crash(self, _name, c):
        if c:
            self.crash(c)

    def fault_pause(self, _name, c):
        if c:
            c.paused_until = self.now + self.rnd.randint(1, 9000)
            self.log('pauses', c.token, c.paused_until - self.now)

    def forget(self, name):
        self.forgets[name].append(self.now)
        self.leases[name] = {}

    def fault_lose_hash(self, name, _c):
        self.log('LOSES THE HASH', name)
        self.server.do('DEL', 'netflock:{%s}' % name)
        self.forget(name)

    def fault_lose_waiters(self, name, _c):
        self.log('LOSES THE WAITERS', name)
        self.server.do('DEL', 'netflock:{%s}:waiters' % name)
        for c in self.waiting.values():
            if name in c.names[1:]:
                c.unheard.add(name)

    def fault_lose_queue(self, name, _c):
        self.log('LOSES THE QUEUE', name)
        self.server.do('DEL', 'netflock:{%s}:queue' % name)
        self.lines[name] = []

    def fault_flush(self, _name, _c):
        self.log('LOSES EVERYTHING')
        self.server.do('FLUSHALL')
        for name in self.opt['names']:
            self.forget(name)
            self.lines[name] = []
        # As after a restart: everybody reconnects.
        for c in list(self.waiting.values()):
            self.deafen(c)
            c.generation += 1
            self.at(self.rnd.randint(1, 2000), self.subscribe, c)
        for c in self.running.values():
            self.at(self.rnd.randint(1, 2000), self.tick_renewal, c, False)

    def fault_reset(self, name, _c):
        for c in self.running.values():
            if name in c.names:
                c.was_reset = True
        self.call('reset', [name], {})
        self.stats['resets'] += 1

    def fault_clock(self, _name, _c):
        self.skew_us -= self.rnd.randint(1, 5000) * 1000
        self.log('CLOCK STEPS BACK', self.skew_us)

    def fault_full(self, _name, _c):
        self.full = not self.full
        self.log('FULL', self.full)
        self.server.do('CONFIG', 'SET', 'maxmemory', int(self.full))

    # The whole

    def run(self, duration):
        self.arrive(duration)
        self.at(1, self.disturb, duration)
        self.at(1, self.observe_time, duration)
        while self.events:
            when, _, function, arguments = heapq.heappop(self.events)
            if when > duration + DRAIN:
                break
            self.now = max(self.now, when)
            self.server.set_us(self.base_us + self.now * 1000 + self.skew_us)
            function(*arguments)
            self.hear()
            if self.now > duration and self.full:
                self.fault_full(None, None)
            self.forget_clients()
            if self.stats['requests'] > 2000 + 100 * self.stats['clients']:
                self.violation('far more requests than clients need')
                break
        self.check_end()

    def forget_clients(self):
        if len(self.clients) > 200:
            self.clients = {
                t: c for t, c in self.clients.items()
                if c.state != 'done' or c.ear
                or any(t in self.leases[n] for n in self.opt['names'])}

    def check_end(self):
        """Everybody is done, and nothing is left but the locks themselves."""
        self.server.do('CONFIG', 'SET', 'maxmemory', 0)
        left = [c.token for c in self.clients.values()
                if c.alive and c.state != 'done']
        if left:
            self.violation('clients never finish', left)
        self.now += DRAIN + 100000
        self.server.set_us(self.base_us + self.now * 1000 + self.skew_us)
        last = {'token': 'z', 'id': 'z', 'ttl': TTL}
        for name in self.opt['names']:
            self.call('acquire', [name], last)
            self.call('release', [name], last)
            if self.read_leases(name):
                self.violation('leases are left', name)
            if self.server.do('EXISTS', *keys_of([name])[1:]):
                self.violation('keys are left', name)
        for c in self.clients.values():
            if c.ear:
                c.ear.close()


DEFAULTS = dict(names=['a'], limits=[1], faults=[], late=False, min_hold=False,
                gap=13000, fault_gap=8000, lose_message=.05, elsewhere=0,
                once=0)
DEFAULTS['with'] = False
ANY = UNLIMITED
SCENARIOS = {
    'plain': dict(faults=['deaf', 'crash']),
    'shared and slots': dict(limits=[1, 2, 3, ANY, ANY], late=True,
                             faults=['deaf', 'crash', 'pause']),
    'late renewals': dict(faults=['deaf', 'crash', 'pause'], late=True,
                          min_hold=True),
    'several names': dict(names=['a', 'b', 'c'], limits=[1, 1, ANY], late=True,
                          faults=['deaf', 'crash', 'pause'],
                          **{'with': True}),
    'several names, reset': dict(names=['a', 'b', 'c'], limits=[1, 1, ANY],
                                 faults=['deaf', 'crash', 'pause', 'reset'],
                                 late=True, **{'with': True}),
    'names and limits': dict(names=['a', 'b', 'c'], limits=[1, 2, 3, ANY, ANY],
                             late=True, min_hold=True, gap=5000,
                             faults=['deaf', 'crash', 'pause'],
                             **{'with': True}),
    'names and limits, restart': dict(names=['a', 'b', 'c'],
                                      limits=[1, 2, ANY], gap=8000,
                                      faults=['flush', 'lose_hash', 'deaf'],
                                      fault_gap=60000, **{'with': True}),
    'lost messages': dict(faults=['pause'], lose_message=.4),
    'once': dict(once=.7, late=True, gap=8000,
                 faults=['deaf', 'crash', 'pause', 'reset']),
    'once, names and limits': dict(once=.5, names=['a', 'b'],
                                   limits=[1, 2, ANY], min_hold=True, gap=5000,
                                   faults=['deaf', 'crash', 'pause', 'flush'],
                                   fault_gap=30000, **{'with': True}),
    'everything': dict(names=['a', 'b', 'c'], limits=[1, 1, 2, ANY],
                       faults=['deaf', 'crash', 'pause', 'reset', 'full',
                               'lose_hash', 'lose_waiters', 'lose_queue'],
                       late=True, min_hold=True, gap=16000, fault_gap=20000,
                       **{'with': True}),
    'clock': dict(limits=[1, ANY], faults=['deaf', 'crash', 'clock']),
    'full server': dict(limits=[1, 2], faults=['deaf', 'full']),
    'reset': dict(limits=[1, ANY], faults=['deaf', 'reset', 'pause'],
                  late=True),
    'reset and min-hold': dict(faults=['reset'], min_hold=True,
                               fault_gap=30000),
    'restart': dict(faults=['flush'], fault_gap=90000),
    'restart, slots': dict(limits=[3, ANY], faults=['flush'],
                           fault_gap=90000),
    'restart, several names': dict(names=['a', 'b', 'c'], limits=[1, 1, ANY],
                                   faults=['flush', 'deaf'], fault_gap=60000,
                                   **{'with': True}),
    'restart, clock': dict(faults=['flush', 'clock'], fault_gap=45000),
    'restart, late': dict(faults=['flush', 'pause'], late=True,
                          fault_gap=60000),
    'subscribed elsewhere': dict(faults=['crash'], elsewhere=.3,
                                 fault_gap=60000),
    'all subscribed elsewhere': dict(elsewhere=1, gap=60000),
    'lost records': dict(limits=[1, 2], faults=['lose_waiters', 'deaf'],
                         fault_gap=30000),
    'lost records, several names': dict(names=['a', 'b', 'c'],
                                        faults=['lose_waiters', 'deaf'],
                                        fault_gap=30000, **{'with': True}),
    'lost queues': dict(faults=['lose_queue', 'crash'], fault_gap=30000),
    'losses': dict(limits=[1, 1, 2, ANY], fault_gap=40000,
                   faults=['lose_hash', 'lose_waiters', 'lose_queue', 'deaf',
                           'crash']),
    'lost hashes, readers': dict(limits=[ANY], faults=['lose_hash'],
                                 fault_gap=130000),
}


def describe(violations):
    lines = []
    for kind, (seed, (when, details, history)) in violations.items():
        lines.append('%s: seed %d, at %d ms: %s' % (kind, seed, when, details))
        lines += ['    %s' % (entry,) for entry in history]
    return '\n'.join(lines)


def run_scenario(server, options, seconds, seeds):
    total = collections.Counter()
    violations = {}
    for seed in seeds:
        simulation = Simulation(server, seed, dict(DEFAULTS, **options))
        simulation.run(seconds * 1000)
        simulation.stats.pop('longest idle', None)
        total += simulation.stats
        for kind, what in simulation.violations.items():
            violations.setdefault(kind, (seed, what))
    return total, violations


def main():
    words = sys.argv[1:]
    fail_fast = '--fail-fast' in words
    numbers = [int(w) for w in words if w.isdigit()]
    seconds, count, first = (numbers + [600, 2, 0][len(numbers):])[:3]
    only = [w for w in words if not w.isdigit() and w != '--fail-fast']
    seeds = range(first, first + count)
    server = Server()
    tap = Tap()
    for name, options in SCENARIOS.items():
        if only and name not in only:
            continue
        total, violations = run_scenario(server, options, seconds, seeds)
        tap.line(not violations, 'random histories: %s (%d s, seeds %d to %d)'
                 % (name, seconds, seeds[0], seeds[-1]),
                 describe(violations) + '\n' + ', '.join(
                     '%s %d' % item for item in sorted(total.items())))
        if fail_fast and violations:
            break
    tap.finish()


if __name__ == '__main__':
    main()
