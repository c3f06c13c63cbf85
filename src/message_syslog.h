/* SPDX-License-Identifier: MIT */
/*
 * The system log, without waiting for it: syslog(3) sleeps as long as the
 * socket of the logger is full, and whoever waits for it cannot clean up after
 * a keeper that died.
 */
#ifndef MESSAGE_SYSLOG_H
#define MESSAGE_SYSLOG_H

#include <stdbool.h>

#define MESSAGE_SYSLOG "/dev/log"

/*
 * Send TEXT, one line without its newline, to the socket PATH, with the
 * facility "user".  False if nobody takes it: no logger, or its socket has been
 * full for a second, and from then on whenever it is full.
 */
bool message_syslog(const char *path, int severity, const char *text);

#endif
