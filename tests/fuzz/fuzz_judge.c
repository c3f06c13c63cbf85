/* SPDX-License-Identifier: MIT */
/* What an error means, and that no secret of ours is in what is said of it. */
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "fuzz.h"
#include "session_inner.h"
#include "status.h"
#include "url.h"

static void
check(const struct failure *f, const char *secret)
{
	const char *said = strstr(f->text, ": ");

	/* What stands before it is ours, it too; "*" may be what hides another. */
	REQUIRE(said != NULL);
	said += 2;
	/* All of this is ours but the name of a command. */
	if (strstr(said, "(ACL SETUSER") != NULL)
		return;
	if (*secret != '\0' && strchr(secret, '*') == NULL)
		REQUIRE(strstr(said, secret) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct url url = { .host = "h" };
	struct session s = { .settings.url = &url, .endpoint = "db1" };
	enum session_topic topic = (enum session_topic)(fuzz_byte(&in) % 4);
	struct failure f = { .status = -1 };
	struct reply_verdict v;
	size_t len, n;
	char *password = fuzz_word(&in, '\0', &len);
	char *other = fuzz_word(&in, '\0', &n);
	char *text = fuzz_word(&in, '\0', &len);

	/* A blank or a letter is in every message: no secret. */
	if (strlen(password) > 5)
		s.settings.password = password;
	if (n > 5 && n < sizeof(url.password))
		memcpy(url.password, other, n);
	v = session_judge(&s, text, topic, &f);
	REQUIRE(v.result == SESSION_RETRY || v.result == SESSION_REFUSED ||
	    v.result == SESSION_ERROR);
	REQUIRE(v.status == STATUS_UNAVAILABLE || v.status == STATUS_REFUSED ||
	    v.status == STATUS_CONFIG);
	REQUIRE(f.status == v.status ||
	    (topic == TOPIC_SELECT && f.status == STATUS_CONFIG));
	REQUIRE(strlen(f.text) < sizeof(f.text));
	if (s.settings.password != NULL)
		check(&f, s.settings.password);
	check(&f, url.password);
	free(password);
	free(other);
	free(text);
	return 0;
}
