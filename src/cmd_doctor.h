/* SPDX-License-Identifier: MIT */
/* netflock doctor: is the server fit, may we do what we need, what is set. */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

struct options;

/* Returns the exit status: 1 if there is a problem. */
int cmd_doctor(const struct options *o);

#endif
