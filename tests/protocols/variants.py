#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every broken variant of the scripts is caught (TAP).

usage: variants.py [part of a name]...

Each variant is one small wound to the real scripts.  The directed tests, or the
random histories where a scenario is named, must fail with it; a wound whose
place is not found in the scripts any more fails, too.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
from harness import HERE, OPERATIONS, Tap, make_temp_dir, scripts  # noqa: E402

# name, what to replace by what, the scenarios that must notice it as well
VARIANTS = [
    ('renew does not look at the attempt id',
     'if own and own.id == ask.id then\n    return not renewable',
     'if own then\n    return not renewable', []),
    ('renew does not look at the state',
     'return not renewable(own) and own.state or nil', 'return nil',
     ['late renewals']),
    ('renew revives what ran out',
     'local back = forgotten(s, known[i]) and', 'local back =', []),
    ('release does not look at the attempt id',
     'elseif own.id ~= ask.id then', 'elseif false then', []),
    ('leave does not look at the attempt id',
     "if own and own.id == ask.id and own.state ~= 'cooling' then",
     'if own then', []),
    ('a restore despite a grant',
     "if s.meta.granted then return 'granted' end", '', []),
    ('a restore beyond the limits',
     "return not admits(s, ask.token, f, ask.fence) and 'limit' or nil",
     'return nil',
     []),
    ('a restore of who held earlier',
     "(number(s.meta.fence) or 0) >= ask.fence and 'gone' or nil", 'nil', []),
    ('a restore that nobody gives way to',
     'give_way(s)\n  f.state, f.ends', 'f.state, f.ends', []),
    ('who gives way is not told',
     "for _, m in ipairs(displaced) do publish(m[1], m[2]) end", '',
     []),
    ('who gives way is told of another attempt',
     "'displaced ' .. g.id", "'displaced ' .. (ask.id or '')", []),
    ('who is reset is told of another attempt',
     "'revoked ') .. f.id", "'revoked ') .. 'x'", []),
    ('a release displaces who was granted since',
     'if not s.meta.granted\n        and (number(s.meta.fence)',
     'if (number(s.meta.fence)', []),
    ('a release displaces who came later',
     'if not s.meta.granted\n        and (number(s.meta.fence) or 0) < (ask.fence or 0) then',
     'if not s.meta.granted then', []),
    ('a release displaces nobody',
     'if not s.meta.granted\n        and (number(s.meta.fence) or 0) < (ask.fence or 0) then',
     'if false then', []),
    ('who gives way to its own token tells itself',
     'if token ~= ask.token then\n      displaced', 'if true then\n      displaced',
     []),
    ('a restored writer that is over keeps readers out',
     'return fence and g.limit == 1 and g.fence < fence', 'return false', []),
    ('a restored reader turns out who held alone after it',
     'g.limit == 1 and g.fence < fence', 'g.limit == 1', []),
    ('a lock that is only looked at is not acted on',
     'for _, name in ipairs(f.names) do lock(name) end', '', []),
    ('goodbye leaves all names but the first', 'for i = 1, n do\n  local key,',
     'for i = 1, 1 do\n  local key,', []),
    ('goodbye wakes the head on the wrong channel',
     "type(first) == 'string' and first or key", 'key', []),
    ('replies blame the first of several names',
     'then return i end\n    local w = head(s)',
     'then return 1 end\n    local w = head(s)', []),
    ('a release of what was forgotten leaves no trace',
     "if ask.limit == 1 and known[i] and known[i] ~= '0'", 'if false', []),
    ('the order forgets the queue',
     'if last >= us + DAY_US then last = 0 end', 'last = 0', []),
    ('a restore of what was never confirmed',
     " and ask.confirmed == '1'", '', []),
    ('a restore lowers the fence',
     'if (number(s.meta.fence) or 0) < ask.fence then', 'if true then', []),
    ('a shared restore lifts the hold-back',
     '''if ask.limit == 1 then
    came_back_alone(s)''', '''if true then
    came_back_alone(s)''', []),
    ('a shared release lifts the hold-back',
     "if ask.limit == 1 and known[i] and known[i] ~= '0'",
     "if known[i] and known[i] ~= '0'", []),
    ('no hold-back', 'if held_back(s) or not admits(s, token, f)',
     'if not admits(s, token, f)', []),
    ('the loss of the hash is not doubted by the head',
     'doubt(s, borns[i], f.hold or 0)', '', []),
    ('dead heads are not dropped',
     'if is_live(s, w.token, f) then return w, f end',
     'if true then return w, f end', []),
    ('dead grantees are not passed over',
     "elseif f.state == 'pending' and not is_live(s, token, f) then",
     'elseif false then', []),
    ('dead waiters leave only one of their queues',
     'for _, name in ipairs(f and f.names or {s.key}) do',
     'for _, name in ipairs({s.key}) do', []),
    ('the asker does not count as live',
     'if token == asker then return true end', '',
     ['all subscribed elsewhere']),
    ('a newcomer overtakes',
     'if live_head(s) or held_back(s)', 'if held_back(s)',
     ['shared and slots']),
    ('a waiter gets a new number each time',
     'if ask.order then return ask.order end', '', []),
    ('a place is not kept when the reply was lost',
     'local order = known', 'local order', []),
    ('order numbers do not rise when the clock steps back',
     'if last >= order then order = last + 1 end', '', []),
    ('fence numbers do not rise when the clock steps back',
     'if last >= fence then fence = last + 1 end', '', ['clock']),
    ('numbers go through cjson',
     "t[k] = type(v) == 'number' and text(v) or v", 't[k] = v', []),
    ('fence numbers lose digits', "return string.format('%.0f', n)",
     "return string.format('%.14g', n)", []),
    ('expired leases are kept', 'if f.ends <= now then',
     'if f.ends < now - 1000 then', []),
    ('leases pass on too early', 'if f.ends <= now then',
     'if f.ends <= now + 3000 then', []),
    ('a clock stepped back is not noticed',
     'elseif f.ends - now > f.ttl then', 'elseif false then', []),
    ('the limits of the holders do not count',
     'least = math.min(least, limit(g))', '', ['shared and slots']),
    ('one more than the limit', 'return count <= least',
     'return count <= least + 1', ['plain']),
    ('one token replaces another attempt',
     'elseif g.id ~= f.id or not renewable(g) then', 'elseif false then', []),
    ('a grant in one name only', 'if not w or w.token ~= token then return '
     'false end', '', ['names and limits']),
    ('a request for several looks at the limits of its first name only',
     'local function admits(s, token, f, fence)\n',
     'local function admits(s, token, f, fence)\n'
     'if s.key ~= f.names[1] then return true end\n', ['names and limits']),
    ('a grant does not leave the queue',
     'if order then unqueue(s, token, order) end\nkeep(s, token, lease)',
     'keep(s, token, lease)', []),
    ('a grant before a refused PUBLISH',
     'return type(redis.pcall(\'PUBLISH\', name, message)) ~= \'table\'',
     'redis.pcall(\'PUBLISH\', name, message) return true', []),
    ('a refused PUBLISH fails the script', "redis.pcall('PUBLISH'",
     "redis.call('PUBLISH'", []),
    ('who stands behind one that could not be told is granted',
     'for _, name in ipairs(f.names) do lock(name).mute = true end\n'
     'return false',
     "unqueue(s, w.token, w.order)\nreturn true", []),
    ('a grant lasts a whole ttl unconfirmed',
     'now + math.min(GRANT_KEPT, f.ttl), w.order', 'now + f.ttl, w.order', []),
    ('nobody is granted at a release', 'while grant_head(s) do end', '',
     ['plain']),
    ('the head is not told', "publish(channel(s, w.token, f), 'head ' .. "
     'text(soonest(f) or 30000))', '', []),
    ('only a new head is told',
     'or next_change(s) ~= s.first_change', '', []),
    ('a head without a record is granted nothing and not told',
     "publish(channel(s, w.token), 'head 0')", '', []),
    ('the reply does not say when to ask', "add(reply, 'next', soonest(f))",
     '', []),
    ('a renewal does not say what was left',
     'left = math.min(left or own.ends - now, own.ends - now)',
     'left = ask.ttl', []),
    ('a renewal shortens', 'if till >= own.ends then', 'if true then', []),
    ('reset forgets a running holder', "if runs and ask.now ~= '1' then",
     'if false then', ['reset']),
    ('reset revokes a grant', "local runs = own.state == 'held' or "
     "own.state == 'revoked'", 'local runs = true', []),
    ('reset tells nobody', 'publish(m[1], m[2])', '', []),
    ('reset of one name only', 'for _, name in ipairs(f.names) do\n'
     'local s = lock(name)\nlocal own', 'for _, name in ipairs({mine[1].key}) '
     'do\nlocal s = lock(name)\nlocal own', []),
    ('a bare delete in release',
     'if till > now then', 'if false then', []),
    ('a lost lock cools', "own.state == 'revoked' or ask.status == 126",
     'ask.status == 126', []),
    ('a full server refuses a renewal',
     "if not refusable then redis.call('PEXPIREAT', s.key, text(last)) end",
     '', ['full server']),
    ('a full server accepts a new request', 'refusable = true',
     'refusable = false', []),
    ('a full server accepts a new waiter', 'refusable = not (known or ask.order)', '',
     []),
    ('a full server refuses to answer a waiter',
     'refusable = not (known or ask.order)', 'refusable = true', []),
    ('a lease that is long is not kept',
     'last = math.max(last, f.ends)', '', []),
    ('the queue never expires',
     "redis.call('PEXPIRE', key, text(QUEUE_KEPT))", '', []),
    ('records of waiters are left', "redis.call('DEL', key, records)",
     "redis.call('DEL', key)", []),
    ('all of the queue is read', 'math.min(from, 100)', '-2', []),
    ('foreign keys are followed',
     'or string.sub(name, 1, #start) ~= start', '', []),
    ('a broken record stays', 'sets, dels, last = {}, s.broken, now',
     'sets, dels, last = {}, {}, now', []),
    ('a fence number that is not read', 'return next_fence(f) >= LARGEST',
     'return false', []),
    ('a fence number that is not read, by the short cut',
     'and tonumber(value) < 9007199254740990',
     'and tonumber(value) < 9007199254740991', []),
    ('an order number that is not read',
     'if order + 1 >= LARGEST then order = 0 end', '', []),
    ('a hold-back without end',
     'if (number(s.meta.hold) or 0) > now + LONGEST_HOLD then', 'if false then',
     []),
    ('a token that no request could name holds',
     'local f = is_token(token) and decode(s.key, value)',
     'local f = decode(s.key, value)', []),
    ('a token that no request could name is granted',
     'f = json and is_token(token) and decode', 'f = json and decode', []),
    ('an id that no request could name holds', 'or not is_id(f.id) or',
     'or not f.id or', []),
    ('a lease that no request could ask for holds',
     'if f[k] > LONGEST then return nil end', '', []),
    ('a grant that could not be finished is left',
     'if refusable and began then take_back() end', '', []),
    ('a grant that could not be finished is left by the short cut',
     "redis.pcall('HDEL', KEYS[1], 'h:' .. ask.token)\n    return redis",
     'return redis', []),
    ('the short cut takes any number', 'and short(ask.kill)',
     'and digits(ask.kill)', []),
    ('a nested request waits', 'count > least and found or nil', 'nil', []),
    ('a confirmation is not judged by --once-per',
     "local run = ask.confirmed ~= '1' and done()", 'local run = nil', []),
    ('a renewal is judged by --once-per',
     "local run = ask.confirmed ~= '1' and done()", 'local run = done()', []),
    ('a waiter is not judged by --once-per',
     'local run = done()\nif run then\nwithdraw()', 'local run\nif run then\n'
     'withdraw()', []),
    ('a grant that is not needed is kept',
     'if ours(s.holders[ask.token]) then forget(s, ask.token) end', '', []),
    ('a success in the future counts for ever',
     'math.abs(now - since) < ask.once', 'now - since < ask.once', []),
    ('a success in the future does not count', 'math.abs(now - since)',
     'now >= since and now - since', []),
    ('a failure counts as a success',
     'if ask.status ~= 0 or state', 'if state', []),
    ('a reset run counts as a success',
     " or state == 'revoked' or own.names[1]", ' or own.names[1]', []),
    ('a success counts for all its names', ' or own.names[1] ~= s.key', '',
     []),
    ('the success that ended last counts',
     '\nor superseded(s, own) then', '\nthen', []),
    ('a success is remembered for a week only',
     'last = math.max(last, math.min(number(s.meta.kept) or 0, '
     'now + LONGEST))', '', []),
    ('the short cut forgets for how long', ' or meta.kept', '', []),
    ('the short cut does not judge', '\nor ask.once then', '\nthen', []),
    ('a failing history fails the release',
     "type(redis.pcall('LPUSH', list, run))",
     "type(redis.call('LPUSH', list, run))", []),
    ('the history grows', "redis.pcall('LTRIM', list, 0, math.min(keep, 1000) "
     '- 1)', '', []),
]


def flat(text):
    """As the build leaves it: no comments, no indentation."""
    lines = [line.strip() for line in text.split('\n')]
    return '\n'.join(line for line in lines if not line.startswith('--'))


def wound(directory, old, new):
    """Write all scripts with OLD replaced; how many were changed.

    A wound to core.lua must show without the short cut, which is right still.
    """
    whole = scripts(shortcut=False)
    if not any(flat(old) in source for source in whole.values()):
        whole = scripts(shortcut=True)
    changed = 0
    for op, source in whole.items():
        hurt = source.replace(flat(old), flat(new))
        changed += hurt != source
        with open(os.path.join(directory, op + '.lua'), 'w') as f:
            f.write(hurt)
    return changed


def passes(directory, program, *words):
    """Whether PROGRAM finds nothing."""
    child = subprocess.Popen(
        [sys.executable, os.path.join(HERE, program), '--fail-fast', *words],
        env=dict(os.environ, NETFLOCK_LUA=directory),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = child.communicate()
    finally:
        # Interrupted: let it clean up after itself.
        child.terminate()
        child.wait()
    if child.returncode not in (0, 1):
        raise RuntimeError(output)
    lines = [line for line in output.splitlines()
             if line.startswith('not ok')]
    return child.returncode == 0, lines[0] if lines else output[-300:]


def main():
    words = sys.argv[1:]
    directory = make_temp_dir()
    tap = Tap()
    # Else every variant would seem to be caught.
    wound(directory, '', '')
    sound, found = passes(directory, 'directed.py')
    tap.line(sound, 'the scripts as they are pass', found)
    for name, old, new, scenarios in VARIANTS:
        if words and not any(word in name for word in words):
            continue
        if not wound(directory, old, new):
            tap.line(False, name, 'not found in the scripts: ' + flat(old))
            continue
        survived, found = passes(directory, 'directed.py')
        tap.line(not survived, 'broken variant is caught: ' + name, found)
        for scenario in scenarios:
            survived, found = passes(directory, 'histories.py', '600', '6',
                                     scenario)
            tap.line(not survived, 'broken variant is caught by random '
                     'histories: %s (%s)' % (name, scenario), found)
    tap.finish()


if __name__ == '__main__':
    main()
