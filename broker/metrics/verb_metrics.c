/* Task: the verb metrics: figures about everything, for a monitoring system. */
#include <errno.h>
#include <stdlib.h>

#include "broker/metrics/metrics.h"
#include "broker/metrics/metrics_consoles.h"
#include "broker/metrics/metrics_logins.h"
#include "broker/dump/making.h"
#include "broker/login/login.h"
#include "config/rights.h"
#include "console/guest/directory.h"
#include "console/hypervisor/hypervisor.h"

/* A family of one label. */
struct value {
	const char *name;
	uint64_t figure;
};

static void add_values(
	struct exposition *e, const char *label, const struct value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct exposition_label l = {label, values[i].name};

		exposition_sample(e, &l, 1, values[i].figure);
	}
}

static void add_host(struct exposition *e, const struct broker_context *context)
{
	const struct value version = {VMC_VERSION, 1};

	exposition_family(e, "vmconsoled_info", EXPOSITION_GAUGE, "The version that runs.");
	add_values(e, "version", &version, 1);
	exposition_family(e, "vmconsoled_hypervisor_up", EXPOSITION_GAUGE,
		"Whether the hypervisor is connected.");
	for (size_t i = 0; i < context->hypervisor_count; i++) {
		const struct hypervisor *h = context->hypervisors[i];
		const struct value up = {hypervisor_name(h), hypervisor_is_up(h) != 0};

		add_values(e, "hypervisor", &up, 1);
	}
}

static void add_loop(struct exposition *e, const struct loop_stalls *stalls)
{
	exposition_single(e, "vmconsoled_loop_stalls_total", EXPOSITION_COUNTER,
		"Turns of the daemon's loop that took 10 ms of a processor or more.",
		stalls->count);
	exposition_seconds(e, "vmconsoled_loop_longest_seconds", "The longest turn since it began.",
		stalls->longest_us);
}

static void add_panics(struct exposition *e, const struct directory *d)
{
	const struct directory_counts *counts = directory_counts(d);
	const struct value kinds[] = {
		{"hypervisor", counts->panics}, {"text", counts->consoles.panic_texts}};

	exposition_family(e, "vmconsoled_panics_total", EXPOSITION_COUNTER,
		"Panics that a hypervisor told of, and texts that look like one.");
	add_values(e, "kind", kinds, 2);
}

static void add_dumps(struct exposition *e, const struct makings *makings)
{
	const struct making_counts *counts = makings_counts(makings);
	const struct value results[] = {{"complete", counts->complete}, {"failed", counts->failed},
		{"cancelled", counts->cancelled}};
	const struct making *m;
	uint64_t running = 0;

	for (m = making_first(makings); m; m = making_next(m))
		running++;
	exposition_single(e, "vmconsoled_dumps_running", EXPOSITION_GAUGE,
		"Dumps that are being made.", running);
	exposition_family(
		e, "vmconsoled_dumps_total", EXPOSITION_COUNTER, "Dumps that have ended.");
	add_values(e, "result", results, 3);
}

static void add_journals(struct exposition *e, const struct journal_store_stats *s)
{
	const struct value states[] = {{"recording", s->recording}, {"failing", s->failing},
		{"memory", s->journals - s->recording - s->failing}};

	exposition_family(e, "vmconsoled_journals", EXPOSITION_GAUGE,
		"Histories of consoles: written to disk, failing to be, meant for memory.");
	add_values(e, "state", states, 3);
}

static void add_journal(struct exposition *e, const struct directory *d)
{
	struct journal_store_stats s;

	directory_journal_stats(d, &s);
	add_journals(e, &s);
	exposition_single(e, "vmconsoled_journal_disk_bytes", EXPOSITION_GAUGE,
		"Size of the files of history.", s.disk + s.disk_others);
	exposition_single(e, "vmconsoled_journal_written_bytes_total", EXPOSITION_COUNTER,
		"Output that was written to them.", s.bytes_written);
	exposition_single(e, "vmconsoled_journal_lost_bytes_total", EXPOSITION_COUNTER,
		"Output that was to be written and was not.", s.bytes_lost);
	exposition_single(e, "vmconsoled_journal_failures_total", EXPOSITION_COUNTER,
		"How often a history had to go on in memory.", s.failures);
	exposition_single(e, "vmconsoled_journal_expired_segments_total", EXPOSITION_COUNTER,
		"Files that a limit has removed.", s.expired);
}

static int add_all(struct exposition *e, const struct verb_call *call)
{
	const struct broker_context *context = login_context(call->login);
	int r;

	add_host(e, context);
	add_loop(e, loop_stalls(context->loop));
	add_panics(e, context->directory);
	add_dumps(e, context->makings);
	add_journal(e, context->directory);
	r = metrics_logins(e, call);
	return r ? r : metrics_consoles(e, call->login);
}

static void run(struct verb_call *call, const void *options)
{
	char *text = NULL;
	size_t len = 0;
	struct exposition e = {.out = open_memstream(&text, &len)};
	int r = e.out ? add_all(&e, call) : -ENOMEM;

	if (e.out && fclose(e.out) != 0)
		r = -ENOMEM;
	if (!r)
		r = channel_put(call->channel, text, len);
	free(text);
	if (r == -ENOMEM)
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
	else if (r == -ENOBUFS)
		channel_exit(call->channel, STATUS_LIMIT, "the figures are too long");
	else
		channel_exit(call->channel, STATUS_OK, NULL);
}

const struct verb verb_metrics = {.name = "metrics",
	.example = "",
	.scope = VERB_HOST,
	.right = RIGHT_METRICS,
	.is_polled = true,
	.usage = "metrics",
	.summary = "figures for Prometheus",
	.run = run};
