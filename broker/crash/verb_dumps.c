/* Task: the verb dumps: the crash dumps of one VM, or of all. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/dump/making.h"
#include "broker/files/file_store.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/sidecar/sidecars.h"
#include "broker/verb/json.h"
#include "broker/crash/making_json.h"
#include "broker/crash/crash.h"
#include "config/rights.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "core/text/escape.h"
#include "core/text/utc.h"
#include "core/file/error_text.h"

struct dumps {
	struct channel *channel;
	struct login *login;
	struct loop *loop;
	const struct guest *guest; /* NULL: the host */
	struct file_look *look;
	bool json;
};

static const struct guest *owner(const struct dumps *d, const struct dump_file *f)
{
	if (!f->known)
		return NULL;
	return directory_by_uuid(login_context(d->login)->directory, &f->guest);
}

static bool is_shown(void *arg, const struct dump_file *f)
{
	const struct dumps *d = arg;
	const struct guest *g = owner(d, f);

	if (d->guest)
		return g == d->guest;
	if (g)
		return (login_rights(d->login, g) & RIGHT_DUMP_GET) != 0;
	return (login_host_rights(d->login) & RIGHT_ADMIN) != 0;
}

static const char *state_of(const struct dump_file *f)
{
	return f->error ? "unreadable" : f->growing ? "growing" : "complete";
}

/* NULL: not known; lines: a VM's output, as the verb log would show it. */
static json_t *console_json(const struct sidecar *sidecar, bool lines)
{
	json_t *o, *array;
	const char *line, *end;

	if (!sidecar || !sidecar->text)
		return json_null();
	o = json_object();
	json_object_set_new(o, "offset", json_integer((json_int_t)sidecar->offset));
	if (!lines)
		return o;
	array = json_array();
	for (line = sidecar->text; (end = strchr(line, '\n')); line = end + 1)
		json_array_append_new(array, json_stringn(line, (size_t)(end - line)));
	json_object_set_new(o, "lines", array);
	return o;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* What is known of the file beside its name. */
static void add_sidecar(
	const struct dumps *d, json_t *o, const struct dump_file *f, const struct guest *g)
{
	const struct sidecar *c = sidecars_find(login_context(d->login)->sidecars, f);
	const struct dump_head *head = c ? &c->sum.head : NULL;
	bool lines = g && login_rights(d->login, g) & RIGHT_LOG;

	json_object_set_new(o, "sha256", text_or_null(c ? c->sum.sha256 : NULL));
	json_object_set_new(o, "kind", text_or_null(head ? dump_kind_name(head->kind) : NULL));
	json_object_set_new(o, "memory",
		head && head->memory ? json_integer((json_int_t)head->memory) : json_null());
	json_object_set_new(o, "console", console_json(c, lines));
}

static json_t *dump_json(const struct dumps *d, const struct dump_file *f, const struct guest *g)
{
	json_t *o = json_object();
	char when[UTC_TEXT];

	json_object_set_new(o, "name", json_string(f->safe));
	json_object_set_new(o, "size", json_integer((json_int_t)f->size));
	json_object_set_new(o, "time", json_string(utc_text(f->mtime, when)));
	json_object_set_new(o, "state", json_string(state_of(f)));
	if (f->error)
		json_object_set_new(o, "error", json_string(strerror(-f->error)));
	json_object_set_new(o, "uuid", g ? json_string(guest_uuid_text(g)) : json_null());
	json_object_set_new(o, "vm", g ? json_foreign(guest_name(g)) : json_null());
	add_sidecar(d, o, f, g);
	return o;
}

static void print_dump(const struct dumps *d, const struct dump_file *f, const struct guest *g)
{
	char when[UTC_TEXT], name[ESCAPE_ROOM(LOCATION_NAME_MAX)] = "-";

	if (g)
		escape_text(guest_name(g), strlen(guest_name(g)), name, sizeof(name));
	channel_print(d->channel, "%s  %13" PRIu64 "  %-10s  %s  %s\n", utc_text(f->mtime, when),
		f->size, state_of(f), f->safe, name);
}

/* --- those that are being made --- */

static json_t *making_as_json(const struct making_info *info, const struct guest *g)
{
	json_t *o = json_object();
	char when[UTC_TEXT];

	json_object_set_new(o, "name", json_string(info->file));
	json_object_set_new(o, "size", json_null());
	json_object_set_new(o, "time", json_string(utc_text(info->since, when)));
	json_object_set_new(o, "state", json_string("growing"));
	json_object_set_new(o, "uuid", json_string(guest_uuid_text(g)));
	json_object_set_new(o, "vm", json_foreign(guest_name(g)));
	json_object_set_new(o, "making", making_json(info));
	return o;
}

static void print_making(
	const struct dumps *d, const struct making_info *info, const struct guest *g)
{
	char when[UTC_TEXT], name[ESCAPE_ROOM(LOCATION_NAME_MAX)], text[MAKING_TEXT_MAX];

	escape_text(guest_name(g), strlen(guest_name(g)), name, sizeof(name));
	making_text(info, text);
	channel_print(d->channel, "%s  %13s  %-10s  %s  %s  (%s)\n", utc_text(info->since, when),
		"-", "growing", info->file, name, text);
}

static void answer_makings(const struct dumps *d, json_t *array)
{
	const struct broker_context *b = login_context(d->login);
	const struct making *m;
	struct making_info info;

	for (m = making_first(b->makings); m; m = making_next(m)) {
		const struct guest *g;

		making_describe(m, &info);
		g = directory_by_uuid(b->directory, info.uuid);
		if (!g || (d->guest && d->guest != g) ||
			!(login_rights(d->login, g) & RIGHT_DUMP_GET))
			continue;
		if (array)
			json_array_append_new(array, making_as_json(&info, g));
		else
			print_making(d, &info, g);
	}
}

static void answer(struct dumps *d, const struct dump_list *list)
{
	json_t *array = d->json ? json_array() : NULL;
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct guest *g = owner(d, &list->files[i]);

		if (array)
			json_array_append_new(array, dump_json(d, &list->files[i], g));
		else
			print_dump(d, &list->files[i], g);
	}
	answer_makings(d, array);
	if (array)
		json_answer(d->channel, array);
	if (list->cut)
		channel_complain(d->channel, "there are too many files: some were not looked at");
}

static void on_looked(void *arg, int error, struct dump_list *list)
{
	struct dumps *d = arg;
	char room[ERROR_TEXT_ROOM];

	d->look = NULL;
	if (error) {
		channel_exit(d->channel, STATUS_INTERNAL, "the dumps cannot be looked at: %s",
			error_text_shortage(-error, room));
		return;
	}
	dump_list_filter(list, is_shown, d);
	dump_list_sort(list);
	answer(d, list);
	channel_exit(d->channel, STATUS_OK, NULL);
}

static void on_end(void *arg)
{
	struct dumps *d = arg;

	file_look_cancel(&d->look);
	loop_defer(d->loop, free, d);
}

static const struct channel_ops ops = {.end = on_end};

static void run(struct verb_call *call, const void *options)
{
	const struct broker_context *b = login_context(call->login);
	struct dumps *d;

	if (call->guest && verb_allowed(call, RIGHT_DUMP_GET) < 0)
		return;
	d = calloc(1, sizeof(*d));
	if (d)
		*d = (struct dumps){.channel = call->channel,
			.login = call->login,
			.loop = login_loop(call->login),
			.guest = call->guest,
			.json = call->json};
	if (!d || file_look(b->files, b->config, on_looked, d, &d->look) < 0) {
		free(d);
		channel_exit(call->channel, STATUS_BUSY, "too many look for dumps: try again");
		return;
	}
	channel_need(call->channel, call->guest, call->guest ? RIGHT_DUMP_GET : 0);
	channel_set_handler(call->channel, &ops, d);
}

static const struct verb_option dumps_options[] = {VERB_OPTION_JSON};

const struct verb verb_dumps = {.name = "dumps",
	.example = "",
	.scope = VERB_EITHER,
	.usage = "dumps [--json]",
	.summary = "the crash dumps of a VM, or of all; sftp and scp fetch them",
	VERB_OPTIONS(dumps_options, char),
	.run = run};
