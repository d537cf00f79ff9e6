/* Task: turn a record into its line and fields. Owner: the audit's queue. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <jansson.h>
#include <systemd/sd-journal.h>

#include "broker/audit/audit_record.h"
#include "core/text/escape.h"

#define FIELDS_MAX 32
#define TIME_MAX 40

#define CUT "..."

/* Escaped as for a person, so that what looks at the file need not take care; at most max bytes of
 * that, since a strange byte is four then. */
static int put_long(json_t *object, const char *name, const char *text, size_t max)
{
	char safe[ESCAPE_ROOM(AUDIT_TEXT_MAX)];
	size_t len = text ? strnlen(text, AUDIT_TEXT_MAX) : 0, used;

	if (!text)
		return 0;
	used = escape_text(text, len, safe, sizeof(safe));
	if (used > max || text[len]) {
		used = escape_text(text, len, safe, max - strlen(CUT) + 1);
		memcpy(safe + used, CUT, sizeof(CUT));
	}
	return json_object_set_new(object, name, json_string(safe));
}

static int put_text(json_t *object, const char *name, const char *text)
{
	return put_long(object, name, text, AUDIT_TEXT_MAX);
}

/* Of what anybody may send who has not even logged in. */
static int put_name(json_t *object, const char *name, const char *text)
{
	return put_long(object, name, text, AUDIT_NAME_MAX);
}

static int put_number(json_t *object, const char *name, uint64_t value)
{
	return json_object_set_new(object, name, json_integer((json_int_t)value));
}

static int put_time(json_t *object)
{
	char day[TIME_MAX], text[TIME_MAX + 16];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03ldZ", day, now.tv_nsec / 1000000);
	return json_object_set_new(object, "time", json_string(text));
}

static int put_end(json_t *object, const struct audit_record *r)
{
	uint64_t duration_ms = r->duration_us / 1000;

	if (!r->has_end)
		return 0;
	return json_object_set_new(object, "status", json_integer(r->status)) |
	       json_object_set_new(object, "duration", json_real((double)duration_ms / 1000)) |
	       put_number(object, "bytes_in", r->bytes_in) |
	       put_number(object, "bytes_out", r->bytes_out);
}

static int put_count(json_t *object, const struct audit_record *r)
{
	return r->count ? put_number(object, "count", r->count) : 0;
}

static json_t *make_object(const struct audit_record *r, uint64_t seq)
{
	json_t *o = json_object();
	int failed;

	if (!o)
		return NULL;
	failed = put_number(o, "seq", seq) | put_time(o) | put_text(o, "event", r->event) |
		 put_text(o, "session", r->session) | put_text(o, "protocol", r->protocol) |
		 put_text(o, "source", r->source) | put_name(o, "login", r->login) |
		 put_text(o, "identity", r->identity) | put_text(o, "method", r->method) |
		 put_text(o, "fingerprint", r->fingerprint) | put_name(o, "client", r->client) |
		 put_text(o, "verb", r->verb) | put_text(o, "vm_uuid", r->vm_uuid) |
		 put_text(o, "vm", r->vm_name) | put_text(o, "device", r->device) |
		 put_name(o, "file", r->file) | put_text(o, "ranges", r->ranges) |
		 put_text(o, "sha256", r->sha256) | put_end(o, r) | put_count(o, r) |
		 put_text(o, "reason", r->reason);
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* "VMC_VM_UUID=..." of "vm_uuid". */
static char *field_of(const char *name, const json_t *value)
{
	char upper[32];
	char *field = NULL;
	size_t i;
	int n;

	for (i = 0; name[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	upper[i] = '\0';
	if (json_is_string(value))
		n = asprintf(&field, "VMC_%s=%s", upper, json_string_value(value));
	else if (json_is_integer(value))
		n = asprintf(&field, "VMC_%s=%lld", upper, (long long)json_integer_value(value));
	else
		n = asprintf(&field, "VMC_%s=%.3f", upper, json_real_value(value));
	return n < 0 ? NULL : field;
}

static char *message_of(const json_t *object, const char *text)
{
	const char *event = json_string_value(json_object_get(object, "event"));
	char *field = NULL;

	return asprintf(&field, "MESSAGE=audit %s: %s", event ? event : "", text) < 0 ? NULL
										      : field;
}

/* A field that finds no memory is left out: the line in the file has them all. */
static void make_fields(json_t *object, struct audit_line *line)
{
	const char *name;
	json_t *value;

	line->fields = calloc(FIELDS_MAX, sizeof(*line->fields));
	if (!line->fields)
		return;
	line->fields[line->field_count] = message_of(object, line->text);
	line->field_count += line->fields[line->field_count] != NULL;
	json_object_foreach(object, name, value)
	{
		if (line->field_count == FIELDS_MAX)
			break;
		line->fields[line->field_count] = field_of(name, value);
		line->field_count += line->fields[line->field_count] != NULL;
	}
}

int audit_line_make(const struct audit_record *record, uint64_t seq, struct audit_line *line)
{
	json_t *object = make_object(record, seq);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text && getenv("JOURNAL_STREAM")) {
		line->text = text;
		make_fields(object, line);
	}
	json_decref(object);
	line->text = NULL;
	if (text && asprintf(&line->text, "%s\n", text) < 0)
		line->text = NULL;
	free(text);
	if (!line->text) {
		audit_line_finish(line);
		return -ENOMEM;
	}
	line->len = strlen(line->text);
	return 0;
}

void audit_line_finish(struct audit_line *line)
{
	size_t i;

	for (i = 0; i < line->field_count; i++)
		free(line->fields[i]);
	free(line->fields);
	free(line->text);
	*line = (struct audit_line){0};
}

void audit_line_journal(const struct audit_line *line)
{
	char priority[] = "PRIORITY=5", identifier[] = "SYSLOG_IDENTIFIER=vmconsoled";
	struct iovec fields[FIELDS_MAX + 2];
	size_t i;

	if (!line->field_count)
		return;
	for (i = 0; i < line->field_count; i++)
		fields[i] = (struct iovec){line->fields[i], strlen(line->fields[i])};
	fields[i++] = (struct iovec){priority, sizeof(priority) - 1};
	fields[i++] = (struct iovec){identifier, sizeof(identifier) - 1};
	(void)sd_journal_sendv(fields, (int)i); /* nobody is left to be told */
}
