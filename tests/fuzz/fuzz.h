/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share.  A target, fuzz_NAME.c, defines
 * LLVMFuzzerTestOneInput(); "make fuzz" links it with libFuzzer, "make check"
 * with replay.c, which runs the corpus and mutations of it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must be there whatever the build, and say the input. */
#define REQUIRE(condition) \
	((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *condition, const char *file, int line);

/* The input is eaten from the front; all give "nothing" at its end. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

uint8_t fuzz_byte(struct fuzz_input *in);
/* Up to the next STOP, which is dropped; for free(). NUL-terminated. */
char *fuzz_word(struct fuzz_input *in, char stop, size_t *len);
/* All that is left, NUL-terminated; for free(). */
char *fuzz_rest(struct fuzz_input *in, size_t *len);
/* Exactly LEN bytes of their own, so that a read beyond is seen; for free(). */
char *fuzz_copy(const void *bytes, size_t len);

/* Well-formed, by a decoder that is not the one under test. */
bool fuzz_is_utf8(const char *text, size_t len);
/* And nothing in it that a terminal acts on, but line ends if LINES. */
bool fuzz_is_printable(const char *text, size_t len, bool lines);
/* One JSON value and nothing else. */
bool fuzz_is_json(const char *text, size_t len);

#endif
