/* Task: see exposition.h. */
#include <inttypes.h>
#include <string.h>

#include "broker/metrics/exposition.h"
#include "core/text/escape.h"

void exposition_family(
	struct exposition *e, const char *name, enum exposition_type type, const char *help)
{
	e->family = name;
	fprintf(e->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		type == EXPOSITION_COUNTER ? "counter" : "gauge");
}

/* What a person must not see is escaped first; then the format's own three. */
static void put_value(FILE *out, const char *value)
{
	char text[ESCAPE_ROOM(EXPOSITION_VALUE_MAX)];

	escape_text(value, strnlen(value, EXPOSITION_VALUE_MAX), text, sizeof(text));
	for (const char *c = text; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', out);
		fputc(*c, out);
	}
}

void exposition_sample(
	struct exposition *e, const struct exposition_label *labels, size_t count, uint64_t value)
{
	fputs(e->family, e->out);
	for (size_t i = 0; i < count; i++) {
		fprintf(e->out, "%s%s=\"", i ? "," : "{", labels[i].name);
		put_value(e->out, labels[i].value);
		fputc('"', e->out);
	}
	fprintf(e->out, "%s %" PRIu64 "\n", count ? "}" : "", value);
}

void exposition_single(struct exposition *e, const char *name, enum exposition_type type,
	const char *help, uint64_t value)
{
	exposition_family(e, name, type, help);
	exposition_sample(e, NULL, 0, value);
}

void exposition_seconds(struct exposition *e, const char *name, const char *help, uint64_t us)
{
	exposition_family(e, name, EXPOSITION_GAUGE, help);
	fprintf(e->out, "%s %" PRIu64 ".%06" PRIu64 "\n", name, us / 1000000, us % 1000000);
}
