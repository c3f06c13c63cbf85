/* SPDX-License-Identifier: MIT */
/* The options' values become members of struct options; here are defaults. */
#include "options_inner.h"

#include <signal.h>

#include "status.h"

#define DEFAULT_TTL_MS 30000
#define DEFAULT_CONNECT_MS 5000
#define DEFAULT_INTERVAL_MS 1000
#define DEFAULT_KEEP_HISTORY 20
#define DEFAULT_PREFIX "netflock"

void
options_take(struct options *o, const struct options_memory *m)
{
	o->wait_ms = options_number(m, OPTION_WAIT, -1);
	/* As flock: waiting for no time at all is not waiting. */
	o->nonblock = options_given(m, OPTION_NONBLOCK) || o->wait_ms == 0;
	o->conflict_status =
	    (int)options_number(m, OPTION_CONFLICT, STATUS_BUSY);
	o->with = m->values[OPTION_WITH].all;
	o->with_count = (size_t)m->values[OPTION_WITH].count;
	o->ttl_ms = options_number(m, OPTION_TTL, DEFAULT_TTL_MS);
	o->signal = (int)options_number(m, OPTION_SIGNAL, SIGTERM);
	o->on_lost = (enum options_on_lost)options_number(
	    m, OPTION_ON_LOST, OPTIONS_KILL);
	o->max_runtime_ms = options_number(m, OPTION_MAX_RUNTIME, 0);
	o->wait_all = options_given(m, OPTION_WAIT_ALL);
	o->kill_all = options_given(m, OPTION_KILL_ALL);
	o->min_hold_ms = options_number(m, OPTION_MIN_HOLD, 0);
	o->once_ms = options_number(m, OPTION_ONCE_PER, 0);
	o->if_unreachable = (enum options_unreachable)options_number(
	    m, OPTION_IF_UNREACHABLE, OPTIONS_FAIL);
	o->jitter_ms = options_number(m, OPTION_JITTER, 0);
	o->scrub_env = options_given(m, OPTION_SCRUB_ENV);
	o->reason = options_text(m, OPTION_REASON, NULL);
	o->report = options_text(m, OPTION_REPORT, NULL);
	o->keep_history =
	    (int)options_number(m, OPTION_KEEP_HISTORY, DEFAULT_KEEP_HISTORY);
	/* Who does not wait counts more than a file that would. */
	if (o->nonblock && o->if_unreachable == OPTIONS_WAIT &&
	    m->values[OPTION_IF_UNREACHABLE].file != NULL &&
	    (options_given_here(m, OPTION_NONBLOCK) ||
		options_given_here(m, OPTION_WAIT)))
		o->if_unreachable = OPTIONS_FAIL;
	/* In a file it is about messages, not about what a command does. */
	o->quiet = options_given_here(m, OPTION_QUIET);
	o->json = options_given(m, OPTION_JSON);
	o->show_config = options_given(m, OPTION_SHOW_CONFIG);
	o->watch = options_given(m, OPTION_WATCH);
	o->names_only = options_given(m, OPTION_NAMES);
	o->interval_ms =
	    options_number(m, OPTION_INTERVAL, DEFAULT_INTERVAL_MS);
	o->now = options_given(m, OPTION_NOW);
	o->token = options_text(m, OPTION_TOKEN, NULL);
	o->match = options_text(m, OPTION_MATCH, NULL);
	o->pid = options_number(m, OPTION_PID, 0);
	o->add_ms = options_number(m, OPTION_ADD, -1);
	o->ttl_given = options_given_here(m, OPTION_TTL);
	o->fence = options_given(m, OPTION_FENCE);
	o->dry_run = options_given(m, OPTION_DRY_RUN);
	o->force = options_given(m, OPTION_FORCE);
	o->user = options_text(m, OPTION_USER, NULL);
	o->prefix = options_text(m, OPTION_PREFIX, DEFAULT_PREFIX);
	o->connect_ms =
	    options_number(m, OPTION_CONNECT_TIMEOUT, DEFAULT_CONNECT_MS);
	o->io_ms = options_number(m, OPTION_IO_TIMEOUT, -1);
}
