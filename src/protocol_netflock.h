/* SPDX-License-Identifier: MIT */
/*
 * What the halves of the default protocol share: protocol_netflock.c serves
 * those who take locks, protocol_netflock_admin.c serves operators, see
 * protocol.h.
 */
#ifndef PROTOCOL_NETFLOCK_H
#define PROTOCOL_NETFLOCK_H

#include "protocol.h"
#include "session.h"

/* How a call of the session ended; HELD if it worked. */
enum protocol_result protocol_netflock_result(enum session_result result);

enum protocol_result protocol_netflock_inspect(struct admin *a,
    const char *name, int waiters, int64_t deadline, struct inspect *in,
    struct failure *f);
enum protocol_result protocol_netflock_history(struct admin *a,
    const char *name, int64_t deadline, struct inspect_runs *runs,
    struct failure *f);
enum protocol_result protocol_netflock_reset(struct admin *a,
    struct admin_removal *removal, int64_t deadline, struct failure *f);
enum protocol_result protocol_netflock_extend(struct admin *a,
    struct admin_extension *extension, int64_t deadline, struct failure *f);
enum protocol_result protocol_netflock_list(struct admin *a,
    struct admin_walk *walk, int64_t deadline, struct failure *f);

#endif
