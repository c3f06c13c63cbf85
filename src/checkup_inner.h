/* SPDX-License-Identifier: MIT */
/* What the files of a checkup share, and nobody but tests sees. */
#ifndef CHECKUP_INNER_H
#define CHECKUP_INNER_H

#include "checkup.h"

struct reply;
struct session;

/* ------------------------------------------------------------------ */
/* checkup_judge.c: facts, and what they mean. */

/* Texts are "" and numbers -1 while they are not known. */
struct checkup_facts {
	char endpoint[300];
	char peer[108];	 /* the address that we are connected to */
	bool local;	 /* it is on this machine */
	int failed;	 /* addresses that did not answer ... */
	char tried[300]; /* ... and all that were tried: "::1 (refused), ..." */
	char user[256];	 /* "" for nobody */
	bool password;

	bool tls, verified;
	char tls_version[32], cipher[64];
	int64_t expires_s; /* the certificate's end */
	int64_t now_s;	   /* our clock */

	char kind[32], version[32]; /* "redis", "7.0.15" */
	char mode[32], role[32];    /* "standalone", "master" */
	char master[300];	    /* of a replica */

	int samples;
	int64_t median_us, most_us;
	bool clock; /* the server told its time: */
	int64_t ahead_us, error_us;

	char policy[32]; /* "noeviction" */
	int64_t memory_limit, memory_used;
	bool full; /* a command was refused for want of memory */
	char append_only[8], fsync[16]; /* "yes", "everysec" */
	char save[200];			/* "3600 1 300 100" */
	bool save_known;

	struct deadline_terms terms;
};

void checkup_forget(struct checkup_facts *k);

/* Each fills in all of F. */
void checkup_judge_reach(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_tls(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_login(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_server(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_role(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_latency(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_clock(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_memory(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_eviction(
    const struct checkup_facts *k, struct checkup_finding *f);
void checkup_judge_persistence(
    const struct checkup_facts *k, struct checkup_finding *f);

/* Whether ADDRESS, as text, is one of this very machine's loopback. */
bool checkup_is_loopback(const char *address);
/* The line "FIELD:value" of what INFO says; false if there is none. */
bool checkup_info(const char *info, const char *field, char *dst, size_t size);

/* ------------------------------------------------------------------ */
/* checkup_rights.c */

#define CHECKUP_COMMANDS 5 /* that need rights: run, status, ... */
#define CHECKUP_RIGHTS 40  /* at most */

struct checkup_rights {
	enum {
		CHECKUP_HAS,
		CHECKUP_LACKS,
		CHECKUP_ABSENT,
		CHECKUP_UNTRIED /* for want of another one */
	} has[CHECKUP_RIGHTS];
	/* Rights to keys show only with a command that one may give. */
	bool keys_tried, keys_denied, channels_tried, channels_denied;
	bool full; /* as in the facts */
};

/* What is asked to try right N; NULL if there is no such right. */
struct checkup_probe {
	const char *words[8]; /* ends with NULL */
	char key[720];	      /* of no lock, and of nobody else */
};

/* The Nth trial, from 0 on; the last one subscribes.  False: no more. */
bool checkup_rights_probe(struct checkup_probe *p, size_t n, const char *prefix,
    const char *name, const char *random);
/* REPLY is what the server said to it. */
void checkup_rights_note(
    struct checkup_rights *r, size_t n, const struct reply *reply);
/* What is missing for command N: "run", "status", "reset", "reset-all". */
void checkup_rights_judge(const struct checkup_rights *r, size_t n,
    const char *user, const char *prefix, struct checkup_finding *f);

#endif
