/* SPDX-License-Identifier: MIT */
#include "deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS DEADLINE_MS

static struct deadline_terms
terms_of(int64_t ttl_ms)
{
	struct deadline_terms t;

	deadline_terms(&t, ttl_ms, -1, -1);
	return t;
}

static void
the_defaults_are_those_of_the_manual(void **state)
{
	struct deadline_terms t = terms_of(30000);

	(void)state;
	assert_int_equal(t.renew, 10000 * MS);
	assert_int_equal(t.io, 2000 * MS);
	assert_int_equal(t.kill_after, 5000 * MS);
	assert_int_equal(t.slack, 300 * MS);
	assert_int_equal(t.drift, 302 * MS);
}

static void
the_lease_counts_from_the_send_and_ends_before_the_servers(void **state)
{
	struct deadline_terms t = terms_of(30000);
	int64_t sent = 1000 * MS;

	(void)state;
	assert_int_equal(deadline_lease(&t, sent), (1000 + 30000 - 302) * MS);
	assert_int_equal(deadline_kill_at(&t, 30000 * MS), 29700 * MS);
	assert_int_equal(deadline_term_at(&t, 30000 * MS), 24700 * MS);
}

static void
a_command_is_not_started_once_term_would_be_due(void **state)
{
	struct deadline_terms t = terms_of(30000);
	int64_t end = 100000 * MS;

	(void)state;
	assert_true(deadline_may_start(&t, end, deadline_term_at(&t, end) - 1));
	assert_false(deadline_may_start(&t, end, deadline_term_at(&t, end)));
}

static void
a_ttl_of_one_second_is_refused_and_the_next_one_fits(void **state)
{
	struct deadline_terms t = terms_of(1000);

	(void)state;
	assert_false(deadline_terms_fit(&t));
	t = terms_of(1001);
	assert_true(deadline_terms_fit(&t));
	assert_int_equal(deadline_smallest_ttl_ms(-1, -1), 1001);
}

static void
the_smallest_ttl_named_is_exactly_the_smallest(void **state)
{
	static const int64_t given[][2] = { { 10000, -1 }, { 0, 5000 },
		{ 600000, 60000 }, { -1, 1 }, { 86400000, -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		struct deadline_terms t;
		int64_t ttl = deadline_smallest_ttl_ms(given[i][0],
		    given[i][1]);

		deadline_terms(&t, ttl, given[i][0], given[i][1]);
		assert_true(deadline_terms_fit(&t));
		deadline_terms(&t, ttl - 1, given[i][0], given[i][1]);
		assert_false(deadline_terms_fit(&t));
	}
}

static void
a_renewal_moves_the_deadline_forward_only(void **state)
{
	struct deadline_terms t = terms_of(30000);
	struct deadline_cell c;

	(void)state;
	deadline_cell_init(&c, 30000 * MS);
	assert_true(deadline_cell_extend(&c, &t, 40000 * MS, 10000 * MS));
	assert_int_equal(deadline_cell_end(&c), 40000 * MS);
	assert_true(deadline_cell_extend(&c, &t, 35000 * MS, 10000 * MS));
	assert_int_equal(deadline_cell_end(&c), 40000 * MS);
}

static void
nothing_revives_a_lease_once_term_was_due(void **state)
{
	struct deadline_terms t = terms_of(30000);
	int64_t term = deadline_term_at(&t, 30000 * MS);
	struct deadline_cell c;

	(void)state;
	deadline_cell_init(&c, 30000 * MS);
	assert_false(deadline_cell_extend(&c, &t, 60000 * MS, term));
	assert_false(deadline_cell_expire(&c, &t, term - 1));
	assert_true(deadline_cell_expire(&c, &t, term));
	assert_true(deadline_cell_latched(&c));
	assert_false(deadline_cell_extend(&c, &t, 60000 * MS, 0));
	assert_int_equal(deadline_cell_end(&c), 30000 * MS);
}

static void
a_lock_known_to_be_lost_is_latched_before_its_time(void **state)
{
	struct deadline_terms t = terms_of(30000);
	struct deadline_cell c;

	(void)state;
	deadline_cell_init(&c, 30000 * MS);
	deadline_cell_latch(&c);
	deadline_cell_latch(&c);
	assert_true(deadline_cell_latched(&c));
	assert_int_equal(deadline_cell_end(&c), 30000 * MS);
	assert_true(deadline_cell_expire(&c, &t, 0));
}

static void
poll_never_wakes_before_the_instant_nor_overflows(void **state)
{
	(void)state;
	assert_int_equal(deadline_poll_ms(DEADLINE_NEVER, 0), -1);
	assert_int_equal(deadline_poll_ms(5, 5), 0);
	assert_int_equal(deadline_poll_ms(MS + 1, 0), 2);
	assert_int_equal(deadline_poll_ms(MS, 0), 1);
	assert_int_equal(deadline_poll_ms(INT64_MAX - 1, 0), 2147483647);
	assert_true(deadline_after_ms(-1) == DEADLINE_NEVER);
	assert_true(deadline_after_ms(INT64_MAX) == DEADLINE_NEVER);
}

/* Whatever the numbers: KILL, and what it may take, lie before the lease's end. */
static void
for_random_terms_the_order_of_instants_holds(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 100000; i++) {
		int64_t ttl = 1001 + random() % 100000000;
		struct deadline_terms t;
		int64_t sent = random(), end;

		deadline_terms(&t, ttl, random() % 2 ? random() % ttl : -1,
		    random() % 2 ? 1 + random() % ttl : -1);
		if (!deadline_terms_fit(&t))
			continue;
		end = deadline_lease(&t, sent);
		assert_true(end < sent + t.ttl);
		assert_true(deadline_kill_at(&t, end) < end);
		assert_true(deadline_term_at(&t, end) <=
		    deadline_kill_at(&t, end));
		assert_true(deadline_may_start(&t, end,
		    sent + t.renew + t.io));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_those_of_the_manual),
		cmocka_unit_test(
		    the_lease_counts_from_the_send_and_ends_before_the_servers),
		cmocka_unit_test(
		    a_command_is_not_started_once_term_would_be_due),
		cmocka_unit_test(
		    a_ttl_of_one_second_is_refused_and_the_next_one_fits),
		cmocka_unit_test(
		    the_smallest_ttl_named_is_exactly_the_smallest),
		cmocka_unit_test(a_renewal_moves_the_deadline_forward_only),
		cmocka_unit_test(nothing_revives_a_lease_once_term_was_due),
		cmocka_unit_test(
		    a_lock_known_to_be_lost_is_latched_before_its_time),
		cmocka_unit_test(
		    poll_never_wakes_before_the_instant_nor_overflows),
		cmocka_unit_test(for_random_terms_the_order_of_instants_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
