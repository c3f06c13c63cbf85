/* SPDX-License-Identifier: MIT */
/*
 * Against a private server and tests/tools/fakeredis.py, both started here;
 * to be run from the top of the tree.  Names are resolved by a getaddrinfo()
 * of our own, so that they can have any addresses, or none for ever.
 */
#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"
#include "failure.h"
#include "script.h"
#include "status.h"
#include "url.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static char dir[64];
static pid_t server, fake;
static struct failure why;

static const struct script mark = { "mark",
	"local n = redis.call('DEL', KEYS[1]) "
	"redis.call('SET', KEYS[2], n) return {'marked', 'n', tostring(n)}",
	"0123456789012345678901234567890123456789" };

/* ------------------------------------------------------------------ */
/* Names */

static struct addrinfo *
address(const char *host, int port, struct addrinfo *next)
{
	struct addrinfo *a = calloc(1, sizeof(*a));
	struct sockaddr_in *in = calloc(1, sizeof(struct sockaddr_in6));

	assert_non_null(a);
	assert_non_null(in);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	a->ai_addrlen = sizeof(*in);
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1) {
		struct sockaddr_in6 *in6 = (void *)in;

		in6->sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
			free(in);
			free(a);
			return NULL;
		}
		a->ai_addrlen = sizeof(*in6);
	}
	a->ai_addr = (void *)in;
	a->ai_family = in->sin_family;
	a->ai_socktype = SOCK_STREAM;
	a->ai_next = next;
	return a;
}

static int other_port; /* the first address's, for "two" */
static const char *name_of_two = "two";

int
getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict res)
{
	int port = atoi(service);

	*res = address(node, port, NULL);
	if (*res != NULL)
		return 0;
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (strcmp(node, name_of_two) == 0)
		*res = address(
		    "127.0.0.1", other_port, address("127.0.0.1", port, NULL));
	while (strcmp(node, "slow") == 0)
		pause();
	if (strcmp(node, "busy") == 0)
		return EAI_AGAIN;
	return *res == NULL ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *a)
{
	while (a != NULL) {
		struct addrinfo *next = a->ai_next;

		free(a->ai_addr);
		free(a);
		a = next;
	}
}

/* ------------------------------------------------------------------ */
/* Servers */

static char *
in_dir(const char *name)
{
	static char path[4][100];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

/* Times are stretched by the sanitizers' runs. */
static int
stretched(int ms)
{
	const char *factor = getenv("NETFLOCK_TIME_FACTOR");

	return (int)(ms * (factor == NULL ? 1 : atof(factor)));
}

/* Start ARGV, its standard output on *OUT. */
static pid_t
start(const char *const *argv, int *out)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[1], 1);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	(void)close(ends[1]);
	*out = ends[0];
	return pid;
}

/* Start a fake server and wait for its endpoint: a path, or a port. */
static pid_t
start_fake(
    const char *where, const char *const *rules, size_t count, char *endpoint)
{
	const char *argv[64] = { "python3", "tests/tools/fakeredis.py", where,
		"--log", in_dir("log") };
	size_t len = 0;
	ssize_t n;
	int out;
	pid_t pid;

	if (access("/usr/bin/python3", X_OK) == 0)
		argv[0] = "/usr/bin/python3";
	for (size_t i = 0; i < count; i++)
		argv[5 + i] = rules[i];
	pid = start(argv, &out);
	while ((n = read(out, endpoint + len, 100 - len)) > 0) {
		len += (size_t)n;
		if (endpoint[len - 1] == '\n')
			break;
	}
	(void)close(out);
	assert_true(len > 0);
	endpoint[len - 1] = '\0';
	return pid;
}

static void
stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static int
can_connect(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ok;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
	(void)close(fd);
	return ok;
}

static void
start_server(void)
{
	const char *program = "redis-server";
	const char *argv[] = { in_dir("redis-server"), "--port", "0",
		"--unixsocket", in_dir("s"), "--save", "", "--appendonly", "no",
		"--dir", dir, NULL };
	int out;

	/* Debian's redis-tools has the server under another name. */
	if (symlink("/usr/bin/redis-check-rdb", argv[0]) != 0 ||
	    access(argv[0], X_OK) != 0)
		argv[0] = program;
	server = start(argv, &out);
	for (int i = 0; i < 1000 && !can_connect(in_dir("s")); i++)
		(void)poll(NULL, 0, 10);
	(void)close(out);
	assert_true(can_connect(in_dir("s")));
}

/* Words that no server knows, for what no server should say. */
static const char *const rules[] = {
	"drip => drip 20 ; reply "
	"+a-line-that-takes-a-whole-second-and-more-to-come",
	"line => repeat +xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\c",
	"flood => reply $2147483647 ; repeat xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	"array => reply *1000000000 ; lose",
	"nested => reply *2\\r\\n*1000000000 ; lose",
	"deep => reply *1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n"
	"*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n:1",
	"http => reply HTTP/1.1 400 Bad Request\\r\\nServer: x\\r\\n\\r\\n",
	"tls => reply \\x15\\x03\\x01\\x00\\x02\\x02\\x0a\\c",
	"resp3 => reply _",
	"extra => reply +OK\\r\\n+OK",
	"unasked => reply +OK ; delay 20 ; reply +LATE",
	"silent => lose",
	"slowly => delay 50 ; reply +OK",
	"hangup => close",
	"half => reply $10\\r\\nabc\\c ; close",
	"parts => reply *2\\r\\n$3\\r\\nab\\c ; delay 20 ; reply c\\r\\n:1",
	"leak => reply -ERR unknown command 'AUTH', with args beginning with: "
	"'hunter2' 'hunter",
	"readonly => reply -READONLY You can't write",
	"noname => reply +OK",
	"client setname unwanted => reply -NOPERM no",
	"client setname crowd => reply -ERR max number of clients reached ; "
	"close",
	"client setname denied => reply -DENIED Redis is in protected mode ; "
	"close",
	"auth nobody => reply -WRONGPASS invalid 'hunter2hunter2' pair",
	"auth open => reply -ERR AUTH <password> called without any password",
	"evalsha => reply -NOSCRIPT No matching script.",
	"subscribe odd => reply +OK",
	"subscribe gone => reply *3\\r\\n+subscribe\\r\\n+gone\\r\\n:1 ; close",
	"subscribe both => reply *3\\r\\n+subscribe\\r\\n+both\\r\\n:1\\r\\n"
	"*3\\r\\n+message\\r\\n+both\\r\\n+hello",
};

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char endpoint[101];
	sigset_t child;

	(void)state;
	/* As the program does: a helper must not look like an interrupt. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	snprintf(dir, sizeof(dir), "%s/session.XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return -1;
	fake = start_fake(in_dir("f"), rules, COUNT(rules), endpoint);
	start_server();
	return 0;
}

static int
tear_down(void **state)
{
	const char *names[] = { "f", "s", "log", "redis-server", "full" };

	(void)state;
	stop(server);
	stop(fake);
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(in_dir(names[i]));
	return rmdir(dir);
}

/* Wait for a line of the fake server's log that ends with TEXT. */
static void
wait_log(const char *text)
{
	static char log[1 << 20];
	char line[200];

	snprintf(line, sizeof(line), " %s\n", text);
	for (int i = 0; i < stretched(1000); i++) {
		int fd = open(in_dir("log"), O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, log, sizeof(log) - 1);

		(void)close(fd);
		log[n > 0 ? n : 0] = '\0';
		if (strstr(log, line) != NULL)
			return;
		(void)poll(NULL, 0, 5);
	}
	fail_msg("no '%s' in the log", text);
}

/* ------------------------------------------------------------------ */
/* Sessions */

/* One at a time, with its URL. */
static struct url url;
static struct session_settings settings;

static struct session *
session_to(const char *text)
{
	struct session *s;

	if (url_parse(text, &url, &why) != 0)
		fail_msg("%s", why.text);
	settings = (struct session_settings){ .url = &url,
		.connect_ns = 5000 * DEADLINE_MS };
	s = session_new(&settings);
	assert_non_null(s);
	return s;
}

static struct session *
session_named(const char *text, const char *name)
{
	session_free(session_to(text));
	settings.client_name = name;
	return session_new(&settings);
}

static enum session_result
ask(struct session *s, int ms, const char *const *words, struct reply **reply)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	why.text[0] = '\0';
	return session_call(
	    s, n, words, NULL, deadline_after_ms(ms), reply, &why);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Ask, and have the result WANT and a text with PART. */
static void
ends(struct session *s, const char *word, enum session_result want,
    const char *part)
{
	struct reply *reply;
	enum session_result r = ask(s, stretched(2000), WORDS(word), &reply);

	if (r != want)
		fail_msg("%s: result %d, %s", word, (int)r, why.text);
	if (strstr(why.text, part) == NULL)
		fail_msg("%s: no '%s' in: %s", word, part, why.text);
	if (r != SESSION_OK)
		assert_null(reply);
	reply_free(reply);
}

/* The text of a reply that must be OK. */
static const char *
answer(struct session *s, const char *const *words)
{
	static char text[100];
	struct reply *reply;

	if (ask(s, stretched(2000), words, &reply) != SESSION_OK)
		fail_msg("%s: %s", words[0], why.text);
	snprintf(text, sizeof(text), "%s", reply_text(reply));
	if (reply_kind(reply) == REPLY_INTEGER)
		snprintf(
		    text, sizeof(text), "%d", (int)reply_integer(reply, -1));
	reply_free(reply);
	return text;
}

/* It took at least MS, and not much longer. */
static void
took(int64_t since, int ms)
{
	int64_t passed = (deadline_now() - since) / DEADLINE_MS;

	if (passed < ms || passed > ms + stretched(150))
		fail_msg("took %lld ms, not %d", (long long)passed, ms);
}

static const char *
real(void)
{
	return in_dir("s");
}

static const char *
faked(void)
{
	return in_dir("f");
}

static void
a_request_gets_its_reply(void **state)
{
	struct session *s = session_to(real());
	struct reply *r;

	(void)state;
	assert_false(session_is_open(s));
	assert_int_equal(session_fd(s), -1);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	assert_true(session_is_open(s));
	assert_true(session_check(s));
	assert_true(fcntl(session_fd(s), F_GETFD) & FD_CLOEXEC);
	assert_string_equal(answer(s, WORDS("SET", "k", "v w")), "OK");
	assert_int_equal(ask(s, 2000, WORDS("MGET", "k", "none"), &r), 0);
	assert_int_equal(reply_count(r), 2);
	assert_string_equal(reply_text(reply_at(r, 0)), "v w");
	assert_int_equal(reply_kind(reply_at(r, 1)), REPLY_NIL);
	reply_free(r);
	session_free(s);
}

static void
lengths_may_be_given(void **state)
{
	struct session *s = session_to(real());
	const char *words[] = { "ECHO", "a\0b" };
	size_t lens[] = { 4, 3 };
	struct reply *r;

	(void)state;
	assert_int_equal(
	    session_call(s, 2, words, lens, deadline_after_ms(2000), &r, &why),
	    SESSION_OK);
	assert_int_equal(reply_length(r), 3);
	assert_memory_equal(reply_text(r), "a\0b", 4);
	reply_free(r);
	session_free(s);
}

static void
it_greets_before_the_first_request(void **state)
{
	char text[200];
	struct session *s;

	(void)state;
	snprintf(text, sizeof(text), "unix://ops:pw@%s?db=3", faked());
	s = session_named(text, "nf-1");
	assert_string_equal(answer(s, WORDS("noname", "1")), "OK");
	wait_log("AUTH ops pw");
	wait_log("SELECT 3");
	wait_log("CLIENT SETNAME nf-1");
	wait_log("noname 1");
	session_free(s);
	/* The settings' user and password come first. */
	settings.user = "me";
	settings.password = "other";
	s = session_new(&settings);
	assert_string_equal(answer(s, WORDS("noname", "2")), "OK");
	wait_log("AUTH me other");
	session_free(s);
}

static void
a_name_that_is_not_wanted_is_no_failure(void **state)
{
	struct session *s = session_named(faked(), "unwanted");

	(void)state;
	assert_string_equal(answer(s, WORDS("noname")), "OK");
	session_free(s);
	s = session_named(faked(), "crowd");
	ends(s, "noname", SESSION_RETRY, "max number of clients");
	assert_int_equal(why.status, STATUS_UNAVAILABLE);
	session_free(s);
	s = session_named(faked(), "denied");
	ends(s, "noname", SESSION_REFUSED, "DENIED");
	assert_int_equal(why.status, STATUS_REFUSED);
	session_free(s);
}

static void
no_listener_is_refused_at_once(void **state)
{
	struct session *s = session_to("redis://127.0.0.1:1");
	int64_t now = deadline_now();

	(void)state;
	ends(s, "PING", SESSION_BROKEN,
	    "cannot connect to '127.0.0.1:1': connection refused");
	assert_int_equal(why.status, STATUS_UNAVAILABLE);
	took(now, 0);
	session_free(s);
	s = session_to(in_dir("nothing"));
	ends(s, "PING", SESSION_BROKEN, "no such file or directory");
	session_free(s);
}

static void
a_total_deadline_stops_a_drip(void **state)
{
	struct session *s = session_to(faked());
	int64_t now = deadline_now();
	struct reply *r;

	(void)state;
	assert_int_equal(ask(s, 300, WORDS("drip"), &r), SESSION_TIMEOUT);
	took(now, 300);
	assert_null(r);
	assert_non_null(strstr(why.text, "no reply from '"));
	assert_non_null(strstr(why.text, "' within "));
	assert_int_equal(why.status, STATUS_UNAVAILABLE);
	assert_false(session_is_open(s));
	assert_int_equal(session_fd(s), -1);
	/* The rest of the drip is nobody's reply. */
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
}

static void
replies_may_come_in_parts(void **state)
{
	struct session *s = session_to(faked());
	struct reply *r;

	(void)state;
	assert_int_equal(ask(s, stretched(2000), WORDS("parts"), &r), 0);
	assert_string_equal(reply_word(r), "abc");
	assert_int_equal(reply_integer(reply_at(r, 1), 0), 1);
	reply_free(r);
	session_free(s);
}

static void
hostile_replies_end_the_connection_early(void **state)
{
	struct session *s = session_to(faked());
	struct rusage before, after;
	int64_t now = deadline_now();

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	ends(s, "line", SESSION_BROKEN, "reply exceeds 64 KiB");
	ends(s, "flood", SESSION_BROKEN, "reply exceeds 64 KiB");
	ends(s, "array", SESSION_BROKEN, "reply exceeds 64 KiB");
	ends(s, "nested", SESSION_BROKEN, "reply exceeds 64 KiB");
	ends(s, "deep", SESSION_BROKEN, "is not a Redis server");
	ends(s, "http", SESSION_BROKEN,
	    "is not a Redis server: it said 'HTTP/1.1 400 Bad Request'");
	ends(s, "tls", SESSION_BROKEN, "(is it a TLS port?)");
	ends(s, "resp3", SESSION_BROKEN, "is not a Redis server");
	ends(s, "extra", SESSION_BROKEN, "sent more than it was asked for");
	assert_int_equal(why.status, STATUS_UNAVAILABLE);
	getrusage(RUSAGE_SELF, &after);
	assert_true(deadline_now() - now < stretched(1000) * DEADLINE_MS);
	assert_true(after.ru_maxrss - before.ru_maxrss < 20000);
	assert_false(session_is_open(s));
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
}

static void
the_cap_can_be_raised(void **state)
{
	struct session *s = session_to(real());
	struct reply *r;

	(void)state;
	(void)answer(s, WORDS("SETRANGE", "big", "99999", "x"));
	assert_int_equal(ask(s, 2000, WORDS("GET", "big"), &r), SESSION_BROKEN);
	assert_non_null(strstr(why.text, "reply exceeds 64 KiB"));
	session_cap(s, 1024 * 1024);
	assert_int_equal(ask(s, 2000, WORDS("GET", "big"), &r), SESSION_OK);
	assert_int_equal(reply_length(r), 100000);
	reply_free(r);
	session_free(s);
}

static void
a_lost_connection_is_made_again(void **state)
{
	struct session *s = session_to(faked());

	(void)state;
	ends(s, "hangup", SESSION_BROKEN, "closed the connection");
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	ends(s, "half", SESSION_BROKEN, "closed the connection");
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
}

static void
a_server_that_hung_up_while_idle_is_not_noticed(void **state)
{
	struct session *s = session_to(real()), *other = session_to(real());
	struct pollfd p = { .events = POLLIN };

	(void)state;
	(void)answer(other, WORDS("PING"));
	(void)answer(s, WORDS("PING"));
	(void)answer(
	    other, WORDS("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
	p.fd = session_fd(s);
	assert_int_equal(poll(&p, 1, stretched(2000)), 1);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	(void)answer(
	    other, WORDS("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
	p.fd = session_fd(s);
	assert_int_equal(poll(&p, 1, stretched(2000)), 1);
	assert_false(session_check(s));
	assert_int_equal(session_fd(s), -1);
	session_free(s);
	session_free(other);
}

static void
what_nobody_asked_for_is_nobodys_reply(void **state)
{
	struct session *s = session_to(faked());
	struct pollfd p = { .events = POLLIN };

	(void)state;
	assert_string_equal(answer(s, WORDS("unasked")), "OK");
	p.fd = session_fd(s);
	assert_int_equal(poll(&p, 1, stretched(2000)), 1);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
}

static void
wrong_credentials_are_refused_by_name(void **state)
{
	char text[200];
	struct session *s;
	struct reply *r;

	(void)state;
	snprintf(text, sizeof(text), "unix://ops:hunter2@%s", real());
	s = session_to(text);
	/* Here the default user may do without a password. */
	assert_int_equal(ask(s, 2000, WORDS("PING"), &r), SESSION_REFUSED);
	assert_string_equal(reply_text(r), "PONG");
	reply_free(r);
	assert_non_null(strstr(why.text, "refused user 'ops': WRONGPASS"));
	assert_int_equal(why.status, STATUS_REFUSED);
	assert_null(strstr(why.text, "hunter2"));
	assert_false(session_is_open(s));
	session_free(s);
}

static void
passwords_are_not_shown_though_the_server_does(void **state)
{
	char text[200];
	struct session *s;

	(void)state;
	snprintf(text, sizeof(text), "unix://:hunter2@%s", faked());
	s = session_to(text);
	ends(s, "leak", SESSION_ERROR,
	    "with args beginning with: '***' 'hunter");
	session_free(s);
	snprintf(text, sizeof(text), "unix://nobody@%s", faked());
	session_free(session_to(text));
	settings.password = "hunter2hunter2";
	s = session_new(&settings);
	ends(s, "leak", SESSION_REFUSED, "invalid '***' pair");
	session_free(s);
}

/* The default user may do everything, and AUTH fails: undo what was done. */
static void
a_request_that_passed_without_its_greeting_is_undone(void **state)
{
	char text[200];
	struct session *s, *other = session_to(real());
	struct reply *r;
	const char *args[] = { "undone", "marker" };

	(void)state;
	(void)answer(other, WORDS("SET", "undone", "1"));
	snprintf(text, sizeof(text), "unix://%s?db=99", real());
	s = session_to(text);
	assert_int_equal(ask(s, 2000, WORDS("PING"), &r), SESSION_ERROR);
	assert_int_equal(why.status, STATUS_CONFIG);
	assert_non_null(strstr(why.text, "has no database 99: ERR DB index"));
	assert_string_equal(reply_text(r), "PONG");
	reply_free(r);
	assert_false(session_is_open(s));
	assert_int_equal(session_undo(s, &mark, 2, 2, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_OK);
	assert_int_equal(reply_number(r, "n", -1), 1);
	reply_free(r);
	session_close(s);
	assert_int_equal(session_undo(s, &mark, 2, 2, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_BROKEN);
	assert_null(r);
	session_free(s);
	session_free(other);
	snprintf(text, sizeof(text), "unix://open:x@%s", faked());
	s = session_to(text);
	assert_int_equal(ask(s, 2000, WORDS("PING"), &r), SESSION_REFUSED);
	assert_string_equal(reply_text(r), "PONG");
	reply_free(r);
	session_free(s);
}

static void
scripts_are_sent_when_the_server_does_not_know_them(void **state)
{
	struct session *s = session_to(faked());
	struct reply *r;
	struct script known = mark;
	char sha[41];
	const char *args[] = { "a", "b" };

	(void)state;
	assert_int_equal(session_script(s, &mark, 2, 2, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_OK);
	reply_free(r);
	wait_log("EVALSHA 0123456789012345678901234567890123456789 2 a b");
	session_free(s);
	s = session_to(real());
	snprintf(sha, sizeof(sha), "%s",
	    answer(s, WORDS("SCRIPT", "LOAD", mark.source)));
	known.sha1 = sha;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(session_script(s, &known, 2, 2, args,
				     deadline_after_ms(2000), &r, &why),
		    SESSION_OK);
		assert_string_equal(reply_word(r), "marked");
		reply_free(r);
		(void)answer(s, WORDS("SCRIPT", "FLUSH"));
	}
	session_free(s);
}

static void
errors_inside_scripts_are_judged(void **state)
{
	const struct script wrong = { "wrong",
		"return redis.call('HGET', KEYS[1], 'x')",
		"0123456789012345678901234567890123456788" };
	struct session *s = session_to(real());
	struct reply *r;
	const char *args[] = { "k" };

	(void)state;
	(void)answer(s, WORDS("SET", "k", "v"));
	assert_int_equal(session_script(s, &wrong, 1, 1, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_ERROR);
	assert_int_equal(why.status, STATUS_CONFIG);
	assert_non_null(strstr(why.text, "WRONGTYPE"));
	assert_true(session_is_open(s));
	session_free(s);
}

static void
missing_permissions_are_named(void **state)
{
	char text[200];
	struct session *s = session_to(real());
	struct reply *r;
	const char *args[] = { "a", "b" };

	(void)state;
	(void)answer(s, WORDS("ACL", "SETUSER", "few", "on", ">pw", "~*",
			    "+ping", "+eval", "+evalsha"));
	session_free(s);
	snprintf(text, sizeof(text), "unix://few:pw@%s", real());
	s = session_named(text, "nf");
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	ends(s, "TIME", SESSION_REFUSED,
	    "refused user 'few': no permission for TIME (ACL SETUSER few "
	    "+time)");
	assert_int_equal(session_script(s, &mark, 2, 2, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_REFUSED);
	assert_int_equal(why.status, STATUS_REFUSED);
	assert_non_null(strstr(why.text, "no permission for DEL (ACL"));
	session_free(s);
}

static void
no_memory_there_is_worth_a_retry(void **state)
{
	const struct script writes = { "writes",
		"return redis.call('SET', KEYS[1], 'x')",
		"0123456789012345678901234567890123456787" };
	struct session *s = session_to(real());
	struct reply *r;
	const char *args[] = { "a" };

	(void)state;
	(void)answer(s, WORDS("CONFIG", "SET", "maxmemory", "1"));
	assert_int_equal(
	    ask(s, 2000, WORDS("SET", "a", "b"), &r), SESSION_RETRY);
	assert_non_null(strstr(why.text, "OOM"));
	assert_int_equal(session_script(s, &writes, 1, 1, args,
			     deadline_after_ms(2000), &r, &why),
	    SESSION_RETRY);
	assert_int_equal(why.status, STATUS_UNAVAILABLE);
	assert_true(session_is_open(s));
	(void)answer(s, WORDS("CONFIG", "SET", "maxmemory", "0"));
	session_free(s);
	s = session_to(faked());
	ends(s, "readonly", SESSION_RETRY, "READONLY");
	assert_false(session_is_open(s));
	session_free(s);
}

/* A stopped server still has what was sent when it goes on. */
static void
goodbye_undoes_what_a_stopped_server_does_later(void **state)
{
	struct session *s = session_to(real()), *other = session_to(real());
	const char *args[] = { "late", "gone" };
	int64_t now;
	struct reply *r;

	(void)state;
	(void)answer(s, WORDS("DEL", "late", "gone"));
	(void)kill(server, SIGSTOP);
	now = deadline_now();
	assert_int_equal(
	    ask(s, 200, WORDS("SET", "late", "1"), &r), SESSION_TIMEOUT);
	took(now, 200);
	session_goodbye(s, &mark, 2, 2, args);
	assert_false(session_is_open(s));
	(void)kill(server, SIGCONT);
	for (int i = 0; i < 1000; i++) {
		if (strcmp(answer(other, WORDS("EXISTS", "gone")), "1") == 0)
			break;
		(void)poll(NULL, 0, 5);
	}
	assert_string_equal(answer(other, WORDS("GET", "gone")), "1");
	assert_string_equal(answer(other, WORDS("EXISTS", "late")), "0");
	/* Without a connection there is nothing to say. */
	session_goodbye(s, &mark, 2, 2, args);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
	session_free(other);
}

static void
an_interrupt_ends_the_wait(void **state)
{
	struct session *s = session_to(faked());
	const char *args[] = { "bye", "x" };
	struct reply *r;
	int ends_[2];
	int64_t now;

	(void)state;
	assert_int_equal(pipe2(ends_, O_CLOEXEC), 0);
	session_interrupt(s, ends_[0]);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	assert_int_equal(write(ends_[1], "x", 1), 1);
	now = deadline_now();
	assert_int_equal(
	    ask(s, 5000, WORDS("silent"), &r), SESSION_INTERRUPTED);
	assert_null(r);
	took(now, 0);
	assert_false(session_is_open(s));
	session_goodbye(s, &mark, 2, 2, args);
	/* Not while connecting to a name either. */
	session_free(s);
	s = session_to("redis://slow");
	session_interrupt(s, ends_[0]);
	assert_int_equal(ask(s, 5000, WORDS("PING"), &r), SESSION_INTERRUPTED);
	session_interrupt(s, -1);
	session_free(s);
	(void)close(ends_[0]);
	(void)close(ends_[1]);
}

/* A child that writes TEXT to whoever connects to FD, and may hang up. */
static pid_t
start_answering(int fd, const char *text, bool hang_up)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0) {
		int one = accept(fd, NULL, NULL);

		(void)!write(one, text, strlen(text));
		if (hang_up)
			(void)close(one);
	}
	return pid;
}

static void
a_full_backlog_is_waited_for(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int waiting[8], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct session *s = session_to(in_dir("full"));
	int64_t now;
	pid_t pid;
	struct reply *r;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", in_dir("full"));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < COUNT(waiting); i++) {
		waiting[i] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (struct sockaddr *)&un, sizeof(un));
	}
	now = deadline_now();
	assert_int_equal(ask(s, 200, WORDS("PING"), &r), SESSION_BROKEN);
	assert_non_null(strstr(why.text, "timed out after "));
	took(now, 200);
	pid = start_answering(fd, "+PONG\r\n", false);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	stop(pid);
	for (size_t i = 0; i < COUNT(waiting); i++)
		(void)close(waiting[i]);
	(void)close(fd);
	session_free(s);
}

/* It is cut short in the middle of the request: no SIGPIPE, and it is heard. */
static void
a_server_may_say_why_it_hangs_up(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct session *s = session_to(in_dir("full"));
	size_t size = 4 << 20;
	char *word = malloc(size);
	struct reply *r;
	pid_t pid;

	(void)state;
	assert_non_null(word);
	memset(word, 'x', size);
	word[size - 1] = '\0';
	(void)unlink(in_dir("full"));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", in_dir("full"));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 5), 0);
	pid =
	    start_answering(fd, "-ERR max number of clients reached\r\n", true);
	assert_int_equal(
	    ask(s, stretched(2000), WORDS(word), &r), SESSION_RETRY);
	assert_non_null(strstr(why.text, "says: ERR max number of clients"));
	assert_null(r);
	stop(pid);
	(void)close(fd);
	free(word);
	session_free(s);
}

/* ------------------------------------------------------------------ */
/* Addresses */

/* A port of 127.0.0.1 on which nobody listens (FULL: nobody accepts). */
static int
dead_port(int full, int *fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&in, &len), 0);
	if (full)
		assert_int_equal(listen(*fd, 0), 0);
	for (int i = 0; i < full; i++)
		(void)connect(
		    socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		    (struct sockaddr *)&in, len);
	return ntohs(in.sin_port);
}

/* Nothing has been heard of children from here on. */
static void
forget_children(void)
{
	struct timespec none = { 0, 0 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigtimedwait(&child, NULL, &none);
}

/* No child has ended, but for those that were waited for by themselves. */
static void
no_helper_is_left(void)
{
	sigset_t pending;

	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), 0);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGCHLD));
}

static void
every_address_of_a_name_is_tried(void **state)
{
	char endpoint[101], text[120];
	struct session *s;
	int fd;
	pid_t pid = start_fake("127.0.0.1:0", NULL, 0, endpoint);

	(void)state;
	forget_children();
	snprintf(text, sizeof(text), "redis://%s", endpoint);
	s = session_to(text);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
	snprintf(
	    text, sizeof(text), "redis://two:%s", strchr(endpoint, ':') + 1);
	other_port = dead_port(0, &fd);
	s = session_to(text);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	no_helper_is_left();
	/* The addresses are kept. */
	name_of_two = "nothing";
	session_close(s);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	name_of_two = "two";
	session_free(s);
	(void)close(fd);
	/* A silent first one gets its share of the time, not more. */
	other_port = dead_port(8, &fd);
	s = session_to(text);
	session_threaded(s, true);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
	(void)close(fd);
	stop(pid);
}

static void
an_old_address_is_better_than_none(void **state)
{
	char endpoint[101], text[120];
	struct session *s;
	int fd;
	pid_t pid = start_fake("127.0.0.1:0", NULL, 0, endpoint);
	const char *port = strchr(endpoint, ':') + 1;

	(void)state;
	other_port = dead_port(0, &fd);
	snprintf(text, sizeof(text), "redis://two:%s", port);
	s = session_to(text);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_close(s);
	stop(pid);
	ends(s, "PING", SESSION_BROKEN, "connection refused");
	/* Now the name is to be resolved anew, and cannot be. */
	name_of_two = "nothing";
	snprintf(text, sizeof(text), "127.0.0.1:%s", port);
	pid = start_fake(text, NULL, 0, endpoint);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	name_of_two = "two";
	session_free(s);
	(void)close(fd);
	stop(pid);
}

static void
names_without_addresses_are_said_so(void **state)
{
	struct session *s = session_to("redis://none:7000");
	int64_t now;
	struct reply *r;

	(void)state;
	ends(s, "PING", SESSION_BROKEN,
	    "cannot connect to 'none:7000': name or service not known");
	session_threaded(s, true);
	ends(s, "PING", SESSION_BROKEN, "name or service not known");
	session_free(s);
	s = session_to("redis://busy");
	ends(s, "PING", SESSION_BROKEN, "temporary failure in name res");
	session_free(s);
	/* A resolver that does not answer does not outlast the deadline. */
	s = session_to("redis://slow");
	forget_children();
	now = deadline_now();
	assert_int_equal(ask(s, 200, WORDS("PING"), &r), SESSION_BROKEN);
	took(now, 200);
	assert_non_null(strstr(why.text, "name not resolved"));
	no_helper_is_left();
	session_free(s);
}

static void
connecting_has_a_budget_of_its_own(void **state)
{
	struct session *s;
	int64_t now = deadline_now();
	struct reply *r;

	(void)state;
	session_free(session_to("redis://slow"));
	settings.connect_ns = 100 * DEADLINE_MS;
	s = session_new(&settings);
	assert_int_equal(ask(s, 5000, WORDS("PING"), &r), SESSION_BROKEN);
	took(now, 100);
	assert_non_null(strstr(why.text, "timed out after "));
	session_free(s);
}

static void
ipv6_works_where_it_exists(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char endpoint[101], text[120];
	struct session *s;
	pid_t pid;

	(void)state;
	if (bind(fd, (struct sockaddr *)&in6, sizeof(in6)) != 0) {
		print_message("# no IPv6 here\n");
		(void)close(fd);
		return;
	}
	(void)close(fd);
	pid = start_fake("::1:0", NULL, 0, endpoint);
	snprintf(
	    text, sizeof(text), "redis://[::1]:%s", strrchr(endpoint, ':') + 1);
	s = session_to(text);
	assert_string_equal(answer(s, WORDS("PING")), "PONG");
	session_free(s);
	stop(pid);
}

/* ------------------------------------------------------------------ */
/* Subscriptions */

static void
messages_come_one_by_one(void **state)
{
	struct session *s = session_named(real(), "nf"), *other;
	struct pollfd p = { .events = POLLIN };
	char text[6];

	(void)state;
	assert_int_equal(session_message(s, text, sizeof(text)), -1);
	assert_int_equal(
	    session_subscribe(s, "ch", deadline_after_ms(2000), &why),
	    SESSION_OK);
	assert_true(session_is_open(s));
	assert_int_equal(session_message(s, text, sizeof(text)), 0);
	other = session_to(real());
	(void)answer(other, WORDS("PUBLISH", "ch", "one"));
	(void)answer(other, WORDS("PUBLISH", "ch", "two and more"));
	p.fd = session_fd(s);
	assert_int_equal(poll(&p, 1, stretched(2000)), 1);
	assert_int_equal(session_message(s, text, sizeof(text)), 1);
	assert_string_equal(text, "one");
	for (int i = 0; i < 400; i++) {
		if (session_message(s, text, sizeof(text)) == 1)
			break;
		(void)poll(&p, 1, 5);
	}
	assert_string_equal(text, "two a");
	assert_int_equal(session_message(s, text, sizeof(text)), 0);
	(void)answer(other, WORDS("CLIENT", "KILL", "TYPE", "pubsub"));
	assert_int_equal(poll(&p, 1, stretched(2000)), 1);
	assert_int_equal(session_message(s, text, sizeof(text)), -1);
	assert_false(session_is_open(s));
	session_free(s);
	session_free(other);
}

static void
subscriptions_may_fail(void **state)
{
	struct session *s = session_to(faked());
	char text[100];

	(void)state;
	assert_int_equal(
	    session_subscribe(s, "odd", deadline_after_ms(2000), &why),
	    SESSION_BROKEN);
	assert_non_null(strstr(why.text, "did not confirm"));
	assert_int_equal(
	    session_subscribe(s, "gone", deadline_after_ms(2000), &why),
	    SESSION_OK);
	for (int i = 0; i < 400; i++) {
		if (session_message(s, text, sizeof(text)) != 0)
			break;
		(void)poll(NULL, 0, 5);
	}
	assert_int_equal(session_fd(s), -1);
	/* A message may come with the confirmation. */
	assert_int_equal(
	    session_subscribe(s, "both", deadline_after_ms(2000), &why),
	    SESSION_OK);
	assert_int_equal(session_message(s, text, sizeof(text)), 1);
	assert_string_equal(text, "hello");
	session_free(s);
}

static void
another_process_can_take_over(void **state)
{
	struct session *s = session_to(real());
	pid_t pid;
	int status;

	(void)state;
	(void)answer(s, WORDS("SET", "k", "v"));
	pid = fork();
	if (pid == 0) {
		struct reply *r;
		int good = ask(s, 2000, WORDS("GET", "k"), &r) == SESSION_OK &&
			   strcmp(reply_text(r), "v") == 0;

		reply_free(r);
		session_free(s);
		_exit(good ? 0 : 1);
	}
	session_abandon(s);
	assert_false(session_is_open(s));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	session_free(s);
}

static void
tls_is_never_replaced_by_plain_text(void **state)
{
	struct session *s = session_to("rediss://127.0.0.1:1");

	(void)state;
#ifdef NETFLOCK_TLS
	ends(s, "PING", SESSION_BROKEN, "connection refused");
	session_free(s);
	s = session_to("rediss://127.0.0.1:1");
	url.use.cacert = "/nonexistent";
	ends(s, "PING", SESSION_REFUSED, "'/nonexistent'");
#else
	ends(s, "PING", SESSION_REFUSED, "without TLS");
#endif
	assert_int_equal(why.status, STATUS_CONFIG);
	session_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_gets_its_reply),
		cmocka_unit_test(lengths_may_be_given),
		cmocka_unit_test(it_greets_before_the_first_request),
		cmocka_unit_test(a_name_that_is_not_wanted_is_no_failure),
		cmocka_unit_test(no_listener_is_refused_at_once),
		cmocka_unit_test(a_total_deadline_stops_a_drip),
		cmocka_unit_test(replies_may_come_in_parts),
		cmocka_unit_test(hostile_replies_end_the_connection_early),
		cmocka_unit_test(the_cap_can_be_raised),
		cmocka_unit_test(a_lost_connection_is_made_again),
		cmocka_unit_test(
		    a_server_that_hung_up_while_idle_is_not_noticed),
		cmocka_unit_test(what_nobody_asked_for_is_nobodys_reply),
		cmocka_unit_test(wrong_credentials_are_refused_by_name),
		cmocka_unit_test(
		    passwords_are_not_shown_though_the_server_does),
		cmocka_unit_test(
		    a_request_that_passed_without_its_greeting_is_undone),
		cmocka_unit_test(
		    scripts_are_sent_when_the_server_does_not_know_them),
		cmocka_unit_test(errors_inside_scripts_are_judged),
		cmocka_unit_test(missing_permissions_are_named),
		cmocka_unit_test(no_memory_there_is_worth_a_retry),
		cmocka_unit_test(
		    goodbye_undoes_what_a_stopped_server_does_later),
		cmocka_unit_test(an_interrupt_ends_the_wait),
		cmocka_unit_test(a_full_backlog_is_waited_for),
		cmocka_unit_test(a_server_may_say_why_it_hangs_up),
		cmocka_unit_test(every_address_of_a_name_is_tried),
		cmocka_unit_test(an_old_address_is_better_than_none),
		cmocka_unit_test(names_without_addresses_are_said_so),
		cmocka_unit_test(connecting_has_a_budget_of_its_own),
		cmocka_unit_test(ipv6_works_where_it_exists),
		cmocka_unit_test(messages_come_one_by_one),
		cmocka_unit_test(subscriptions_may_fail),
		cmocka_unit_test(another_process_can_take_over),
		cmocka_unit_test(tls_is_never_replaced_by_plain_text),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
