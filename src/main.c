/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd_acquire.h"
#include "cmd_doctor.h"
#include "cmd_held.h"
#include "cmd_help.h"
#include "cmd_history.h"
#include "cmd_release.h"
#include "cmd_renew.h"
#include "cmd_reset.h"
#include "cmd_reset_all.h"
#include "cmd_run.h"
#include "cmd_status.h"
#include "message.h"
#include "options.h"
#include "status.h"

#define ALL_GROUPS                                                \
	(OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_RUNNING |      \
	    OPTIONS_STOPPING | OPTIONS_CONNECTION | OPTIONS_MESSAGES)

/*
 * The first operand is a subcommand if it is exactly one of these words.  The
 * list is frozen for 1.x: a lock of that name must not change its meaning.
 */
static const struct options_command commands[] = {
	{ .word = "run",
	    .main = cmd_run,
	    .synopsis = "[run] [OPTION]... NAME [--] COMMAND [ARG]...\n"
			"[run] [OPTION]... NAME -c 'SHELL COMMAND'",
	    .brief = "Run COMMAND while holding the lock NAME, which lives in "
		     "Redis or Valkey and is\nshared by all hosts that use "
		     "the same server.",
	    .groups = ALL_GROUPS,
	    .operands = OPTIONS_COMMAND },
	{ .word = "status",
	    .main = cmd_status,
	    .synopsis = "status [OPTION]... [NAME]...",
	    .brief = "Show all locks, or all about these.",
	    .groups = OPTIONS_OUTPUT | OPTIONS_LOOKING | OPTIONS_CONNECTION |
		      OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .most = SIZE_MAX },
	{ .word = "reset",
	    .main = cmd_reset,
	    .synopsis = "reset [OPTION]... NAME...",
	    .brief = "Take locks away from whoever has them.",
	    .groups = OPTIONS_TAKING | OPTIONS_CHOOSING | OPTIONS_CONNECTION |
		      OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .least = 1,
	    .most = SIZE_MAX },
	{ .word = "reset-all",
	    .main = cmd_reset_all,
	    .synopsis = "reset-all [OPTION]...",
	    .brief = "Take all locks away, or those that match.",
	    .groups = OPTIONS_TAKING | OPTIONS_SWEEPING | OPTIONS_CONNECTION |
		      OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES },
	{ .word = "acquire",
	    .main = cmd_acquire,
	    .synopsis = "acquire [OPTION]... NAME",
	    .brief = "Take a lock for a script, and print its token.",
	    .groups = OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_STOPPING |
		      OPTIONS_KEEPING | OPTIONS_FENCING | OPTIONS_CHOOSING |
		      OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAME,
	    .least = 1,
	    .most = 1 },
	{ .word = "renew",
	    .main = cmd_renew,
	    .synopsis = "renew [OPTION]... NAME TOKEN",
	    .brief = "Extend the lease of the lock that has this token.",
	    .groups = OPTIONS_LEASE | OPTIONS_EXTENDING | OPTIONS_CONNECTION |
		      OPTIONS_MESSAGES,
	    .operands = OPTIONS_HOLDER,
	    .least = 2,
	    .most = 2 },
	{ .word = "release",
	    .main = cmd_release,
	    .synopsis = "release [OPTION]... NAME TOKEN",
	    .brief = "Give the lock that has this token back.",
	    .groups = OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_HOLDER,
	    .least = 2,
	    .most = 2 },
	{ .word = "held",
	    .main = cmd_held,
	    .synopsis = "held [OPTION]... NAME TOKEN",
	    .brief = "Tell by the status whether this token still has the lock.",
	    .groups = OPTIONS_FENCING | OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_HOLDER,
	    .least = 2,
	    .most = 2 },
	{ .word = "doctor",
	    .main = cmd_doctor,
	    .synopsis = "doctor [OPTION]... [NAME]",
	    .brief = "Examine the server, and what we may do there.",
	    .groups = OPTIONS_EXAMINING | OPTIONS_OUTPUT |
		      OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .reads = OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_RUNNING |
		     OPTIONS_STOPPING,
	    .operands = OPTIONS_NAMES,
	    .most = 1 },
	{ .word = "history",
	    .main = cmd_history,
	    .synopsis = "history [OPTION]... NAME",
	    .brief = "Show the last runs under a lock, newest first.",
	    .groups = OPTIONS_OUTPUT | OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .least = 1,
	    .most = 1 },
	{ .word = "help",
	    .main = cmd_help,
	    .synopsis = "help [COMMAND]",
	    .brief = "Print this help, or that of COMMAND.",
	    .groups = OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .most = 1 },
	{ .word = NULL },
};

/*
 * Descriptors 0 to 2 that the caller closed would be taken by our sockets:
 * open them on /dev/null and return which, as bits, or -1.  To write to a
 * standard output that was closed is an error still.
 */
static int
open_standard(void)
{
	int closed = 0, fd;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		closed |= 1 << fd;
		/* The lowest free number is FD: those below are open now. */
		if (open("/dev/null", fd == 1 ? O_RDONLY : O_RDWR) != fd)
			return -1;
	}
	return closed;
}

/* 0, or the exit status if we must not run like this. */
static int
prepare(struct options *o)
{
	int closed = open_standard();

	if (closed == -1)
		return STATUS_OS;
	o->closed_fds = (unsigned)closed;
	if (getauxval(AT_SECURE) != 0) {
		message_always(NULL, "must not be installed set-uid, set-gid "
				     "or with capabilities");
		return STATUS_INTERNAL;
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* The password is in our memory: no core, no ptrace by our user. */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	return STATUS_OK;
}

int
main(int argc, char **argv)
{
	struct options o = { .commands = commands };
	int status = prepare(&o);

	if (status != STATUS_OK)
		return status;
	if (options_parse(&o, argc, argv, &status) == OPTIONS_RUN)
		status = o.command->main(&o);
	options_free(&o);
	return status;
}
