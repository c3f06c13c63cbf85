/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a process of ours must not keep.  Whatever was there when
 * we were started lacks the close-on-exec flag, and all of ours have it: that
 * is how they are told apart.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* Put 0 to 2 on /dev/null; close them if that cannot be opened. */
void descriptors_null(void);
/* Close what is above 2 and not ours. */
void descriptors_close_inherited(void);

#endif
