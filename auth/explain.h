/* Why a login has the rights it has on a guest, in lines for a person. */
#ifndef AUTH_EXPLAIN_H
#define AUTH_EXPLAIN_H

#include <stdbool.h>

#include "auth/rules.h"

#define EXPLAIN_NEAR_MAX 10 /* sections listed that would have allowed more */

/* One line, without newline; it may hold foreign bytes (names of VMs, patterns). */
typedef void (*explain_fn)(void *arg, const char *line);

/*
 * Emits one line for the result, one for each section that allowed, and one for each that would
 * have allowed something more if one thing were different.
 */
void rules_explain(const struct rules *r, const struct identity *id, const struct rule_vm *vm,
	explain_fn emit, void *arg);

/* The same sections in the same order: each that allowed, and what it allows; then those that would
 * have allowed rights which are lacking. */
typedef void (*explain_section_fn)(
	void *arg, const struct rule_verdict *verdict, bool allows, unsigned rights);
void rules_explain_each(const struct rules *r, const struct identity *id, const struct rule_vm *vm,
	explain_section_fn emit, void *arg);

#endif
