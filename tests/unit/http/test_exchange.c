/* A request that the broker answers, with the test at the broker's end of the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/exchange/exchange.h"
#include "wire/status.h"

#define PATH "/vm/x/wait"

struct world {
	struct loop *loop;
	struct line door, broker; /* the login's */
	struct line line;         /* the request's, at the broker's end */
	struct http_request request;
	struct http_target target;
	struct buf in, out;
	struct exchange *exchange;
};

static void wake(void *arg)
{
}

static void take_line(struct world *w)
{
	struct line_message m;

	assert_int_equal(line_receive(&w->broker, &m), 1);
	assert_int_equal(m.type, WIRE_OPEN);
	line_init(&w->line, line_take_fd(&m, 0), WIRE_CHANNEL, WIRE_BROKER);
	line_message_finish(&m);
	assert_int_equal(line_receive(&w->line, &m), 1);
	assert_int_equal(m.type, WIRE_EXEC);
	line_message_finish(&m);
}

static void begin(struct world *w)
{
	struct exchange_options o = {.login = &w->door,
		.request = &w->request,
		.command = "wait x --json",
		.json = true,
		.in = &w->in,
		.out = &w->out,
		.wake = wake};
	const char *allow;
	int fds[2];

	*w = (struct world){
		.request = {.method = HTTP_METHOD_POST, .minor = 1, .keep_alive = true}};
	w->loop = o.loop = loop_create();
	assert_non_null(w->loop);
	assert_int_equal(line_pair(fds), 0);
	line_init(&w->door, fds[0], WIRE_HTTPS, WIRE_DOOR);
	line_init(&w->broker, fds[1], WIRE_HTTPS, WIRE_BROKER);
	w->door.state = w->broker.state = WIRE_RUNNING;
	buf_init(&w->out, 2 * EXCHANGE_OUT_MAX);
	buf_init(&w->in, 1);
	assert_int_equal(http_target_parse(&w->target, PATH), 0);
	o.route = route_find(HTTP_METHOD_POST, &w->target, &allow);
	assert_non_null(o.route);
	assert_int_equal(exchange_create(&o, &w->exchange), 0);
	take_line(w);
}

static void finish(struct world *w)
{
	exchange_destroy(w->exchange);
	line_finish(&w->line);
	line_finish(&w->door);
	line_finish(&w->broker);
	buf_finish(&w->in);
	buf_finish(&w->out);
	loop_destroy(w->loop);
}

/* What the verb prints, and its end with 0; the answer as text. */
static const char *answer(struct world *w, size_t len)
{
	static const char text[WIRE_PAYLOAD_MAX];
	const struct wire_exit done = {.status = STATUS_OK};
	size_t piece;

	for (; len > 0; len -= piece) {
		piece = len < sizeof(text) ? len : sizeof(text);
		assert_int_equal(line_send(&w->line, WIRE_OUT, NULL, text, piece), 0);
		exchange_output(w->exchange);
	}
	assert_int_equal(line_send(&w->line, WIRE_EXIT, &done, NULL, 0), 0);
	exchange_output(w->exchange);
	assert_int_equal(exchange_state(w->exchange), EXCHANGE_ENDED);
	assert_int_equal(buf_add(&w->out, "", 1), 0);
	return (const char *)buf_data(&w->out);
}

static void a_verbs_answer_that_fits_is_whole(void **state)
{
	struct world w;
	const char *text, *body;

	begin(&w);
	text = answer(&w, EXCHANGE_HELD_MAX);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nContent-Length: 65536\r\n"));
	body = strstr(text, "\r\n\r\n") + 4;
	assert_int_equal(buf_len(&w.out) - (size_t)(body - text), EXCHANGE_HELD_MAX + 1);
	finish(&w);
}

static void one_that_is_too_long_is_an_error_and_no_part_of_it(void **state)
{
	struct world w;
	const char *text;

	begin(&w);
	text = answer(&w, EXCHANGE_HELD_MAX + 1);
	assert_memory_equal(text, "HTTP/1.1 500 Internal Server Error\r\n", 36);
	assert_string_equal(strstr(text, "\r\n\r\n") + 4,
		"{\"error\":\"the answer is longer than 64 KiB\",\"status\":70}\n");
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verbs_answer_that_fits_is_whole),
		cmocka_unit_test(one_that_is_too_long_is_an_error_and_no_part_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
