/* Why a login has the rights it has on a guest, in lines for a person. */
#ifndef AUTH_EXPLAIN_H
#define AUTH_EXPLAIN_H

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

#endif
