/*
 * Access rules: a line each for the login's facts (KIND:VALUE), and for sections (who|vms|require),
 * items separated by commas; the guest is fixed.
 */
#include "auth/explain.h"
#include "config/rights.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 16
#define SECTIONS_MAX 8

struct section {
	const char *who[ITEMS_MAX];
	const char *vms[ITEMS_MAX];
};

static size_t split(char *text, const char **items)
{
	size_t count = 0;
	char *item;

	while (text != NULL && count < ITEMS_MAX && (item = strsep(&text, ",")) != NULL)
		items[count++] = item;
	return count;
}

static void add_fact(struct identity *id, const char *line)
{
	size_t len = strcspn(line, ":");
	enum fact_kind kind;

	if (fact_kind_parse(line, len, &kind) == 0)
		(void)!identity_add(id, kind, line[len] != 0 ? line + len + 1 : "");
}

static void ignore(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void judge(const struct rules *r, const struct identity *id)
{
	static const char *const groups[] = {"web", "prod"};
	const struct rule_vm vm = {
		"6f1c2d3e-0000-4000-8000-00000000000a", "web-1", "hv1", groups, 2};
	unsigned rights = rules_rights(r, id, &vm);
	struct grant *g;

	if ((rights & ~rules_any(r, id)) != 0)
		abort();
	if (grant_create(r, id, &g) == 0) {
		if (grant_rights(g, &vm) != rights || (grant_host_rights(g) & ~rights) != 0)
			abort();
		grant_destroy(g);
	}
	(void)rules_missing_factors(r, id);
	rules_explain(r, id, &vm, ignore, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct rule_spec specs[SECTIONS_MAX];
	struct section sections[SECTIONS_MAX];
	struct rules_error error;
	struct identity *id;
	struct rules *r;
	char *rest = text;
	char *line;
	size_t count = 0;

	if (text == NULL || identity_create(FACT_KEY, "SHA256:x", &id) < 0) {
		free(text);
		return 0;
	}
	while ((line = strsep(&rest, "\n")) != NULL && count < SECTIONS_MAX) {
		char *fields = line;
		struct rule_spec *s = &specs[count];
		struct section *k = &sections[count];

		if (strchr(line, '|') == NULL) {
			add_fact(id, line);
			continue;
		}
		*s = (struct rule_spec){
			.name = "s", .who = k->who, .vms = k->vms, .rights = 1U << count};
		s->who_count = split(strsep(&fields, "|"), k->who);
		s->vms_count = split(strsep(&fields, "|"), k->vms);
		s->require = fields;
		count++;
	}
	if (rules_create(specs, count, &r, &error) == 0) {
		judge(r, id);
		rules_destroy(r);
	}
	identity_destroy(id);
	free(text);
	return 0;
}
