/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * Left alone: what stops us must stop us (TSTP, TTIN; the shell waits for
 * it), what continues us as well, and crashes must stay crashes.
 */
static const int untouched[] = { SIGTSTP, SIGTTIN, SIGCONT, SIGSEGV, SIGBUS,
	SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGXCPU, SIGPIPE };

/* Their default action is nothing: they must not end a wait. */
static const int harmless[] = { SIGCHLD, SIGWINCH, SIGURG };

/* What a key at the terminal sends to the foreground process group. */
static const int keys[] = { SIGINT, SIGQUIT, SIGTSTP };

/* A blocked signal is queued even where the caller ignores it (nohup). */
static bool
ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 &&
	    !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN;
}

int
signals_take(struct signals *s)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t blocked;

	sigfillset(&s->watched);
	for (size_t i = 0; i < sizeof(untouched) / sizeof(*untouched); i++)
		sigdelset(&s->watched, untouched[i]);
	blocked = s->watched;
	if (sigprocmask(SIG_BLOCK, &blocked, &s->inherited) == -1)
		return -1;
	sigdelset(&s->watched, SIGTTOU);	/* blocked only: message.h */
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		sigdelset(&s->watched, harmless[i]);
	/* The real-time ones only when they come: each costs a call. */
	for (int number = 1; number < __SIGRTMIN; number++)
		if (sigismember(&s->watched, number) == 1 && ignored(number))
			sigdelset(&s->watched, number);
	/* An ignored SIGCHLD would lose exit statuses. */
	if (sigaction(SIGCHLD, &standard, &s->sigchld) == -1 ||
	    sigaction(SIGPIPE, &ignore, &s->sigpipe) == -1)
		return -1;
	s->fd = signalfd(-1, &s->watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd == -1 ? -1 : 0;
}

int
signals_watch_children(struct signals *s)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (harmless[i] == SIGCHLD || !ignored(harmless[i]))
			sigaddset(&s->watched, harmless[i]);
	return signalfd(s->fd, &s->watched, 0) == -1 ? -1 : 0;
}

/*
 * A hang-up is told to the leader of the session first, and to nobody else
 * as long as that lives.
 */
static bool
from_terminal(const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGINT:
	case SIGQUIT:
	case SIGWINCH:
		return info->ssi_code > 0;
	case SIGHUP:
		return info->ssi_code > 0 && getsid(0) != getpid();
	default:	/* an alarm, say: nobody has it but us */
		return false;
	}
}

bool
signals_next(struct signals *s, struct signals_event *event)
{
	struct signalfd_siginfo info;

	do {
		if (read(s->fd, &info, sizeof(info)) != sizeof(info))
			return false;
	} while (info.ssi_signo >= __SIGRTMIN && ignored((int)info.ssi_signo));
	event->number = (int)info.ssi_signo;
	event->terminal = from_terminal(&info);
	return true;
}

void
signals_early(sigset_t *set)
{
	sigset_t pending;

	if (sigpending(&pending) == -1)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (sigismember(&pending, keys[i]) == 1 && !ignored(keys[i]))
			sigaddset(set, keys[i]);
}

void
signals_give_back(const struct signals *s)
{
	sigaction(SIGCHLD, &s->sigchld, NULL);
	sigaction(SIGPIPE, &s->sigpipe, NULL);
	sigprocmask(SIG_SETMASK, &s->inherited, NULL);
}

_Noreturn void
signals_die(int number)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct rlimit none = { 0, 0 };
	sigset_t only;

	/* The kernel shields PID 1 from signals without a handler. */
	if (getpid() != 1) {
		prctl(PR_SET_DUMPABLE, 0);
		setrlimit(RLIMIT_CORE, &none);
		sigaction(number, &standard, NULL);
		sigemptyset(&only);
		sigaddset(&only, number);
		sigprocmask(SIG_UNBLOCK, &only, NULL);
		raise(number);
	}
	_exit(128 + number);
}

static const struct {
	const char *name;
	int number;
} names[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
	{ "ILL", SIGILL }, { "TRAP", SIGTRAP }, { "ABRT", SIGABRT },
	{ "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL },
	{ "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP }, { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },
	{ "URG", SIGURG }, { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO }, { "PWR", SIGPWR }, { "SYS", SIGSYS },
};

int
signals_number(const char *text)
{
	char *end;
	long number;

	if (*text >= '0' && *text <= '9') {
		errno = 0;
		number = strtol(text, &end, 10);
		if (*end != '\0' || errno != 0 || number < 1 || number >= NSIG)
			return -1;
		return (int)number;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(text, names[i].name) == 0)
			return names[i].number;
	return -1;
}

const char *
signals_name(int number)
{
	static char other[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(other, sizeof(other), "%d", number);
	return other;
}
