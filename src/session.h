/* SPDX-License-Identifier: MIT */
/*
 * A conversation with one Redis or Valkey server: requests with absolute
 * deadlines over a transport, in RESP2 (hiredis formats and parses; it does
 * no I/O).  A session connects by itself when a request needs it: AUTH,
 * SELECT and CLIENT SETNAME then travel in the same write as the request.
 *
 * Steps of use: session_new(); session_call() any number of times; it
 * reconnects after a failure by itself at the next call; session_free().
 * For a subscription: session_subscribe(), then poll session_fd() and take
 * messages with session_message().
 * One request is outstanding at a time (but for session_scripts()); after a timeout the connection is
 * closed, so that a late reply can never be taken for another's.
 * Not thread safe: a session has one owner at a time.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct reply;
struct script;
struct session;
struct transport;
struct url;

enum session_result {
	SESSION_OK,	     /* *REPLY is set and is not an error */
	SESSION_RETRY,	     /* the server says: not now (LOADING, OOM, ...) */
	SESSION_REFUSED,     /* credentials, permission, trust: no use retrying */
	SESSION_ERROR,	     /* any other error reply: no use retrying */
	SESSION_BROKEN,	     /* no connection, EOF, reset, garbage: retry */
	SESSION_TIMEOUT,     /* no reply before the deadline; closed */
	SESSION_INTERRUPTED  /* the interrupt descriptor is readable; if a
				reply was under way, as after a timeout */
};

struct session_settings {
	const struct url *url;	  /* outlives the session */
	const char *user;	  /* overrides the URL's; NULL or "" for none */
	const char *password;	  /* NULL for none; outlives the session */
	const char *client_name;  /* for CLIENT SETNAME; NULL for none */
	const char *prefix;	  /* of our keys and channels, to be named when
				     they are refused; NULL for "netflock" */
	int64_t connect_ns;	  /* budget of one connect, at most */
};

/*
 * The settings are copied, and so is the client name; what else they point to
 * is not.  NULL: no memory.
 */
struct session *session_new(const struct session_settings *settings);
/* Close without QUIT and free.  session_free(NULL) is fine. */
void session_free(struct session *s);
/* S has the same settings as WITH, which is opened first and outlives it. */
void session_share(struct session *s, const struct session *with);
/* Returning INTERRUPTED when FD is readable; -1 for never. */
void session_interrupt(struct session *s, int fd);
/* From now on the process has threads: names are resolved without a helper. */
void session_threaded(struct session *s, bool threaded);
/* The longest reply accepted, in bytes; SESSION_CAP until then. */
void session_cap(struct session *s, size_t bytes);
#define SESSION_CAP ((size_t)64 * 1024)

/*
 * Send ARGC words and wait for the reply until DEADLINE.  On SESSION_OK the
 * caller owns *REPLY (reply_free).  On any other result F is set (but for
 * INTERRUPTED) to a text that names the server.  LENS may be NULL.
 *
 * When AUTH or SELECT fails although the request in the same write
 * succeeded, the result is that of the failed one, *REPLY is the request's
 * reply and the connection stays open: the caller must undo what it did,
 * with session_undo().  In all other failures *REPLY is NULL.  A refused
 * CLIENT SETNAME is no failure.
 */
enum session_result session_call(struct session *s, size_t argc,
    const char *const *argv, const size_t *lens, int64_t deadline,
    struct reply **reply, struct failure *f);

/*
 * The same, but whatever the server says is *REPLY, an error (REPLY_ERROR) as
 * well, and ends nothing.
 */
enum session_result session_ask(struct session *s, size_t argc,
    const char *const *argv, int64_t deadline, struct reply **reply,
    struct failure *f);

/*
 * Run a script: EVALSHA, and EVAL when the server does not know it yet.  ARGV
 * are keys and arguments (strings), NKEYS the number of keys.
 */
enum session_result session_script(struct session *s,
    const struct script *script, size_t nkeys, size_t argc,
    const char *const *argv, int64_t deadline, struct reply **reply,
    struct failure *f);

/*
 * The same script COUNT times (SESSION_BATCH at most), all but the first in one
 * write.  EACH gets every reply as it comes, and owns it; I counts from 0.
 * What fails ends it: those that EACH has not seen may have been executed or
 * not.
 */
struct session_batch {
	const struct script *script;
	size_t nkeys, argc;	  /* of each */
	const char *const *argv;  /* COUNT times ARGC words */
	size_t count;
	void (*each)(void *arg, size_t i, struct reply *reply);
	void *arg;
};
#define SESSION_BATCH 64
enum session_result session_scripts(struct session *s,
    const struct session_batch *batch, int64_t deadline, struct failure *f);

/*
 * session_script() on the open connection as it is, whatever AUTH said;
 * never reconnects.
 */
enum session_result session_undo(struct session *s,
    const struct script *script, size_t nkeys, size_t argc,
    const char *const *argv, int64_t deadline, struct reply **reply,
    struct failure *f);

/*
 * The last word on a connection whose request got no reply in time: write
 * the script behind it, without waiting for a reply, and close.  What the
 * server still executes of the first is undone by the second.  Call it
 * instead of, not after, closing: a session keeps a timed-out or interrupted
 * connection for this one purpose until the next call.  Without a connection
 * it does nothing.
 */
void session_goodbye(struct session *s, const struct script *script,
    size_t nkeys, size_t argc, const char *const *argv);

/*
 * SUBSCRIBE to CHANNEL on this session (connecting if needed) and wait for
 * the confirmation.  From then on it only receives.
 */
enum session_result session_subscribe(struct session *s, const char *channel,
    int64_t deadline, struct failure *f);
/*
 * The next message that has arrived, without waiting: 1 and TEXT (cut to
 * SIZE, NUL-terminated), 0 for none yet, -1 when the connection is gone
 * (closed by this call).  Call it until it gives 0 before polling: what has
 * been read already does not make the descriptor readable.
 */
int session_message(struct session *s, char *text, size_t size);

/* How it is connected, to be looked at. */
const struct transport *session_transport(const struct session *s);

bool session_is_open(const struct session *s);
/* For poll(2): readable means a message, or EOF.  -1 when closed. */
int session_fd(const struct session *s);
/*
 * An idle session that became readable: closes it if the server did (EOF or
 * unsolicited bytes).  Returns whether it is still open.
 */
bool session_check(struct session *s);
/* Close; the next call reconnects. */
void session_close(struct session *s);
/* Close our copy of the descriptor only: another process goes on with it. */
void session_abandon(struct session *s);

/* ------------------------------------------------------------------ */
/* Replies.  Every accessor is total: a reply of another type gives the
 * "nothing" value, so hostile replies need no special care. */

enum reply_kind { REPLY_NIL, REPLY_STATUS, REPLY_TEXT, REPLY_INTEGER, REPLY_ARRAY, REPLY_ERROR };

void reply_free(struct reply *r);
enum reply_kind reply_kind(const struct reply *r);
size_t reply_count(const struct reply *r);			/* elements */
const struct reply *reply_at(const struct reply *r, size_t i);	/* or NULL */
const char *reply_text(const struct reply *r);	/* NUL-terminated, or "" */
size_t reply_length(const struct reply *r);	/* of reply_text, NULs included */
int64_t reply_integer(const struct reply *r, int64_t otherwise);

/* For our scripts' replies {word, field, value, ...}: */
const char *reply_word(const struct reply *r);	/* first element, or "" */
/* Value of FIELD, or NULL; LEN (may be NULL) its length. */
const char *reply_field(const struct reply *r, const char *field, size_t *len);
/* Decimal value of FIELD within 0..2^53-1 (or -1 if the text is "-1"), else OTHERWISE. */
int64_t reply_number(const struct reply *r, const char *field,
    int64_t otherwise);

#endif
