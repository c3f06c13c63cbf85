/* SPDX-License-Identifier: MIT */
/*
 * Rights are tried, not read: who may do no more than he needs may not look
 * them up.  Servers check rights before they look at arguments, but not
 * before they count them; so each command comes with as many words as it
 * wants, and where it would change something, with one that it refuses, or for
 * a key that nobody has.
 */
#include <stdio.h>
#include <string.h>

#include "checkup_inner.h"
#include "reply.h"

#define RUN 1U
#define STATUS 2U
#define RESET 4U
#define RESET_ALL 8U
#define HISTORY 16U
#define SHOWN (RUN | STATUS | RESET | RESET_ALL)
#define ALL (SHOWN | HISTORY)
#define TAKING (RESET | RESET_ALL)

static const char *const commands[CHECKUP_COMMANDS] = { "run", "status",
	"reset", "reset-all", "history" };

#define KEY "\1"     /* is replaced by a key */
#define CHANNEL "\2" /* ... by a channel of the same name */

/*
 * LPUSH takes all that it is given: what it writes is gone with the script, by
 * the first of these commands that he may give.  Who may not write to the key
 * can be refused but for the command or for the key.
 */
#define PUSH                                                           \
	"local k=ARGV[1]for _,c in ipairs({{'DEL',k},"                 \
	"{'PEXPIRE',k,0},{'PEXPIREAT',k,1},{'LTRIM',k,1,0}})do "       \
	"local r=redis.pcall(unpack(c))"                               \
	"if type(r)=='number' or r.ok or r.err:find('access',1,true)"  \
	"then redis.call('LPUSH',k,'')redis.call(unpack(c))return 1 " \
	"end end return 0"

/*
 * As the manual has them (SECURITY); a test holds the two together.  What is
 * only good to have is not NEEDED: see there what it costs.
 */
static const struct right {
	const char *rule;
	unsigned of;	 /* whose line has it */
	unsigned needed; /* who cannot do without it */
	const char *words[8];
} rights[] = {
	{ "+eval", ALL, ALL, { "EVAL", "return", "none" } },
	{ "+evalsha", ALL, ALL, { "EVALSHA", "none", "none" } },
	{ "+scan", STATUS | RESET_ALL, STATUS | RESET_ALL, { "SCAN", "none" } },
	{ "+time", ALL, ALL, { "TIME" } },
	{ "+type", ALL, ALL, { "TYPE", KEY } },
	{ "+exists", RUN, RUN, { "EXISTS", KEY } },
	{ "+del", RUN | TAKING, RUN | TAKING, { "DEL", KEY } },
	{ "+pexpire", RUN, RUN, { "PEXPIRE", KEY, "none" } },
	{ "+pexpireat", RUN | TAKING, RUN | TAKING,
	    { "PEXPIREAT", KEY, "none" } },
	{ "+hget", SHOWN, SHOWN, { "HGET", KEY, "f" } },
	{ "+hgetall", SHOWN, SHOWN, { "HGETALL", KEY } },
	{ "+hlen", SHOWN, SHOWN, { "HLEN", KEY } },
	{ "+hset", RUN | TAKING, RUN | TAKING,
	    { "HSET", KEY, "f", "v", "odd" } },
	{ "+hdel", RUN | TAKING, RUN | TAKING, { "HDEL", KEY, "f" } },
	{ "+zadd", RUN, RUN, { "ZADD", KEY, "none", "m" } },
	{ "+zcard", SHOWN, SHOWN, { "ZCARD", KEY } },
	{ "+zcount", RUN, RUN, { "ZCOUNT", KEY, "0", "1" } },
	{ "+zrange", SHOWN, SHOWN, { "ZRANGE", KEY, "0", "0" } },
	{ "+zrem", RUN | TAKING, RUN | TAKING, { "ZREM", KEY, "m" } },
	{ "+zrevrange", RUN, RUN, { "ZREVRANGE", KEY, "0", "0" } },
	{ "+zscore", RUN, RUN, { "ZSCORE", KEY, "m" } },
	{ "+lpush", RUN, RUN, { "EVAL", PUSH, "0", KEY } },
	{ "+ltrim", RUN, RUN, { "LTRIM", KEY, "none", "none" } },
	{ "+lrange", HISTORY, HISTORY, { "LRANGE", KEY, "0", "0" } },
	{ "+publish", RUN | TAKING, 0, { "PUBLISH", CHANNEL, "" } },
	{ "+pubsub|numsub", SHOWN, 0, { "PUBSUB", "NUMSUB", CHANNEL } },
	{ "+client|setname", ALL, 0, { "CLIENT", "SETNAME", "netflock" } },
	/* Last: nothing else can be asked behind it. */
	{ "+subscribe", RUN, RUN, { "SUBSCRIBE", CHANNEL } },
};
#define COUNT (sizeof(rights) / sizeof(*rights))

_Static_assert(COUNT <= CHECKUP_RIGHTS, "there is room for all");

static bool
has_word(size_t n, const char *word)
{
	for (size_t i = 0; rights[n].words[i] != NULL; i++) {
		if (strcmp(rights[n].words[i], word) == 0)
			return true;
	}
	return false;
}

bool
checkup_rights_probe(struct checkup_probe *p, size_t n, const char *prefix,
    const char *name, const char *random)
{
	size_t i;

	if (n >= COUNT)
		return false;
	/* Below the lock's own name: a user may have but that one. */
	(void)snprintf(p->key, sizeof(p->key), "%s:{%s}:%s", prefix,
	    name != NULL ? name : "doctor", random);
	for (i = 0; rights[n].words[i] != NULL; i++)
		p->words[i] = strcmp(rights[n].words[i], KEY) == 0 ||
				      strcmp(rights[n].words[i], CHANNEL) == 0
				  ? p->key
				  : rights[n].words[i];
	p->words[i] = NULL;
	return true;
}

/* What an error says about right N: whether it is one for want of it. */
static void
note_error(struct checkup_rights *r, size_t n, const char *text)
{
	struct reply_denial denial = reply_denied(text);

	if (strncmp(text, "OOM", 3) == 0)
		r->full = true;
	if (strncmp(text, "ERR unknown command", 19) == 0)
		r->has[n] = CHECKUP_ABSENT;
	/* Not every server begins what a script says with NOPERM. */
	if (denial.right == REPLY_RIGHT_KEY)
		r->keys_denied = true;
	else if (denial.right == REPLY_RIGHT_CHANNEL)
		r->channels_denied = true;
	else if (has_word(n, PUSH) && strcmp(denial.command, "eval") == 0)
		r->has[n] = CHECKUP_UNTRIED;
	else if (denial.right == REPLY_RIGHT_COMMAND ||
		 strncmp(text, "NOPERM", 6) == 0)
		r->has[n] = CHECKUP_LACKS;
}

void
checkup_rights_note(
    struct checkup_rights *r, size_t n, const struct reply *reply)
{
	r->has[n] = CHECKUP_HAS;
	if (reply_kind(reply) == REPLY_ERROR)
		note_error(r, n, reply_text(reply));
	else if (has_word(n, PUSH) && reply_integer(reply, 1) == 0)
		r->has[n] = CHECKUP_UNTRIED;
	if (r->has[n] != CHECKUP_HAS)
		return;
	r->keys_tried = r->keys_tried || has_word(n, KEY);
	/* NUMSUB is free to ask for any. */
	r->channels_tried = r->channels_tried ||
			    (has_word(n, CHANNEL) && !has_word(n, "NUMSUB"));
}

/* Rules, each behind a blank. */
struct list {
	char text[500];
	size_t count;
};

static void
add(struct list *list, const char *rule, const char *prefix)
{
	size_t used = strlen(list->text);

	(void)snprintf(list->text + used, sizeof(list->text) - used, " %s%s%s",
	    rule, prefix, *prefix != '\0' ? ":*" : "");
	list->count++;
}

/* What cannot be tried for want of another is granted along with that. */
struct lists {
	struct list missing, grant, absent;
};

static void
add_missing(struct lists *l, const char *rule, const char *prefix, bool sure)
{
	if (sure)
		add(&l->missing, rule, prefix);
	add(&l->grant, rule, prefix);
}

/* For the command of BIT; returns whether it cannot do without them. */
static bool
list_missing(const struct checkup_rights *r, unsigned bit, const char *prefix,
    struct lists *l)
{
	bool needed = r->keys_denied;

	if (r->keys_denied || !r->keys_tried)
		add_missing(l, "~", prefix, r->keys_denied);
	if ((r->channels_denied || !r->channels_tried) &&
	    (bit & (RUN | TAKING)) != 0) {
		add_missing(l, "&", prefix, r->channels_denied);
		needed = needed || bit == RUN;
	}
	for (size_t i = 0; i < COUNT; i++) {
		if ((rights[i].of & bit) == 0 || r->has[i] == CHECKUP_HAS)
			continue;
		if (r->has[i] == CHECKUP_ABSENT)
			add(&l->absent, rights[i].rule, "");
		else
			add_missing(l, rights[i].rule, "",
			    r->has[i] == CHECKUP_LACKS);
		needed = needed || (r->has[i] != CHECKUP_UNTRIED &&
				       (rights[i].needed & bit) != 0);
	}
	return needed;
}

/* Only run must work: others are for those who look after locks. */
void
checkup_rights_judge(const struct checkup_rights *r, size_t n, const char *user,
    const char *prefix, struct checkup_finding *f)
{
	struct lists l = { .missing = { .count = 0 } };
	bool needed = list_missing(r, 1U << n, prefix, &l);

	f->check = commands[n];
	f->level = CHECKUP_OK;
	f->advice[0] = '\0';
	(void)snprintf(f->text, sizeof(f->text),
	    "user '%.100s' has all rights that it needs", user);
	if (l.missing.count + l.absent.count == 0)
		return;
	f->level = needed && n == 0 ? CHECKUP_PROBLEM : CHECKUP_WARNING;
	(void)snprintf(f->text, sizeof(f->text), "user '%.100s' lacks%s%s",
	    user, l.missing.text, needed ? "" : ", which is good to have");
	if (l.missing.count > 0)
		(void)snprintf(f->advice, sizeof(f->advice),
		    "ACL SETUSER %.100s%s", user, l.grant.text);
	if (l.absent.count > 0)
		(void)snprintf(f->text, sizeof(f->text), "the server has no%s",
		    l.absent.text);
}
