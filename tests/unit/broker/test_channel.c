/* A channel line in the broker, with no login behind it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <cmocka.h>

#include "broker/channel/channel.h"
#include "wire/line.h"

/* --- its owner --- */

static struct loop *loop;
static int asked, closed;

static bool may_pty(const struct login *login)
{
	return true;
}

static void on_asked(struct channel *c, const char *command, size_t len)
{
	asked++;
}

static void who(void *arg, struct audit_record *r)
{
}

static void on_closed(struct login *login, const struct audit_trail *trail)
{
	closed++;
}

/* --- the door's end --- */

struct end {
	struct line line;
	struct channel_owner owner;
	struct channel *channel;
	struct channel_list list;
	size_t out;
	char err[1024];
	int status; /* -1: no EXIT yet */
};

static void begin(struct end *e)
{
	struct wire_request request = {0};
	int fds[2];

	*e = (struct end){.status = -1};
	asked = closed = 0;
	loop = loop_create();
	assert_non_null(loop);
	assert_int_equal(line_pair(fds), 0);
	line_init(&e->line, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	e->owner = (struct channel_owner){.loop = loop,
		.tag = "c1",
		.may_pty = may_pty,
		.asked = on_asked,
		.who = who,
		.closed = on_closed};
	assert_int_equal(channel_accept(&e->owner, fds[1], 0, &e->channel), 0);
	LIST_INIT(&e->list);
	channel_link(e->channel, &e->list);
	assert_int_equal(line_send(&e->line, WIRE_SHELL, &request, NULL, 0), 0);
	while (!asked)
		assert_true(loop_turn(loop, LOOP_SECOND) >= 0);
}

/* Reads what is there. */
static void read_line(struct end *e)
{
	struct line_message m;
	struct wire_exit last;

	while (line_receive(&e->line, &m) == 1) {
		if (m.type == WIRE_OUT) {
			e->out += m.payload_len;
		} else if (m.type == WIRE_ERR) {
			size_t used = strlen(e->err);

			snprintf(e->err + used, sizeof(e->err) - used, "%.*s", (int)m.payload_len,
				(const char *)m.payload);
		} else {
			assert_int_equal(m.type, WIRE_EXIT);
			memcpy(&last, m.fixed, sizeof(last));
			e->status = last.status;
		}
		line_message_finish(&m);
	}
}

static void read_to_exit(struct end *e)
{
	while (e->status < 0) {
		assert_true(loop_turn(loop, 10 * LOOP_MSEC) >= 0);
		read_line(e);
	}
}

static void finish(struct end *e)
{
	line_finish(&e->line);
	while (!closed) /* what is deferred runs before a turn waits */
		assert_true(loop_turn(loop, 10 * LOOP_MSEC) >= 0);
	loop_destroy(loop);
}

static void send_signal(struct end *e, const char *name)
{
	assert_int_equal(line_send(&e->line, WIRE_SIGNAL, NULL, name, strlen(name)), 0);
}

/* --- what a user would miss --- */

static void an_answer_that_is_too_long_does_not_end_as_if_it_were_whole(void **state)
{
	static char text[1024];
	struct end e;
	size_t i;

	begin(&e);
	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < 2 * CHANNEL_TEXT_MAX / sizeof(text); i++)
		channel_print(e.channel, "%s\n", text);
	channel_exit(e.channel, STATUS_OK, NULL);
	read_to_exit(&e);
	assert_int_equal(e.status, STATUS_LIMIT);
	assert_non_null(strstr(e.err, "cut after 4194304 bytes"));
	assert_true(e.out >= CHANNEL_TEXT_MAX && e.out < 2 * CHANNEL_TEXT_MAX);
	finish(&e);
}

static void an_answer_that_fits_is_whole(void **state)
{
	static char text[1024];
	struct end e;
	size_t i;

	begin(&e);
	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < CHANNEL_TEXT_MAX / sizeof(text); i++)
		channel_print(e.channel, "%s\n", text);
	channel_exit(e.channel, STATUS_OK, NULL);
	read_to_exit(&e);
	assert_int_equal(e.status, STATUS_OK);
	assert_string_equal(e.err, "");
	assert_true(e.out == CHANNEL_TEXT_MAX);
	finish(&e);
}

static enum channel_signal heard;
static int heard_count;

static void hear(void *handler, enum channel_signal signal)
{
	heard = signal;
	heard_count++;
}

static void signals_reach_what_understands_them(void **state)
{
	static const struct channel_ops ops = {.signal = hear};
	static const struct {
		const char *name;
		enum channel_signal signal;
	} rows[] = {{"INT", CHANNEL_INTERRUPT}, {"TERM", CHANNEL_LEAVE}, {"HUP", CHANNEL_LEAVE},
		{"KILL", CHANNEL_LEAVE}};
	struct end e;
	size_t i;

	begin(&e);
	channel_set_handler(e.channel, &ops, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		heard_count = 0;
		send_signal(&e, "WINCH");
		send_signal(&e, "USR1");
		send_signal(&e, "TERMINATE");
		send_signal(&e, "I");
		send_signal(&e, rows[i].name);
		while (!heard_count)
			assert_true(loop_turn(loop, LOOP_SECOND) >= 0);
		assert_int_equal(heard_count, 1);
		assert_int_equal(heard, rows[i].signal);
	}
	assert_int_equal(e.status, -1);
	finish(&e);
}

static void a_signal_ends_what_does_not_understand_it(void **state)
{
	struct end e;

	begin(&e);
	send_signal(&e, "WINCH");
	send_signal(&e, "INT");
	read_to_exit(&e);
	assert_int_equal(e.status, STATUS_OK);
	assert_string_equal(e.err, "vmconsoled: ended by signal INT\n");
	finish(&e);
}

/* --- a line that dies --- */

static unsigned ended;

static void count_end(void *handler)
{
	ended++;
}

static void word_before_the_end(void *handler, char where[CHANNEL_WHERE_MAX])
{
	struct channel *c = handler;

	channel_print(c, "the terminal in order\n");
}

static void say_print(struct channel *c)
{
	channel_print(c, "text\n");
}

static void say_complaint(struct channel *c)
{
	channel_complain(c, "text");
}

static void say_bytes(struct channel *c)
{
	assert_int_equal(channel_put(c, "text", 4), -EPIPE);
}

static void say_console_bytes(struct channel *c)
{
	assert_int_equal(channel_send(c, "text", 4), 0);
}

static void say_begin(struct channel *c)
{
	channel_begin(c, 0);
}

static void say_message(struct channel *c)
{
	struct wire_fault fault = {0};

	assert_true(channel_say(c, WIRE_FAULT, &fault, NULL, 0, -1) < 0);
}

static void say_socket(struct channel *c)
{
	assert_true(channel_hand_over(c, STDIN_FILENO, "", false) < 0);
}

static void ask_whether_ready(struct channel *c)
{
	(void)!channel_ready(c);
}

static void read_on(struct channel *c)
{
	channel_resume(c);
	channel_pause(c, 1);
	channel_pause(c, 0);
	channel_rights_changed(c);
}

static void say_the_end(struct channel *c)
{
	channel_exit(c, STATUS_OK, "the end");
}

typedef void (*word_fn)(struct channel *c);
static const word_fn words[] = {say_print, say_complaint, say_bytes, say_console_bytes, say_begin,
	say_message, say_socket, ask_whether_ready, read_on};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* Each word as the first one on a dead line, and then all others: who says them has still his
 * handler, up to the end of the turn, and loses it once. */
static void no_word_on_a_dead_line_ends_what_says_it(void **state)
{
	static const struct channel_ops ops = {.end = count_end};
	struct end e;
	size_t i, k;

	for (i = 0; i < WORDS; i++) {
		begin(&e);
		ended = 0;
		channel_set_handler(e.channel, &ops, NULL);
		line_finish(&e.line);
		words[i](e.channel);
		for (k = 0; k < WORDS; k++)
			words[k](e.channel);
		assert_int_equal(ended, 0);
		assert_int_equal(closed, 0);
		finish(&e);
		assert_int_equal(ended, 1);
		assert_int_equal(closed, 1);
	}
}

static void a_dead_line_is_closed_after_the_turn_without_being_read(void **state)
{
	struct end e;

	begin(&e);
	line_finish(&e.line);
	channel_print(e.channel, "text\n");
	assert_true(channel_is_exiting(e.channel));
	assert_int_equal(closed, 0);
	assert_true(loop_turn(loop, 0) >= 0);
	assert_int_equal(closed, 1);
	finish(&e);
}

/* The end is the one word that lets go at once: unless the line is found dead before it. */
static void the_end_said_on_a_dead_line_lets_go_once(void **state)
{
	static const struct channel_ops silent = {.end = count_end};
	static const struct channel_ops speaks = {.leave = word_before_the_end, .end = count_end};
	struct end e;
	size_t i;

	begin(&e);
	ended = 0;
	channel_set_handler(e.channel, &silent, NULL);
	line_finish(&e.line);
	say_the_end(e.channel);
	assert_int_equal(ended, 1);
	for (i = 0; i < WORDS; i++)
		words[i](e.channel);
	say_the_end(e.channel);
	finish(&e);
	assert_int_equal(ended, 1);

	begin(&e);
	ended = 0;
	channel_set_handler(e.channel, &speaks, e.channel);
	line_finish(&e.line);
	say_the_end(e.channel);
	say_the_end(e.channel);
	assert_int_equal(ended, 0);
	finish(&e);
	assert_int_equal(ended, 1);
}

/* The handler's input is where most words are said from. */
static size_t answer_and_go_on(void *handler, const uint8_t *data, size_t len)
{
	struct end *e = handler;
	size_t i;

	line_finish(&e->line);
	for (i = 0; i < WORDS; i++)
		words[i](e->channel);
	assert_int_equal(ended, 0);
	return len - 1;
}

static void a_line_that_dies_while_input_is_taken_is_closed_once(void **state)
{
	static const struct channel_ops ops = {.input = answer_and_go_on, .end = count_end};
	struct end e;

	begin(&e);
	ended = 0;
	channel_set_handler(e.channel, &ops, &e);
	assert_int_equal(line_send(&e.line, WIRE_DATA, NULL, "typed", 5), 0);
	while (!closed) /* what is deferred runs before a turn waits */
		assert_true(loop_turn(loop, 10 * LOOP_MSEC) >= 0);
	assert_int_equal(ended, 1);
	loop_destroy(loop);
}

/* A line that is readable and not read wakes the loop without an end. */
static void what_is_told_behind_the_end_is_read_though_reading_was_paused(void **state)
{
	struct end e;
	int unread = 1;

	begin(&e);
	channel_pause(e.channel, 1);
	say_the_end(e.channel);
	read_to_exit(&e);
	assert_int_equal(line_send(&e.line, WIRE_DATA, NULL, "typed", 5), 0);
	while (unread && !closed) {
		assert_true(loop_turn(loop, LOOP_MSEC) >= 0);
		assert_int_equal(ioctl(e.line.fd, SIOCOUTQ, &unread), 0);
	}
	assert_int_equal(unread, 0);
	assert_int_equal(closed, 0);
	finish(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_that_is_too_long_does_not_end_as_if_it_were_whole),
		cmocka_unit_test(an_answer_that_fits_is_whole),
		cmocka_unit_test(signals_reach_what_understands_them),
		cmocka_unit_test(a_signal_ends_what_does_not_understand_it),
		cmocka_unit_test(no_word_on_a_dead_line_ends_what_says_it),
		cmocka_unit_test(a_dead_line_is_closed_after_the_turn_without_being_read),
		cmocka_unit_test(the_end_said_on_a_dead_line_lets_go_once),
		cmocka_unit_test(a_line_that_dies_while_input_is_taken_is_closed_once),
		cmocka_unit_test(what_is_told_behind_the_end_is_read_though_reading_was_paused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
