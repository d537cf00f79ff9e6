/* Task: the verb sources: who is connected, who is slowed or refused, and lifting that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/throttle.h"
#include "broker/admin/admin.h"
#include "broker/listen/sources.h"
#include "broker/connections/connections.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "config/rights.h"
#include "core/log.h"

#define ROWS_MAX 1000 /* of either list; the worst, and who has the most connections */

/* The rows of one list. */
struct rows {
	char *mem;
	size_t size, count, room; /* bytes of one; how many there are, and fit */
	int failed;               /* no memory */
};

static void add_row(struct rows *rows, const void *row)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 64;
		char *mem = reallocarray(rows->mem, room, rows->size);

		if (!mem) {
			rows->failed = 1;
			return;
		}
		rows->mem = mem;
		rows->room = room;
	}
	memcpy(rows->mem + rows->count++ * rows->size, row, rows->size);
}

static void add_source(void *arg, const struct sources_row *row)
{
	add_row(arg, row);
}

static void add_penalty(void *arg, const struct throttle_row *row)
{
	add_row(arg, row);
}

static int most_connections(const void *a, const void *b)
{
	const struct sources_row *x = a, *y = b;

	if (x->connections != y->connections)
		return x->connections < y->connections ? 1 : -1;
	return strcmp(x->text, y->text);
}

static int worst(const void *a, const void *b)
{
	const struct throttle_row *x = a, *y = b;

	if (x->is_net != y->is_net)
		return x->is_net - y->is_net;
	if (x->failures != y->failures)
		return x->failures < y->failures ? 1 : -1;
	return memcmp(x->prefix.address.bytes, y->prefix.address.bytes, 16);
}

static size_t shown(const struct rows *rows)
{
	return rows->count < ROWS_MAX ? rows->count : ROWS_MAX;
}

/* "192.0.2.7", "2001:db8:1:2::/64". */
static void prefix_text(const struct throttle_row *row, char text[SOURCES_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX];

	address_text(&row->prefix.address, address);
	if (row->prefix.bits == 32 && row->prefix.address.size == 4)
		snprintf(text, SOURCES_TEXT_MAX, "%s", address);
	else
		snprintf(text, SOURCES_TEXT_MAX, "%s/%u", address, row->prefix.bits);
}

/* --- text --- */

static void rest_text(struct channel *channel, const struct rows *rows)
{
	if (rows->count > ROWS_MAX)
		channel_print(channel, "and %zu more\n", rows->count - ROWS_MAX);
}

static void sources_text(struct channel *channel, const struct rows *rows)
{
	const struct sources_row *row = (const struct sources_row *)(const void *)rows->mem;
	size_t i;

	for (i = 0; i < shown(rows); i++, row++)
		channel_print(channel, "%-43s %llu connected, %llu of them not logged in\n",
			row->text, (unsigned long long)row->connections,
			(unsigned long long)row->fresh);
	rest_text(channel, rows);
}

static void penalties_text(struct channel *channel, const struct rows *rows)
{
	const struct throttle_row *row = (const struct throttle_row *)(const void *)rows->mem;
	char text[SOURCES_TEXT_MAX];
	size_t i;

	for (i = 0; i < shown(rows); i++, row++) {
		prefix_text(row, text);
		channel_print(channel, "%-43s %u failures, answers delayed by %u.%03u s%s", text,
			row->failures, row->delay_ms / 1000, row->delay_ms % 1000,
			row->refused_ms ? "" : "\n");
		if (row->refused_ms)
			channel_print(channel, ", refused for %lld s\n",
				(long long)((row->refused_ms + 999) / 1000));
	}
	rest_text(channel, rows);
}

/* --- JSON --- */

static json_t *sources_json(const struct rows *rows)
{
	const struct sources_row *row = (const struct sources_row *)(const void *)rows->mem;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < shown(rows); i++, row++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "source", row->text,
						    "connections", (json_int_t)row->connections,
						    "unauthenticated", (json_int_t)row->fresh));
	return list;
}

static json_t *penalties_json(const struct rows *rows)
{
	const struct throttle_row *row = (const struct throttle_row *)(const void *)rows->mem;
	json_t *list = json_array();
	char text[SOURCES_TEXT_MAX];
	size_t i;

	for (i = 0; i < shown(rows); i++, row++) {
		prefix_text(row, text);
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:I, s:f, s:f}", "source", text, "net",
				      row->is_net, "failures", (json_int_t)row->failures, "delay",
				      (double)row->delay_ms / 1000, "refused_for",
				      (double)row->refused_ms / 1000));
	}
	return list;
}

/* --- the verb --- */

static int64_t now_ms(const struct verb_call *call)
{
	return (int64_t)(loop_now(login_loop(call->login)) / LOOP_MSEC);
}

static void show(struct verb_call *call)
{
	struct rows connected = {.size = sizeof(struct sources_row)};
	struct rows penalties = {.size = sizeof(struct throttle_row)};
	const struct broker_context *context = login_context(call->login);

	connections_each_source(context->connections, add_source, &connected);
	throttle_each(context->throttle, now_ms(call), add_penalty, &penalties);
	if (connected.count)
		qsort(connected.mem, connected.count, connected.size, most_connections);
	if (penalties.count)
		qsort(penalties.mem, penalties.count, penalties.size, worst);
	if (connected.failed || penalties.failed) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
	} else if (call->json) {
		json_answer(call->channel,
			json_pack("{s:o, s:o}", "connected", sources_json(&connected), "penalties",
				penalties_json(&penalties)));
		channel_exit(call->channel, STATUS_OK, NULL);
	} else {
		penalties_text(call->channel, &penalties);
		sources_text(call->channel, &connected);
		channel_exit(call->channel, STATUS_OK, NULL);
	}
	free(connected.mem);
	free(penalties.mem);
}

static void clear(struct verb_call *call, const char *address)
{
	struct net_block block;

	if (net_block_parse(address, &block) < 0) {
		channel_exit(call->channel, STATUS_USAGE,
			"sources: invalid address %s; see: help sources", address);
		return;
	}
	throttle_forget(login_context(call->login)->throttle, &block.address);
	log_write(LOG_LEVEL_INFO, channel_tag(call->channel), "%s lifts the penalty of %s",
		login_who(call->login), address);
	channel_exit(call->channel, STATUS_OK, NULL);
}

struct sources_arguments {
	const char *clear;
};

static void run(struct verb_call *call, const void *options)
{
	const struct sources_arguments *arguments = options;

	if (arguments->clear)
		clear(call, arguments->clear);
	else
		show(call);
}

static const struct verb_option sources_options[] = {
	VERB_OPTION_JSON,
	{"clear", OPTION_TEXT, offsetof(struct sources_arguments, clear), "ADDRESS",
		.help = "forget its failed logins"},
};

const struct verb verb_sources = {.name = "sources",
	.example = "--clear 192.0.2.7",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "sources [--json | --clear ADDRESS]",
	.summary = "who is connected, slowed or refused, by address; lift that",
	VERB_OPTIONS(sources_options, struct sources_arguments),
	.run = run};
