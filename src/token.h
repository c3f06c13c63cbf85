/* SPDX-License-Identifier: MIT */
/* Random names for one acquire attempt: 128 bits from getrandom(2), in hex. */
#ifndef TOKEN_H
#define TOKEN_H

#define TOKEN_SIZE 33 /* 32 digits and NUL */
#define TOKEN_MAX 128 /* the longest a caller may choose */

/* Returns 0, or -1 if the kernel gives no randomness (errno). */
int token_random(char token[static TOKEN_SIZE]);

#endif
