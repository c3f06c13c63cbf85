/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"
#include "front.h"
#include "job.h"
#include "json.h"
#include "lock.h"
#include "signals.h"
#include "status.h"
#include "text.h"
#include "token.h"

/* ------------------------------------------------------------------ */
/* What came of it. */

bool
report_ended(struct report *r, const struct front_result *result)
{
	r->result = result;
	r->message = result->failure.text;
	switch (result->outcome) {
	case FRONT_TIMED_OUT:
		r->outcome = "timed_out";
		r->status = STATUS_TIMEOUT;
		return true;
	case FRONT_LOST:
		r->outcome = "lost";
		r->status = STATUS_LOST;
		return true;
	case FRONT_ENDED:
		r->outcome = "ended";
		r->message = NULL;
		if (WIFSIGNALED(result->wstatus))
			r->signal = WTERMSIG(result->wstatus);
		r->status = r->signal != 0 ? 128 + r->signal
					   : WEXITSTATUS(result->wstatus);
		return true;
	default:
		r->outcome = result->outcome == FRONT_NOT_STARTED
		    ? "not_started" : "failed";
		r->status = result->failure.status;
		return false;
	}
}

void
report_refused(struct report *r, const struct failure *f)
{
	r->message = f->text;
	r->outcome = f->status == STATUS_UNAVAILABLE ? "unreachable"
	    : f->status == STATUS_REFUSED	     ? "refused"
	    : f->status == STATUS_NOEXEC || f->status == STATUS_NOTFOUND
		? "not_started" : "failed";
}

void
report_given_up(struct report *r, enum lock_result result)
{
	r->signal = r->job->ended_by;
	r->outcome = r->signal != 0 ? "interrupted"
	    : result == LOCK_DONE   ? "skipped" : "busy";
}

/* ------------------------------------------------------------------ */
/* The file. */

/* A new file beside PATH, whose name goes to TEMP.  -1: errno. */
static int
open_beside(const char *path, char temp[static PATH_MAX])
{
	char random[TOKEN_SIZE];

	if (token_random(random) == -1)
		return -1;
	if (snprintf(temp, PATH_MAX, "%s.%.8s", path, random) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

int
report_check(const char *path, struct failure *f)
{
	char temp[PATH_MAX];
	struct stat st;
	int fd;

	if (path == NULL)
		return 0;
	/* A device, or a link to elsewhere, would be replaced by a file. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return failure_set(f, STATUS_CONFIG,
		    "--report '%s': this is no regular file", path);
	fd = open_beside(path, temp);
	if (fd == -1)
		return failure_set(f, STATUS_CONFIG,
		    "--report '%s': cannot be written: %s", path,
		    strerror(errno));
	close(fd);
	unlink(temp);
	return 0;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len > 0; data += n, len -= (size_t)n) {
		n = write(fd, data, len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n == -1)
			n = 0;
	}
	return fsync(fd);
}

static int
replace(const char *path, const struct text *text)
{
	char temp[PATH_MAX];
	int fd = open_beside(path, temp), saved;
	bool written;

	if (fd == -1)
		return -1;
	written = write_all(fd, text->data, text->len) == 0;
	if (close(fd) == 0 && written && rename(temp, path) == 0)
		return 0;
	saved = errno;
	unlink(temp);
	errno = saved;
	return -1;
}

/* ------------------------------------------------------------------ */
/* What is in it. */

static void
string(struct json *j, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		json_null(j, key);
	else
		json_text(j, key, value, strlen(value));
}

/* INSTANT by the wall clock, which may have been set meanwhile; 0: null. */
static void
put_instant(struct json *j, const char *key, int64_t instant)
{
	struct timespec now;
	int64_t ago = (deadline_now() - instant) / DEADLINE_MS;

	clock_gettime(CLOCK_REALTIME, &now);
	json_time(j, key, instant == 0 ? -1
	    : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - ago);
}

static void
put_owner(struct json *j, const struct owner *o)
{
	string(j, "user", o->user);
	string(j, "host", o->host);
	json_number(j, "pid", strtoll(o->pid, NULL, 10));
	string(j, "command", o->command);
	string(j, "reason", o->reason);
}

static void
put_times(struct json *j, const struct report *r)
{
	const struct job *job = r->job;
	const struct lock *lock = job->lock;
	bool began = job->began != 0, ran = r->result != NULL;
	bool held = ran && !job->unlocked;
	int64_t now = deadline_now();

	put_instant(j, "began", job->began);
	put_instant(j, "acquired", held ? job->acquired : 0);
	put_instant(j, "started", ran ? r->result->started : 0);
	put_instant(j, "ended", now);
	json_number(j, "waited_ms", began && lock ? lock->waited_ms : -1);
	json_number(j, "held_ms",
	    held ? (now - job->acquired) / DEADLINE_MS : -1);
	json_number(j, "ran_ms", ran ? r->result->ran_ms : -1);
	json_number(j, "renewals", held ? r->result->renewals : -1);
}

static void
put_all(struct json *j, const struct report *r)
{
	const struct lock *lock = r->job->lock;
	bool held = r->result != NULL && !r->job->unlocked;
	const struct lock *had = held ? lock : NULL;

	json_open(j, NULL, '{');
	string(j, "name", r->name);
	json_hex(j, "name_hex", r->name, strlen(r->name));
	string(j, "outcome", r->outcome);
	json_number(j, "exit_status", r->status);
	string(j, "signal", r->signal > 0 ? signals_name(r->signal) : NULL);
	string(j, "message", r->message);
	put_owner(j, &r->job->owner);
	json_bool(j, "locked", held);
	string(j, "token", had != NULL ? had->token : NULL);
	json_number(j, "fence", had != NULL ? had->fence : -1);
	put_times(j, r);
	if (lock != NULL && lock->rival.known && !held) {
		json_open(j, "holder", '{');
		put_owner(j, &lock->rival.owner);
		json_close(j, '{');
	} else {
		json_null(j, "holder");
	}
	json_close(j, '{');
}

int
report_write(const char *path, const struct report *r, struct failure *f)
{
	struct text text = { 0 };
	struct json j = { .out = &text };
	int result = 0;

	if (path == NULL)
		return 0;
	put_all(&j, r);
	text_put(&text, "\n");
	if (text.failed)
		result = failure_set(f, STATUS_OS, "out of memory");
	else if (replace(path, &text) == -1)
		result = failure_set(f, STATUS_OS,
		    "cannot write the report '%s': %s", path, strerror(errno));
	text_free(&text);
	return result;
}
