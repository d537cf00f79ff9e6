/* Identities: what limits one stays with it, through copies, joins, rules and grants. */
#include "auth/identity.h"
#include "auth/ovirt_json.h"
#include "auth/rules.h"
#include "config/rights.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE "6f1c2d3e-0000-4000-8000-00000000000a"
#define TWO "6f1c2d3e-0000-4000-8000-00000000000b"
#define WATCHING (RIGHT_VIEW | RIGHT_LOG)

static const struct rule_vm vm_one = {.uuid = ONE, .name = "one"};
static const struct rule_vm vm_two = {.uuid = TWO, .name = "two"};

static struct identity *make(enum fact_kind kind, const char *value)
{
	struct identity *id = NULL;

	assert_int_equal(identity_create(kind, value, &id), 0);
	return id;
}

/* What console_command says of an entity: these guests; NULL ends them. */
static struct ovirt_consoles *list_of(const char *uuid)
{
	struct ovirt_consoles *list = NULL;
	const char *why = "";
	char text[512];

	snprintf(text, sizeof(text),
		"{\"version\":1,\"content\":\"console_list\",\"consoles\":[%s%s%s]}",
		uuid ? "{\"vm\":\"x\",\"host\":\"h\",\"console\":\"c\",\"vmid\":\"" : "",
		uuid ? uuid : "", uuid ? "\"}" : "");
	assert_int_equal(ovirt_consoles_create(span_of(text, strlen(text)), &list, &why), 0);
	return list;
}

/* Everything on everything, for everybody who is an entity or has a ticket. */
static struct rules *make_rules(void)
{
	static const char *const who[] = {"entity:*", "ticket"};
	static const char *const vms[] = {"*"};
	const struct rule_spec spec = {"all", who, 2, vms, 1, RIGHT_ALL, NULL, 200};
	struct rules_error error;
	struct rules *r = NULL;

	assert_int_equal(rules_create(&spec, 1, &r, &error), 0);
	return r;
}

/* The functions for one login and for many questions about it say the same. */
static void check(
	const struct rules *r, const struct identity *id, unsigned one, unsigned two, unsigned host)
{
	struct grant *g = NULL;

	assert_int_equal(rules_rights(r, id, &vm_one), one);
	assert_int_equal(rules_rights(r, id, &vm_two), two);
	assert_int_equal(grant_create(r, id, &g), 0);
	assert_int_equal(grant_rights(g, &vm_one), one);
	assert_int_equal(grant_rights(g, &vm_two), two);
	assert_int_equal(grant_host_rights(g), host);
	grant_destroy(g);
}

static void a_list_of_consoles_limits_what_is_seen_and_the_host(void **state)
{
	struct identity *id = make(FACT_ENTITY, "alice");
	struct rules *r = make_rules();

	(void)state;
	check(r, id, RIGHT_ALL, RIGHT_ALL, RIGHT_ALL);
	id->consoles = list_of(ONE);
	check(r, id, RIGHT_ALL, 0, 0);
	ovirt_consoles_unref(id->consoles);
	id->consoles = list_of(NULL);
	check(r, id, 0, 0, 0);
	identity_destroy(id);
	rules_destroy(r);
}

static void limits_stay_through_a_second_factor_in_either_order(void **state)
{
	struct rules *r = make_rules();

	(void)state;
	for (int first = 0; first < 2; first++) {
		struct identity *entity = make(FACT_ENTITY, "alice");
		struct identity *ticket = make(FACT_TICKET, "admin");
		struct identity *both = NULL;

		entity->consoles = list_of(ONE);
		entity->pty_allowed = false;
		entity->denied = RIGHT_TYPE;
		entity->until = 1000;
		assert_int_equal(identity_set(&entity->command, "attach"), 0);
		assert_int_equal(identity_set(&ticket->only_vm, TWO), 0);
		assert_int_equal(identity_copy(first ? ticket : entity, &both), 0);
		assert_int_equal(identity_join(both, first ? entity : ticket), 0);
		identity_destroy(entity);
		identity_destroy(ticket);
		check(r, both, 0, 0, 0); /* the one may see ONE only, the other TWO only */
		assert_false(both->pty_allowed);
		assert_string_equal(both->command, "attach");
		assert_string_equal(both->only_vm, TWO);
		assert_int_equal(both->denied, RIGHT_TYPE);
		assert_int_equal(both->until, 1000);
		assert_non_null(identity_fact(both, FACT_ENTITY));
		assert_non_null(identity_fact(both, FACT_TICKET));
		identity_destroy(both);
	}
	rules_destroy(r);
}

static void limits_that_contradict_each_other_join_to_nobody(void **state)
{
	static const size_t fields[] = {offsetof(struct identity, command),
		offsetof(struct identity, access), offsetof(struct identity, only_vm)};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct identity *one = make(FACT_KEY, "one");
		struct identity *two = make(FACT_KEY, "two");

		assert_int_equal(identity_set((char **)(void *)((char *)one + fields[i]), "a"), 0);
		assert_int_equal(identity_set((char **)(void *)((char *)two + fields[i]), "b"), 0);
		assert_int_equal(identity_join(one, two), -EACCES);
		identity_destroy(one);
		identity_destroy(two);
	}
}

static void a_right_that_is_denied_is_given_by_no_rule(void **state)
{
	struct identity *id = make(FACT_ENTITY, "alice");
	struct rules *r = make_rules();

	(void)state;
	id->denied = RIGHT_ALL & ~(unsigned)WATCHING;
	check(r, id, WATCHING, WATCHING, WATCHING);
	assert_int_equal(rules_any(r, id), WATCHING);
	id->everything = true;
	check(r, id, WATCHING, WATCHING, WATCHING);
	identity_destroy(id);
	rules_destroy(r);
}

static void the_earliest_end_counts(void **state)
{
	struct identity *id = make(FACT_KEY, "k");
	struct identity *copy = NULL;

	(void)state;
	assert_int_equal(id->until, IDENTITY_FOREVER);
	identity_until(id, 500);
	identity_until(id, 900);
	assert_int_equal(id->until, 500);
	assert_int_equal(identity_copy(id, &copy), 0);
	assert_int_equal(copy->until, 500);
	identity_destroy(copy);
	identity_destroy(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_consoles_limits_what_is_seen_and_the_host),
		cmocka_unit_test(limits_stay_through_a_second_factor_in_either_order),
		cmocka_unit_test(limits_that_contradict_each_other_join_to_nobody),
		cmocka_unit_test(a_right_that_is_denied_is_given_by_no_rule),
		cmocka_unit_test(the_earliest_end_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
