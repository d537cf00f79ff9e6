/*
 * The rules, explained.
 * Task: say which sections allowed, and which nearly did. Owner: nobody. Decides nothing itself:
 * it asks the same functions as every decision.
 */
#include "auth/explain.h"
#include "config/rights.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_ROOM 1024

struct out {
	explain_fn emit;
	void *arg;
};

static void __attribute__((format(printf, 2, 3))) say(const struct out *o, const char *format, ...)
{
	char line[LINE_ROOM];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 misses va_start */
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	o->emit(o->arg, line);
}

static void say_allowed(const struct out *o, const struct rule_verdict *v)
{
	char rights[RIGHTS_TEXT_MAX];

	say(o, "[access %.100s] allows %s: who %.300s, vms %.300s", v->section,
		rights_text(v->rights, rights, sizeof(rights)), v->who, v->vms);
}

static void say_near(const struct out *o, const struct rule_verdict *v, unsigned lacking)
{
	char rights[RIGHTS_TEXT_MAX];

	rights_text(lacking, rights, sizeof(rights));
	if (!v->who) {
		say(o, "[access %.100s] would allow %s: vms %.300s matches, nothing in who does",
			v->section, rights, v->vms);
	} else if (!v->vms) {
		say(o, "[access %.100s] would allow %s: who %.300s matches, nothing in vms does",
			v->section, rights, v->who);
	} else if (v->barred) {
		say(o,
			"[access %.100s] would allow %s, but this login is limited to another "
			"section or guest",
			v->section, rights);
	} else {
		char factors[128];
		size_t len = 0;

		factors[0] = 0;
		for (unsigned kind = 0; kind < FACT_KINDS; kind++) {
			if ((v->missing & FACT_BIT(kind)) != 0 && len < sizeof(factors))
				len += (size_t)snprintf(factors + len, sizeof(factors) - len, " %s",
					fact_kind_name((enum fact_kind)kind));
		}
		say(o, "[access %.100s] would allow %s, but requires as well:%s", v->section,
			rights, factors);
	}
}

/* Near: exactly one thing is in the way. */
static bool is_near(const struct rule_verdict *v)
{
	int wrong = !v->who + !v->vms + v->barred + (v->missing != 0);

	return wrong == 1;
}

static bool is_allowing(const struct rule_verdict *v)
{
	return v->who && v->vms && !v->barred && v->missing == 0;
}

void rules_explain_each(const struct rules *r, const struct identity *id, const struct rule_vm *vm,
	explain_section_fn emit, void *arg)
{
	unsigned lacking = ~rules_rights(r, id, vm);
	struct rule_verdict v;
	unsigned near = 0;

	for (size_t i = 0; i < rules_count(r); i++) {
		rules_judge(r, i, id, vm, &v);
		if (is_allowing(&v))
			emit(arg, &v, true, v.rights);
	}
	for (size_t i = 0; i < rules_count(r) && near < EXPLAIN_NEAR_MAX; i++) {
		rules_judge(r, i, id, vm, &v);
		if (is_near(&v) && (v.rights & lacking) != 0) {
			emit(arg, &v, false, v.rights & lacking);
			near++;
		}
	}
}

static void say_section(void *arg, const struct rule_verdict *verdict, bool allows, unsigned rights)
{
	if (allows)
		say_allowed(arg, verdict);
	else
		say_near(arg, verdict, rights);
}

void rules_explain(const struct rules *r, const struct identity *id, const struct rule_vm *vm,
	explain_fn emit, void *arg)
{
	struct out o = {emit, arg};
	char text[RIGHTS_TEXT_MAX];

	say(&o, "%.300s on %.200s (%.40s): %s", id->text, vm->name ? vm->name : "?", vm->uuid,
		rights_text(rules_rights(r, id, vm), text, sizeof(text)));
	if (id->everything)
		say(&o, "root and the daemon's own user may do everything");
	else
		rules_explain_each(r, id, vm, say_section, &o);
}
