/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "duration.h"
#include "environment.h"
#include "job.h"
#include "lock.h"
#include "message.h"
#include "renewal.h"
#include "signals.h"
#include "status.h"

/* Not "netflock", so that "killall -9 netflock" leaves one of us. */
#define KEEPER_NAME "lock-keeper"

/*
 * When the renewal thread is made: most commands end before.  A reset just
 * after the start is heard then, within 100 ms of it.
 */
#define RENEWAL_START (75 * DEADLINE_MS)
/* How long KILL may take before we say that it does not work. */
#define KILL_TIME_MS 2000

enum stage {
	RUNNING,  /* the command runs */
	DRAINING, /* it has ended; --wait-all: its children run */
	STOPPING, /* the tree was told to end; KILL at kill_at */
	ENDED	  /* nothing runs, or what does is left alone */
};

struct keeper {
	struct job *job;
	struct keeper_page *page;
	const struct deadline_terms *terms;
	int channel; /* to the front; -1 when that is gone */
	int timer;   /* CLOCK_BOOTTIME: counts suspend */
	struct command_tree tree;
	struct renewal *renewal; /* made, see renewing */
	enum stage stage;
	bool lost, timed_out, failing, immortal;
	bool taken;	     /* the script has its token */
	bool returned;	     /* the lock, by the script itself */
	bool renewing;	     /* its thread runs */
	bool threadless;     /* it could not be made, and we said so */
	int64_t tried_alone; /* the lease that we tried to renew ourselves */
	sigset_t forwarded; /* passed on to the command */
	int64_t started; /* instants */
	int64_t renewal_at, stop_at, kill_at;
};

struct keeper_page *
keeper_page_new(void)
{
	void *page = mmap(NULL, sizeof(struct keeper_page),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

/* ------------------------------------------------------------------ */
/* To and from the front. */

static void __attribute__((format(printf, 3, 4)))
say(struct keeper *k, enum message_kind kind, const char *format, ...)
{
	struct keeper_message m = { .kind = (char)kind };
	va_list args;

	va_start(args, format);
	vsnprintf(m.text, sizeof(m.text), format, args);
	va_end(args);
	if (k->channel != -1)
		send(k->channel, &m,
		    offsetof(struct keeper_message, text) + strlen(m.text) + 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

static char *
lease_left(struct keeper *k, char *text, size_t size)
{
	int64_t left = deadline_cell_end(&k->page->lease) - deadline_now();

	return duration_format(text, size, left > 0 ? left / DEADLINE_MS : 0);
}

/* ------------------------------------------------------------------ */
/* Stopping the tree. */

static void
stop_tree(struct keeper *k, int64_t kill_at)
{
	if (k->stage == STOPPING) {
		k->kill_at = deadline_min(k->kill_at, kill_at);
		return;
	}
	k->stage = STOPPING;
	k->kill_at = kill_at;
	if (deadline_now() >= kill_at)
		return;
	command_tree_signal(&k->tree, k->job->stop_signal);
	/* A stopped process acts on nothing but this. */
	command_tree_signal(&k->tree, SIGCONT);
}

static int64_t
grace_end(const struct keeper *k)
{
	return deadline_now() + k->terms->kill_after;
}

static void
set_lost(struct keeper *k, const char *why)
{
	k->lost = true;
	failure_set(&k->page->failure, STATUS_LOST, "lock lost: %s", why);
}

/* Found out when nothing ran any more. */
static void
say_lost_at_end(struct keeper *k, const char *why)
{
	say(k, MESSAGE_ERROR, "lock lost: %s; the command has ended, but did "
	    "not hold it throughout", why);
}

static void
lose(struct keeper *k, const char *why)
{
	int64_t end = deadline_cell_end(&k->page->lease);

	if (k->lost)
		return;
	set_lost(k, why);
	atomic_store(&k->page->lost, true);
	deadline_cell_latch(&k->page->lease);
	if (k->stage == ENDED) {
		say_lost_at_end(k, why);
		return;
	}
	say(k, MESSAGE_ERROR, k->job->warn_only
		? "lock lost: %s; the %s goes on without it"
		: "lock lost: %s; stopping the %s", why,
	    k->tree.foreign ? "script" : "command");
	if (!k->job->warn_only) {
		stop_tree(k, deadline_min(grace_end(k),
		    deadline_kill_at(k->terms, end)));
	} else if (k->tree.foreign) {
		k->immortal = true;
		k->stage = ENDED;
	}
}

static void
say_immortal(struct keeper *k, int alive)
{
	char left[24], lock[64] = "";

	if (!k->job->unlocked)
		snprintf(lock, sizeof(lock), "; the lock is not released and "
		    "runs out in %s", lease_left(k, left, sizeof(left)));
	if (k->tree.unseen)
		say(k, MESSAGE_ERROR, "cannot look into /proc: processes of "
		    "the command may run on%s", lock);
	else
		say(k, MESSAGE_ERROR, "%d process%s of the command cannot be "
		    "killed (%s)%s", alive, alive == 1 ? "" : "es",
		    k->tree.denied > 0
			? "another user's: end them as that user"
			: "stuck in the kernel", lock);
}

/* KILL, again and again: whoever forks meanwhile is found by the next walk. */
static void
kill_tree(struct keeper *k)
{
	int alive;

	atomic_store(&k->page->phase, KEEPER_KILLING);
	alive = command_tree_kill(&k->tree, KILL_TIME_MS);
	if (alive > 0) {
		k->immortal = true;
		say_immortal(k, alive);
	}
	k->stage = ENDED;
}

/* ------------------------------------------------------------------ */
/* What can happen. */

/* A signal that a process sent to the front; its end is the front's. */
static void
hear_front(struct keeper *k)
{
	int number;
	ssize_t n;

	while ((n = recv(k->channel, &number, sizeof(number), 0)) ==
	    (ssize_t)sizeof(number)) {
		sigaddset(&k->forwarded, number);
		if (k->stage == DRAINING)
			command_tree_signal(&k->tree, number);
		else
			command_signal(&k->tree, number);
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	close(k->channel);
	k->channel = -1;
	if (k->stage != ENDED && !k->tree.foreign)
		stop_tree(k, 0);
}

static void
close_link(struct keeper *k)
{
	close(k->job->link);
	k->job->link = -1;
}

/*
 * The script has its token; or whoever was to give it that is gone, and with
 * it the only one who could give the lock back.  The word stays where it is,
 * for our successor, should we be killed.
 */
static void
hear_link(struct keeper *k)
{
	char byte;
	ssize_t n = recv(k->job->link, &byte, 1,
	    MSG_DONTWAIT | MSG_PEEK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	k->taken = n == 1;
	if (n != 1 && k->stage == RUNNING)
		k->stage = ENDED;
	close_link(k);
}

static void
hear_renewal(struct keeper *k)
{
	char left[24];
	struct failure f;

	for (;;) {
		switch (renewal_next(k->renewal, &f)) {
		case RENEWAL_NONE:
			return;
		case RENEWAL_LOST:
			lose(k, f.text);
			break;
		case RENEWAL_RETURNED:
			k->returned = true;
			k->stage = ENDED;
			return;
		case RENEWAL_FAILED:
			k->failing = true;
			say(k, MESSAGE_WARNING, "cannot renew the lock: %s; "
			    "trying on, the lease ends in %s", f.text,
			    lease_left(k, left, sizeof(left)));
			break;
		case RENEWAL_RECOVERED:
			k->failing = false;
			say(k, MESSAGE_WARNING, "the lock is renewed again");
			break;
		case RENEWAL_RESTORED:
			k->failing = false;
			say(k, MESSAGE_WARNING, "the server had forgotten the "
			    "lock; it is held again");
			break;
		case RENEWAL_CLOCK:
			say(k, MESSAGE_WARNING, "%s", f.text);
			break;
		}
	}
}

static int
shell_status(int wstatus)
{
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus)
				    : WEXITSTATUS(wstatus);
}

/* Whether a signal that we passed on is what ended the command. */
static bool
ended_by_forwarded(const struct keeper *k)
{
	int status = shell_status(k->tree.wstatus);

	return status > 128 && status - 128 < NSIG &&
	    sigismember(&k->forwarded, status - 128) == 1;
}

static void
reap(struct keeper *k)
{
	bool before = k->tree.ended;

	command_tree_reap(&k->tree);
	if (k->tree.ended && !before && k->stage == RUNNING) {
		k->stage = DRAINING;
		if (!k->tree.childless && (k->job->kill_all ||
		    ended_by_forwarded(k)))
			stop_tree(k, grace_end(k));
		else if (!k->tree.childless && !k->job->wait_all) {
			say(k, MESSAGE_NOTE, "the command ended and left "
			    "processes behind; they run without the lock");
			k->stage = ENDED;
		}
	}
	if (k->tree.childless)
		k->stage = ENDED;
}

/*
 * When to renew without a thread: late, since nothing is watched meanwhile,
 * but so that it is over before TERM.  Once for each lease.
 */
static int64_t
alone_at(const struct keeper *k)
{
	int64_t end = deadline_cell_end(&k->page->lease);

	if (!k->threadless || k->renewing || k->tried_alone == end)
		return DEADLINE_NEVER;
	return deadline_term_at(k->terms, end) - 2 * k->terms->io;
}

static void
check_renewal(struct keeper *k, int64_t now)
{
	struct failure f;

	if (k->renewing || k->lost || k->stage == ENDED)
		return;
	if (now >= k->renewal_at) {
		k->renewing = renewal_start(k->renewal, &f) == 0;
		k->renewal_at = now + 10 * RENEWAL_START;
		if (!k->renewing && !k->threadless)
			say(k, MESSAGE_WARNING, "%s; trying on", f.text);
		k->threadless = !k->renewing;
	}
	if (now >= alone_at(k)) {
		k->tried_alone = deadline_cell_end(&k->page->lease);
		renewal_once(k->renewal);
	}
}

/* The lease, --max-runtime, and the end of the grace. */
static void
check_time(struct keeper *k)
{
	int64_t now = deadline_now();
	char limit[24];

	if (!k->lost &&
	    deadline_cell_expire(&k->page->lease, k->terms, now))
		lose(k, "it could not be renewed in time");
	if (now >= k->stop_at && k->stage != STOPPING && k->stage != ENDED) {
		k->timed_out = true;
		k->stop_at = DEADLINE_NEVER;
		duration_format(limit, sizeof(limit), k->job->max_runtime_ms);
		failure_set(&k->page->failure, STATUS_TIMEOUT,
		    "the command ran longer than %s", limit);
		say(k, MESSAGE_WARNING,
		    "the command ran longer than %s; stopping it", limit);
		stop_tree(k, grace_end(k));
	}
	if (k->stage == STOPPING && now >= k->kill_at)
		kill_tree(k);
	check_renewal(k, now);
}

static int64_t
next_event(const struct keeper *k)
{
	int64_t at = DEADLINE_NEVER;

	if (!k->lost)
		at = deadline_term_at(k->terms,
		    deadline_cell_end(&k->page->lease));
	if (k->stage != STOPPING)
		at = deadline_min(at, k->stop_at);
	if (k->stage == STOPPING)
		at = deadline_min(at, k->kill_at);
	if (!k->renewing && !k->lost)
		at = deadline_min(at, deadline_min(k->renewal_at,
		    alone_at(k)));
	return at;
}

static void
arm(struct keeper *k)
{
	int64_t at = next_event(k);
	struct itimerspec spec = { { 0, 0 }, { 0, 0 } };

	if (at != DEADLINE_NEVER) {
		spec.it_value.tv_sec = at / 1000000000;
		spec.it_value.tv_nsec = at % 1000000000;
		if (at <= 0)
			spec.it_value.tv_nsec = 1;
	}
	timerfd_settime(k->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void
watch(struct keeper *k)
{
	struct signals_event event;

	while (k->stage != ENDED) {
		struct pollfd fds[6] = {
			{ k->job->signals.fd, POLLIN, 0 },
			{ k->channel, POLLIN, 0 },
			{ k->timer, POLLIN, 0 },
			{ k->renewal != NULL ? renewal_fd(k->renewal) : -1,
			    POLLIN, 0 },
			{ k->tree.foreign ? k->tree.pidfd : -1, POLLIN, 0 },
			{ k->job->link, POLLIN, 0 },
		};

		arm(k);
		poll(fds, 6, -1);
		check_time(k);	/* first: after a suspend, KILL is first */
		if (fds[0].revents != 0)
			while (signals_next(&k->job->signals, &event))
				;
		if (k->stage != ENDED)
			reap(k);
		if (fds[1].revents != 0 && k->channel != -1)
			hear_front(k);
		if (fds[3].revents != 0)
			hear_renewal(k);
		if (fds[5].revents != 0)
			hear_link(k);
		if (k->stage == STOPPING && deadline_now() >= k->kill_at)
			kill_tree(k);
	}
}

/* ------------------------------------------------------------------ */
/* From start to end. */

/* Nothing runs under the lock any more: give it back. */
static void
give_back(struct keeper *k, bool ran)
{
	struct lock *lock = k->job->lock;
	int64_t now = deadline_now();
	int64_t end = deadline_min(deadline_cell_end(&k->page->lease),
	    now + 2 * k->terms->io);
	enum lock_result result;
	struct failure f = { .status = 0 };
	char left[24];

	if (k->returned)
		return;
	if (k->lost)	/* others may go on the sooner */
		end = now + k->terms->io;
	if (k->renewing && !renewal_stop(k->renewal, end)) {
		if (!k->lost)
			say(k, MESSAGE_WARNING, "cannot release the lock: the "
			    "renewal hangs; it runs out in %s",
			    lease_left(k, left, sizeof(left)));
		return;
	}
	if (k->immortal)
		return;
	k->page->run.lost = k->lost;
	if (k->lost && k->page->run.status >= 0)
		k->page->run.status = STATUS_LOST;
	result = lock_release(lock, ran ? &k->page->run : NULL, end, &f);
	if (k->lost || result == LOCK_HELD)
		return;
	if (result == LOCK_LOST) {
		set_lost(k, f.text);
		say_lost_at_end(k, f.text);
		return;
	}
	say(k, MESSAGE_WARNING,
	    "cannot release the lock: %s; it runs out in %s", f.text,
	    lease_left(k, left, sizeof(left)));
}

/* The outcome comes first: the front goes by it if we die while releasing. */
static _Noreturn void
finish(struct keeper *k, bool ran)
{
	k->page->wstatus = k->tree.wstatus;
	/* Whatever it made of being stopped: that was no success. */
	k->page->run.status = k->tree.foreign ? -1
	    : k->timed_out ? STATUS_TIMEOUT : shell_status(k->tree.wstatus);
	k->page->run.ran_ms = (deadline_now() - k->started) / DEADLINE_MS;
	k->page->outcome = !ran ? KEEPER_NOT_STARTED
		: k->lost	? KEEPER_LOST
		: k->timed_out	? KEEPER_TIMED_OUT
				: KEEPER_ENDED;
	k->page->released = !k->immortal && !k->returned;
	atomic_store(&k->page->phase, KEEPER_OVER);
	if (!k->job->unlocked)
		give_back(k, ran);
	if (ran && k->lost)
		k->page->outcome = KEEPER_LOST;
	atomic_store(&k->page->phase, KEEPER_DONE);
	_exit(0);
}

static void
become_keeper(struct keeper *k)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, KEEPER_NAME);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	k->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* Whatever we need later, while it can be had.  Returns false: failure. */
static bool
prepare(struct keeper *k)
{
	struct job *job = k->job;
	struct failure *f = &k->page->failure;

	if (k->timer == -1) {
		failure_set(f, STATUS_OS, "cannot keep the lock: %s",
		    strerror(errno));
		return false;
	}
	if (job->unlocked)
		return true;
	k->renewal = renewal_new(job->lock, &k->page->lease, f);
	return k->renewal != NULL;
}

static bool
prepare_command(struct keeper *k)
{
	struct job *job = k->job;

	job->command.envp = environment_make(job);
	if (job->command.envp == NULL) {
		failure_set(&k->page->failure, STATUS_OS,
		    "cannot start '%s': %s", job->command.argv[0],
		    strerror(errno));
		return false;
	}
	if (!command_tree_visible())
		say(k, MESSAGE_WARNING, "cannot look into /proc: if the command "
		    "must be stopped, what it has started may run on");
	return true;
}

static void
begin(struct keeper *k)
{
	const struct job *job = k->job;
	int64_t now = deadline_now();

	k->started = now;
	k->renewal_at = job->unlocked ? DEADLINE_NEVER : now + RENEWAL_START;
	k->stop_at = job->max_runtime_ms > 0
	    ? now + job->max_runtime_ms * DEADLINE_MS : DEADLINE_NEVER;
	atomic_store(&k->page->phase, KEEPER_RUNNING);
}

static bool
start(struct keeper *k)
{
	struct job *job = k->job;

	if (!prepare(k) || !prepare_command(k))
		return false;
	begin(k);
	job->command.start_by =
	    deadline_term_at(k->terms, job->lock->lease_end);
	signals_early(&job->command.early);
	k->tree.pid = command_start(&job->command, &k->page->failure);
	k->page->started = k->tree.pid != -1 ? k->started : 0;
	/*
	 * Out of the terminal's way; not before, since what the group is sent
	 * until now is for the command.  A group of the same session would not
	 * do: as the command's parent we would keep the kernel from seeing
	 * that its group is orphaned, and Ctrl-Z would stop it for ever.
	 */
	setsid();
	return k->tree.pid != -1;
}

/*
 * A script runs already.  If it has its token we are the successor of a keeper
 * that was killed: whatever the time is, check_time() knows what to do.
 */
static bool
attend(struct keeper *k)
{
	const struct failure none = { .status = 0 };
	bool ready;

	setsid();
	k->tree = k->job->script;
	hear_link(k);
	ready = prepare(k);
	if (!ready && k->taken)
		_exit(STATUS_OS);	/* not to give back what is in use */
	if (!ready)
		return false;
	if (!k->taken && !deadline_may_start(k->terms,
	    k->job->lock->lease_end, deadline_now())) {
		failure_set(&k->page->failure, STATUS_UNAVAILABLE,
		    "acquired too late to keep it");
		return false;
	}
	begin(k);
	if (k->job->link != -1)
		send(k->job->link, &none, sizeof(none), MSG_NOSIGNAL);
	return true;
}

_Noreturn void
keeper_main(struct job *job, struct keeper_page *page, int channel)
{
	struct keeper k = {
		.job = job,
		.page = page,
		.terms = &job->lock->want.terms,
		.channel = channel,
	};

	become_keeper(&k);
	sigemptyset(&k.forwarded);
	if (!(job->script.foreign ? attend : start)(&k))
		finish(&k, false);
	/* The command has them: no terminal, no pipe must depend on us. */
	descriptors_null();
	watch(&k);
	finish(&k, true);
}
