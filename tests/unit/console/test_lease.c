/* Who may take a keyboard while it is leased, what becomes of a lease, who is told of room. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "console/guest/console_private.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"
#include "core/loop.h"

#define VM_UUID "d2b6c2b2-6f4e-4a0a-9f39-6d8c3f6a2a11"

struct told {
	int keyboard, notices, rooms; /* how often */
	char text[LEASE_WHY_MAX];
};

struct world {
	char folder[64];
	struct loop *loop;
	struct console_options options;
	struct directory *directory;
	struct console *console;
	struct viewer *alice, *bob, *carol;
	struct told told[3];
	int ended;
	char how[LEASE_WHY_MAX];
};

static void ignore(void *arg)
{
}

static void on_room(void *arg)
{
	((struct told *)arg)->rooms++;
}

static void on_event(void *arg, const struct console_event *event)
{
	struct told *t = arg;

	t->keyboard += event->kind == CONSOLE_EV_KEYBOARD;
	t->notices += event->kind == CONSOLE_EV_NOTICE;
	if (event->kind == CONSOLE_EV_NOTICE)
		snprintf(t->text, sizeof(t->text), "%s", event->text);
}

static const struct viewer_events events = {ignore, on_room, on_event};

static struct viewer *join(struct world *w, const char *who, struct told *told)
{
	const struct viewer_owner owner = {.who = who};
	struct viewer *v;

	assert_int_equal(viewer_create(w->console, &owner, &events, told, &v), 0);
	return v;
}

static void on_ended(void *holder, const struct console *c, const char *how)
{
	struct world *w = holder;

	w->ended++;
	snprintf(w->how, sizeof(w->how), "%s", how ? how : "with the console");
}

static int begin(void **state, int many_writers)
{
	struct world *w = calloc(1, sizeof(*w));
	struct uuid uuid;
	char path[128];
	FILE *f;

	snprintf(w->folder, sizeof(w->folder), "/tmp/lease.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(path, sizeof(path), "%s/guests", w->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, VM_UUID " 4000000000 serial:0 web\n");
	fclose(f);
	w->loop = loop_create();
	w->options = (struct console_options){
		.history_memory = 65536, .state_dir = w->folder, .many_writers = many_writers};
	assert_int_equal(directory_create(w->loop, w->folder, &w->options, &w->directory), 0);
	assert_int_equal(uuid_parse(VM_UUID, &uuid), 0);
	assert_int_equal(
		guest_console(directory_by_uuid(w->directory, &uuid), NULL, &w->console), 0);
	w->alice = join(w, "alice", &w->told[0]);
	w->bob = join(w, "bob", &w->told[1]);
	w->carol = join(w, "carol", &w->told[2]);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	return begin(state, 0);
}

static int setup_many(void **state)
{
	return begin(state, 1);
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	viewer_destroy(&w->alice);
	viewer_destroy(&w->bob);
	viewer_destroy(&w->carol);
	directory_destroy(&w->directory);
	loop_destroy(w->loop);
	snprintf(command, sizeof(command), "rm -r %s", w->folder);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static void lease_of(struct world *w, struct viewer *v, uint64_t ttl_us, char token[TOKEN_ROOM])
{
	const struct lease_terms terms = {
		.who = viewer_who(v), .ttl_us = ttl_us, .holder = w, .ended = on_ended};

	assert_int_equal(viewer_lease(v, &terms, token), 0);
}

/* Alice's, who is in no way connected by it any more. */
static void alice_leases(struct world *w, char token[TOKEN_ROOM])
{
	assert_int_equal(viewer_take_to_lease(w->alice), 0);
	lease_of(w, w->alice, 60 * LOOP_SECOND, token);
}

static int show(struct viewer *v, const char *token)
{
	char why[LEASE_WHY_MAX];

	return viewer_show_lease(v, token, why);
}

/* --- tests --- */

static void only_who_has_the_token_types(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM], text[KEYBOARD_TEXT_MAX];

	alice_leases(w, token);
	assert_int_equal(strlen(token), TOKEN_LENGTH);
	assert_int_equal(viewer_take(w->alice, 0), -EBUSY);
	assert_int_equal(viewer_take(w->bob, 0), -EBUSY);
	assert_ptr_equal(
		strstr(console_keyboard_text(w->console, text), "alice (leased until "), text);
	assert_int_equal(show(w->carol, token), 0);
	assert_int_equal(viewer_take(w->carol, 0), 0);
	/* One at a time, under a lease as well; and it is not for others when that one goes. */
	assert_int_equal(show(w->bob, token), 0);
	assert_int_equal(viewer_take(w->bob, 0), -EBUSY);
	viewer_destroy(&w->carol);
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
	viewer_yield(w->bob);
	assert_int_equal(viewer_mode(w->alice), VIEWER_WAITS);
	assert_int_equal(w->ended, 0);
}

static void a_wrong_token_is_told_from_one_that_has_gone(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM], why[LEASE_WHY_MAX];

	assert_int_equal(viewer_show_lease(w->bob, "", why), -EACCES);
	alice_leases(w, token);
	token[0] ^= 1;
	assert_int_equal(viewer_show_lease(w->bob, token, why), -EACCES);
	assert_non_null(strstr(why, "no such lease"));
	token[0] ^= 1;
	assert_int_equal(console_lease_release(w->console, token, why), 0);
	assert_string_equal(w->how, "released");
	assert_int_equal(viewer_show_lease(w->bob, token, why), -EACCES);
	assert_non_null(strstr(why, "has ended at 20"));
	assert_non_null(strstr(why, ": released"));
	assert_int_equal(console_lease_release(w->console, token, why), -EACCES);
	assert_int_equal(w->ended, 1);
}

static void its_end_gives_the_keyboard_to_who_waits_longest(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	alice_leases(w, token);
	assert_int_equal(viewer_take(w->bob, 0), -EBUSY);
	assert_int_equal(viewer_take(w->carol, 0), -EBUSY);
	console_lease_end(w->console, "test");
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
	assert_int_equal(viewer_mode(w->carol), VIEWER_WAITS);
	assert_null(console_lease(w->console));
}

static void who_types_at_its_end_keeps_the_keyboard(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	alice_leases(w, token);
	assert_int_equal(show(w->carol, token), 0);
	assert_int_equal(viewer_take(w->carol, 0), 0);
	assert_int_equal(viewer_take(w->bob, 0), -EBUSY);
	console_lease_end(w->console, "test");
	assert_int_equal(viewer_mode(w->carol), VIEWER_WRITES);
	assert_int_equal(w->told[2].notices, 1);
	assert_int_equal(w->told[1].notices, 0);
	viewer_yield(w->carol);
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
}

static void force_breaks_it_and_its_users_are_told(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	alice_leases(w, token);
	assert_int_equal(show(w->carol, token), 0);
	assert_int_equal(viewer_take(w->carol, 0), 0);
	assert_int_equal(viewer_take(w->alice, 0), -EBUSY);
	assert_int_equal(viewer_take(w->bob, 1), 0);
	assert_string_equal(w->how, "broken by bob");
	assert_string_equal(w->told[2].text, "the lease of the keyboard has ended: broken by bob");
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
	assert_int_equal(viewer_mode(w->carol), VIEWER_WAITS);
	assert_int_equal(viewer_mode(w->alice), VIEWER_WAITS);
	assert_int_equal(show(w->alice, token), -EACCES);
}

static void force_of_who_has_the_token_breaks_nothing(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	alice_leases(w, token);
	assert_int_equal(show(w->carol, token), 0);
	assert_int_equal(show(w->bob, token), 0);
	assert_int_equal(viewer_take(w->carol, 0), 0);
	assert_int_equal(viewer_take(w->bob, 1), 0);
	assert_int_equal(viewer_mode(w->carol), VIEWER_WAITS);
	assert_non_null(console_lease(w->console));
}

static void it_waits_for_the_keyboard_among_the_others(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	assert_int_equal(viewer_take(w->carol, 0), 0);
	assert_int_equal(viewer_take_to_lease(w->bob), -EBUSY);
	assert_int_equal(viewer_take(w->alice, 0), -EBUSY);
	viewer_yield(w->carol);
	assert_int_equal(viewer_mode(w->alice), VIEWER_WRITES); /* here longest */
	viewer_yield(w->alice);
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
	lease_of(w, w->bob, 60 * LOOP_SECOND, token);
	assert_int_equal(viewer_take(w->alice, 0), -EBUSY);
}

static void many_writers_wait_while_it_is_leased(void **state)
{
	struct world *w = *state;
	char token[TOKEN_ROOM];

	assert_int_equal(viewer_take(w->carol, 0), 0);
	assert_int_equal(viewer_take_to_lease(w->alice), -EBUSY);
	viewer_yield(w->carol);
	assert_int_equal(viewer_mode(w->alice), VIEWER_WRITES);
	lease_of(w, w->alice, 60 * LOOP_SECOND, token);
	assert_int_equal(viewer_take(w->bob, 0), -EBUSY);
	assert_int_equal(viewer_take(w->carol, 0), -EBUSY);
	console_lease_end(w->console, "test");
	assert_int_equal(viewer_mode(w->bob), VIEWER_WRITES);
	assert_int_equal(viewer_mode(w->carol), VIEWER_WRITES);
}

static void end_loop(void *arg)
{
	loop_exit(arg, 0);
}

static void its_time_ends_it(void **state)
{
	struct world *w = *state;
	struct loop_timer *late;
	char token[TOKEN_ROOM];

	assert_int_equal(viewer_take_to_lease(w->alice), 0);
	lease_of(w, w->alice, 50 * LOOP_MSEC, token);
	assert_int_equal(loop_timer_add(w->loop, &late, end_loop, w->loop), 0);
	loop_timer_set(late, 300 * LOOP_MSEC, 0);
	assert_int_equal(loop_run(w->loop), 0);
	loop_timer_del(&late);
	assert_string_equal(w->how, "its time was over");
	assert_int_equal(viewer_take(w->bob, 0), 0);
}

static void only_who_was_given_the_keyboard_to_lease_it_leases_it(void **state)
{
	struct world *w = *state;
	const struct lease_terms terms = {.who = "bob", .ttl_us = LOOP_SECOND, .ended = on_ended};
	char token[TOKEN_ROOM];

	assert_int_equal(viewer_lease(w->bob, &terms, token), -EPERM);
	assert_int_equal(viewer_take(w->bob, 0), 0);
	assert_int_equal(viewer_lease(w->bob, &terms, token), -EPERM);
}

/* --- who is told of room --- */

/* Answers of the back end, one for each send; then it accepts everything. */
static const int *answers;

static int send_some(struct backend *b, const uint8_t *data, size_t len)
{
	return *answers == 1 ? 1 : *answers++;
}

static void close_nothing(struct backend **b)
{
	*b = NULL;
}

static void open_console(struct world *w, const int *what)
{
	static const struct backend_ops ops = {send_some, close_nothing};
	static struct backend backend = {.ops = &ops};

	answers = what;
	w->console->link->backend = &backend;
	w->console->state = CONSOLE_OPEN;
}

static void who_waits_is_told_when_what_another_types_takes_it_along(void **state)
{
	static const int refused_once[] = {-EAGAIN, 1};
	const uint8_t byte = 'x';
	struct world *w = *state;

	open_console(w, refused_once);
	assert_int_equal(viewer_take(w->alice, 0), 0);
	assert_int_equal(viewer_take(w->bob, 0), 0);
	assert_int_equal(viewer_type(w->alice, &byte, 1), 1);
	assert_int_equal(viewer_typed_pending(w->alice), 1);
	assert_int_equal(viewer_type(w->bob, &byte, 1), 1);
	assert_int_equal(viewer_typed_pending(w->alice), 0);
	assert_int_equal(w->told[0].rooms, 1);
	/* Nobody waits now. */
	assert_int_equal(viewer_type(w->bob, &byte, 1), 1);
	assert_int_equal(w->told[0].rooms, 1);
}

/* Nobody types another key, and the back end, which had no memory or thread, has nothing to tell.
 */
static void what_could_not_be_sent_is_sent_later(void **state)
{
	static const int refused_twice[] = {-ENOMEM, -EAGAIN, 1};
	const uint8_t byte = 'x';
	struct world *w = *state;
	uint64_t end = loop_now(w->loop) + 100 * LOOP_SECOND;

	open_console(w, refused_twice);
	assert_int_equal(viewer_take(w->alice, 0), 0);
	assert_int_equal(viewer_type(w->alice, &byte, 1), 1);
	assert_int_equal(viewer_typed_pending(w->alice), 1);
	while (viewer_typed_pending(w->alice)) {
		assert_true(loop_now(w->loop) < end);
		assert_int_equal(loop_turn(w->loop, LOOP_SECOND), 0);
	}
	assert_int_equal(w->told[0].rooms, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(only_who_has_the_token_types),
		TEST(a_wrong_token_is_told_from_one_that_has_gone),
		TEST(its_end_gives_the_keyboard_to_who_waits_longest),
		TEST(who_types_at_its_end_keeps_the_keyboard),
		TEST(force_breaks_it_and_its_users_are_told),
		TEST(force_of_who_has_the_token_breaks_nothing),
		TEST(it_waits_for_the_keyboard_among_the_others),
		cmocka_unit_test_setup_teardown(
			many_writers_wait_while_it_is_leased, setup_many, teardown),
		cmocka_unit_test_setup_teardown(
			who_waits_is_told_when_what_another_types_takes_it_along, setup_many,
			teardown),
		TEST(what_could_not_be_sent_is_sent_later), TEST(its_time_ends_it),
		TEST(only_who_was_given_the_keyboard_to_lease_it_leases_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
