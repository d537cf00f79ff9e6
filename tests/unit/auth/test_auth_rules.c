/* Access rules: a table of decisions, the same table by explain, mistakes, limits and speed. */
#include "core/text/net_address.h"
#include "auth/explain.h"
#include "auth/rules.h"
#include "config/rights.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define LIST(...)                                                                                  \
	(const char *const[]){__VA_ARGS__},                                                        \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define V RIGHT_VIEW
#define T RIGHT_TYPE
#define F RIGHT_FORCE
#define C RIGHT_CONTROL
#define L RIGHT_LOG
#define M RIGHT_DUMP_MAKE
#define G RIGHT_DUMP_GET
#define A RIGHT_ALL

#define KEY_ADMIN "key:SHA256:admin" FINGERPRINT_REST
#define KEY_ALICE "key:SHA256:alice" FINGERPRINT_REST
#define KEY_CAROL "key:SHA256:carol" FINGERPRINT_REST
#define FINGERPRINT_REST "0123456789+/abcdefghijklmnopqrstuvxyzw" /* 43 digits with the name */

#define UUID_DB "6f1c2d3e-0000-4000-8000-00000000000b"
#define UUID_PUBLIC "6f1c2d3e-0000-4000-8000-00000000000d"
#define UUID_SECRET "6f1c2d3e-0000-4000-8000-00000000000e"

static const struct rule_spec specs[] = {
	{"admins", LIST(KEY_ADMIN, "user:operator"), LIST("*"), A, NULL, 200},
	{"owners", LIST(KEY_ALICE, "cert:CN=alice*"), LIST("web-*", UUID_DB), V | T | L | G, NULL,
		200},
	{"watch", LIST("key:*"), LIST("name:lab:*", "public"), V, NULL, 200},
	{"team", LIST("principal:web-team"), LIST("group:web"), V | T | F, NULL, 200},
	{"acme", LIST("cert:O=acme"), LIST("hypervisor:hv2"), V | C, NULL, 200},
	{"bob", LIST("cert:CN=bob,O=acme"), LIST("db"), M, NULL, 200},
	{"tickets", LIST("ticket"), LIST("*"), V | T, NULL, 200},
	{"two", LIST(KEY_CAROL), LIST("secret"), V | T | L, "key+ticket", 200},
	{"entity", LIST("entity:admin@internal", "entity-id:77*"), LIST("[Ss]ecret"), V, NULL, 200},
	{"net", LIST("address:10.0.0.0/8", "address:2001:db8::/32"), LIST("hypervisor:hv1"), L,
		NULL, 200},
	{"batch", LIST("access:batch"), LIST("web-?", "lab*"), T, NULL, 200},
};

static const struct rule_vm vms[] = {
	{"6f1c2d3e-0000-4000-8000-00000000000a", "web-1", "hv1", LIST("web", "prod")},
	{"6F1C2D3E-0000-4000-8000-00000000000B", "db", "hv2", LIST("prod")},
	{"6f1c2d3e-0000-4000-8000-00000000000c", "lab:one", "hv2", NULL, 0},
	{UUID_PUBLIC, "public", NULL, NULL, 0}, {UUID_SECRET, "secret", "hv1", LIST("webby")},
	{"6f1c2d3e-0000-4000-8000-00000000000f", "Secret", "hv2", LIST("x", "web")},
	{"6f1c2d3e-0000-4000-8000-000000000010", UUID_DB, NULL, NULL, 0}, /* named like a UUID */
	{"6f1c2d3e-0000-4000-8000-000000000011", NULL, NULL, NULL, 0},    /* no name known */
};

static const struct login {
	const char *facts[5];
	const char *access, *only_vm;
	bool everything;
	unsigned rights[COUNT(vms)]; /* by the order of vms */
	unsigned host, missing;
} logins[] = {
	{{KEY_ADMIN}, NULL, NULL, false, {A, A, A, A, A, A, A, A}, A, 0},
	{{"user:operator"}, NULL, NULL, false, {A, A, A, A, A, A, A, A}, A, 0},
	{{"user:operators"}, NULL, NULL, false, {0}, 0, 0},
	{{"user:" KEY_ADMIN}, NULL, NULL, false, {0}, 0, 0},
	{{KEY_ALICE}, NULL, NULL, false, {V | T | L | G, V | T | L | G, V, V}, 0, 0},
	{{"key:sha256:alice"}, NULL, NULL, false, {0, 0, V, V}, 0, 0},
	{{KEY_ALICE "2"}, NULL, NULL, false, {0, 0, V, V}, 0, 0},
	{{"cert:CN=alice,O=acme", "cert:CN=alice", "cert:O=acme"}, NULL, NULL, false,
		{V | T | L | G, V | T | L | G | C, V | C, 0, 0, V | C}, 0, 0},
	{{"cert:CN=bob,O=acme", "cert:CN=bob", "cert:O=acme"}, NULL, NULL, false,
		{0, M | V | C, V | C, 0, 0, V | C}, 0, 0},
	{{"cert:CN=bob\\2CO=acme,O=evil", "cert:CN=bob\\2CO=acme", "cert:O=evil"}, NULL, NULL,
		false, {0}, 0, 0},
	{{"cert:O=acme,CN=x", "cert:O=acmeacme"}, NULL, NULL, false, {0}, 0, 0},
	{{"principal:web-team"}, NULL, NULL, false, {V | T | F, 0, 0, 0, 0, V | T | F}, 0, 0},
	{{"principal:web-team", "principal:alice"}, NULL, NULL, false,
		{V | T | F, 0, 0, 0, 0, V | T | F}, 0, 0},
	{{"principal:web"}, NULL, NULL, false, {0}, 0, 0},
	{{"ticket:admin"}, NULL, UUID_PUBLIC, false, {0, 0, 0, V | T}, 0, 0},
	{{"ticket:admin"}, NULL, UUID_DB, false, {0, V | T}, 0, 0},
	{{KEY_CAROL}, NULL, NULL, false, {0, 0, V, V}, 0, FACT_BIT(FACT_TICKET)},
	{{KEY_CAROL, "ticket:x"}, NULL, UUID_SECRET, false, {0, 0, 0, 0, V | T | L}, 0, 0},
	{{"key:SHA256:dave", "ticket:x"}, NULL, UUID_SECRET, false, {0, 0, 0, 0, V | T}, 0, 0},
	{{"entity:admin@internal"}, NULL, NULL, false, {0, 0, 0, 0, V, V}, 0, 0},
	{{"entity:77", "entity-id:12"}, NULL, NULL, false, {0}, 0, 0},
	{{"entity:x", "entity-id:771"}, NULL, NULL, false, {0, 0, 0, 0, V, V}, 0, 0},
	{{"principal:x", "address:10.255.0.1"}, NULL, NULL, false, {L, 0, 0, 0, L}, 0, 0},
	{{"principal:x", "address:::ffff:10.0.0.1"}, NULL, NULL, false, {L, 0, 0, 0, L}, 0, 0},
	{{"principal:x", "address:11.0.0.1"}, NULL, NULL, false, {0}, 0, 0},
	{{"principal:x", "address:2001:db8:ffff::1"}, NULL, NULL, false, {L, 0, 0, 0, L}, 0, 0},
	{{"principal:x", "address:2001:db9::1"}, NULL, NULL, false, {0}, 0, 0},
	{{"principal:x", "address:nonsense"}, NULL, NULL, false, {0}, 0, 0},
	{{KEY_ALICE, "access:batch"}, "batch", NULL, false, {T, 0, T}, 0, 0},
	{{KEY_ALICE}, "owners", NULL, false, {V | T | L | G, V | T | L | G}, 0, 0},
	{{KEY_ALICE}, "no such", NULL, false, {0}, 0, 0},
	{{KEY_ALICE}, "Owners", NULL, false, {0}, 0, 0},
	{{"user:root"}, NULL, NULL, true, {A, A, A, A, A, A, A, A}, A, 0},
	{{NULL}, NULL, NULL, false, {0}, 0, 0},
};

static struct identity *make_identity(const struct login *l)
{
	struct identity *id = NULL;

	for (size_t i = 0; i < 5 && l->facts[i] != NULL; i++) {
		size_t len = strcspn(l->facts[i], ":");
		enum fact_kind kind;

		assert_int_equal(fact_kind_parse(l->facts[i], len, &kind), 0);
		if (id == NULL)
			assert_int_equal(identity_create(kind, l->facts[i] + len + 1, &id), 0);
		else
			assert_int_equal(identity_add(id, kind, l->facts[i] + len + 1), 0);
	}
	if (id == NULL) {
		assert_int_equal(identity_create(FACT_USER, "", &id), 0);
		free(id->facts[0].value);
		id->fact_count = 0;
	}
	assert_int_equal(identity_set(&id->access, l->access), 0);
	assert_int_equal(identity_set(&id->only_vm, l->only_vm), 0);
	id->everything = l->everything;
	return id;
}

static struct rules *make_rules(void)
{
	struct rules_error error;
	struct rules *r;

	assert_int_equal(rules_create(specs, COUNT(specs), &r, &error), 0);
	return r;
}

static void decisions_are_as_the_table_says(void **state)
{
	struct rules *r = make_rules();

	(void)state;
	assert_true(COUNT(logins) * COUNT(vms) >= 120);
	for (size_t i = 0; i < COUNT(logins); i++) {
		struct identity *id = make_identity(&logins[i]);
		struct grant *g;
		unsigned any = 0;

		assert_int_equal(grant_create(r, id, &g), 0);
		for (size_t k = 0; k < COUNT(vms); k++) {
			unsigned rights = rules_rights(r, id, &vms[k]);

			if (rights != logins[i].rights[k])
				fail_msg("login %zu vm %zu: %#x, not %#x", i, k, rights,
					logins[i].rights[k]);
			assert_int_equal(grant_rights(g, &vms[k]), rights);
			any |= rights;
		}
		assert_int_equal(any & ~rules_any(r, id), 0);
		assert_int_equal(grant_host_rights(g), logins[i].host);
		assert_int_equal(rules_missing_factors(r, id), logins[i].missing);
		grant_destroy(g);
		identity_destroy(id);
	}
	rules_destroy(r);
}

struct heard {
	char text[8192];
	size_t len;
	unsigned allowed; /* the union of what "allows" lines name */
};

static unsigned rights_in(const char *list, size_t len)
{
	unsigned rights = 0;
	char copy[128];
	char *rest = copy;
	char *word;

	assert_true(len < sizeof(copy));
	memcpy(copy, list, len);
	copy[len] = 0;
	while ((word = strsep(&rest, ", ")) != NULL)
		rights |= right_parse(word);
	return rights;
}

static void hear(void *arg, const char *line)
{
	struct heard *h = (struct heard *)arg;
	const char *allows = strstr(line, "] allows ");

	h->len += (size_t)snprintf(h->text + h->len, sizeof(h->text) - h->len, "%s\n", line);
	if (allows != NULL)
		h->allowed |= rights_in(allows + 9, strcspn(allows + 9, ":"));
}

static void explain_tells_the_same_table(void **state)
{
	struct rules *r = make_rules();

	(void)state;
	for (size_t i = 0; i < COUNT(logins); i++) {
		struct identity *id = make_identity(&logins[i]);

		for (size_t k = 0; k < COUNT(vms); k++) {
			static struct heard h;
			char text[RIGHTS_TEXT_MAX];
			char want[RIGHTS_TEXT_MAX + 3];

			h = (struct heard){0};
			rules_explain(r, id, &vms[k], hear, &h);
			if (!id->everything)
				assert_int_equal(h.allowed, logins[i].rights[k]);
			snprintf(want, sizeof(want), ": %s\n",
				rights_text(logins[i].rights[k], text, sizeof(text)));
			assert_non_null(strstr(h.text, want));
		}
		identity_destroy(id);
	}
	rules_destroy(r);
}

static void explain_names_the_section_that_would_have(void **state)
{
	static const struct {
		size_t login, vm;
		const char *says;
	} rows[] = {
		{4, 4,
			"[access owners] would allow view, type, log, dump-get: who " KEY_ALICE
			" matches, nothing in vms does"},
		{4, 0,
			"[access team] would allow force: vms group:web matches, nothing in who "
			"does"},
		{16, 4, "[access two] would allow view, type, log, but requires as well: ticket"},
		{30, 0,
			"[access owners] would allow view, type, log, dump-get, but this login is "
			"limited"},
		{4, 0,
			"[access owners] allows view, type, log, dump-get: who " KEY_ALICE
			", vms web-*"},
	};
	struct rules *r = make_rules();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct identity *id = make_identity(&logins[rows[i].login]);
		static struct heard h;

		h = (struct heard){0};
		rules_explain(r, id, &vms[rows[i].vm], hear, &h);
		if (strstr(h.text, rows[i].says) == NULL)
			fail_msg("%zu: %s", i, h.text);
		identity_destroy(id);
	}
	rules_destroy(r);
}

static void mistakes_name_the_section_and_the_item(void **state)
{
	const struct {
		struct rule_spec spec;
		const char *word;
	} rows[] = {
		{{"a", NULL, 0, LIST("*"), V, NULL, 200}, "who is empty"},
		{{"a", LIST("user:x"), NULL, 0, V, NULL, 200}, "vms is empty"},
		{{"a", LIST("*"), LIST("*"), V, NULL, 200}, "\"*\""},
		{{"a", LIST("key"), LIST("*"), V, NULL, 200}, "missing"},
		{{"a", LIST("key:"), LIST("*"), V, NULL, 200}, "empty"},
		{{"a", LIST("Key:x"), LIST("*"), V, NULL, 200}, "Key:x"},
		{{"a", LIST("SHA256:x"), LIST("*"), V, NULL, 200}, "SHA256:x"},
		{{"a", LIST("user:x", ""), LIST("*"), V, NULL, 200}, "empty"},
		{{"a", LIST("address:10.0.0.1/8"), LIST("*"), V, NULL, 200}, "block"},
		{{"a", LIST("address:10.0.0.0/33"), LIST("*"), V, NULL, 200}, "block"},
		{{"a", LIST("key:SHA256:tooshort"), LIST("*"), V, NULL, 200}, "43 characters"},
		{{"a", LIST(KEY_ALICE "w"), LIST("*"), V, NULL, 200}, "43 characters"},
		{{"a", LIST("key:MD5:16:27:ac:a5"), LIST("*"), V, NULL, 200}, "43 characters"},
		{{"a", LIST("key:sha256:*"), LIST("*"), V, NULL, 200}, "43 characters"},
		{{"a", LIST("key:SHA256:*="), LIST("*"), V, NULL, 200}, "43 characters"},
		{{"a", LIST("user:[ab"), LIST("*"), V, NULL, 200}, "never closed: write [[]"},
		{{"a", LIST("user:x"), LIST("web-[1"), V, NULL, 200}, "never closed: write [[]"},
		{{"a", LIST("user:x"), LIST("group:[9-0]"), V, NULL, 200}, "ends before it begins"},
		{{"a", LIST("user:x"), LIST(""), V, NULL, 200}, "empty"},
		{{"a", LIST("user:x"), LIST("group:"), V, NULL, 200}, "empty"},
		{{"a", LIST("user:x"), LIST("*"), V, "key+", 200}, "factors"},
		{{"a", LIST("user:x"), LIST("*"), V, "", 200}, "factors"},
		{{"a", LIST("user:x"), LIST("*"), V, "key ticket", 200}, "factors"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rule_spec both[2] = {specs[0], rows[i].spec};
		struct rules_error error;
		struct rules *r;

		assert_int_equal(rules_create(both, 2, &r, &error), -EINVAL);
		assert_int_equal(error.section, 1);
		if (strstr(error.text, rows[i].word) == NULL)
			fail_msg("%zu: %s", i, error.text);
	}
}

static void keys_are_named_by_what_a_fingerprint_may_be(void **state)
{
	static const char *const good[] = {KEY_ALICE, "key:*", "key:SHA256:*", "key:SHA256:alice*",
		"key:*w", "key:SHA25[56]:" FINGERPRINT_REST "?????", "key:?*w*?"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct rule_spec spec = {"a", &good[i], 1, LIST("*"), V, NULL, 200};
		struct rules_error error = {0};
		struct rules *r = NULL;

		if (rules_create(&spec, 1, &r, &error) < 0)
			fail_msg("%s: %s", good[i], error.text);
		rules_destroy(r);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void five_hundred_sections_decide_within_a_millisecond(void **state)
{
	enum { SECTIONS = 500, ROUNDS = 200 };
	static char who[SECTIONS][64];
	static char vm[SECTIONS][64];
	static const char *lists[SECTIONS][4];
	static struct rule_spec many[SECTIONS];
	struct rules_error error;
	struct identity *id = make_identity(&logins[7]);
	struct rules *r;
	double start;

	(void)state;
	for (size_t i = 0; i < SECTIONS; i++) {
		snprintf(who[i], sizeof(who[i]), "cert:CN=*-%zu,O=acme", i);
		snprintf(vm[i], sizeof(vm[i]), "*-%zu-*", i);
		lists[i][0] = who[i];
		lists[i][1] = KEY_CAROL;
		lists[i][2] = vm[i];
		lists[i][3] = "web-*";
		many[i] = (struct rule_spec){"s", &lists[i][0], 2, &lists[i][2], 2, V, NULL, 200};
	}
	assert_int_equal(rules_create(many, SECTIONS, &r, &error), 0);
	start = seconds();
	for (size_t i = 0; i < ROUNDS; i++)
		assert_int_equal(rules_rights(r, id, &vms[0]), 0);
	assert_true((seconds() - start) / ROUNDS < 1e-3);
	rules_destroy(r);
	identity_destroy(id);
}

static void the_least_number_of_lines_counts(void **state)
{
	const struct rule_spec rows[] = {
		{"all", LIST("key:*"), LIST("*"), V, NULL, 200},
		{"robots", LIST(KEY_CAROL), LIST("web-*"), V, NULL, 0},
		{"some", LIST(KEY_CAROL), LIST("*"), V, NULL, 20},
		{"locals", LIST("user:*"), LIST("*"), V, NULL, 7},
	};
	struct identity *id;
	struct rules_error error;
	struct rules *r;
	struct grant *g;

	assert_int_equal(rules_create(rows, COUNT(rows), &r, &error), 0);
	assert_int_equal(identity_create(FACT_KEY, "SHA256:carol" FINGERPRINT_REST, &id), 0);
	assert_int_equal(grant_create(r, id, &g), 0);
	assert_int_equal(grant_lines(g, &vms[0]), 0);
	assert_int_equal(grant_lines(g, &vms[1]), 20);
	grant_destroy(g);
	identity_destroy(id);
	assert_int_equal(identity_create(FACT_KEY, "SHA256:person", &id), 0);
	assert_int_equal(grant_create(r, id, &g), 0);
	assert_int_equal(grant_lines(g, &vms[0]), 200);
	grant_destroy(g);
	identity_destroy(id);
	assert_int_equal(identity_create(FACT_TICKET, "", &id), 0);
	assert_int_equal(grant_create(r, id, &g), 0);
	assert_true(grant_lines(g, &vms[0]) == UINT_MAX);
	grant_destroy(g);
	identity_destroy(id);
	rules_destroy(r);
}

/* What a login by a ticket for web-1 may there, by whoever made it. */
static unsigned by_ticket(const struct rules *r, const struct login *const *makers, unsigned *lines)
{
	static const struct login ticket = {
		{"ticket:x"}, NULL, "6f1c2d3e-0000-4000-8000-00000000000a", false, {0}, 0, 0};
	struct identity *id = make_identity(&ticket), **last = &id->maker, *copy;
	struct grant *g;
	unsigned rights;

	for (; *makers != NULL; makers++, last = &(*last)->maker)
		*last = make_identity(*makers);
	assert_int_equal(identity_copy(id, &copy), 0);
	identity_destroy(id);
	rights = rules_rights(r, copy, &vms[0]);
	assert_int_equal(rights & ~rules_any(r, copy), 0);
	assert_int_equal(rules_rights(r, copy, &vms[1]), 0);
	assert_int_equal(grant_create(r, copy, &g), 0);
	assert_int_equal(grant_rights(g, &vms[0]), rights);
	*lines = grant_lines(g, &vms[0]);
	grant_destroy(g);
	identity_destroy(copy);
	return rights;
}

static void a_ticket_gives_no_more_than_its_maker_has(void **state)
{
	const struct rule_spec rows[] = {
		{"tickets", LIST("ticket"), LIST("*"), V | T | L, NULL, 200},
		{"help", LIST("user:help"), LIST("web-*"), V | T | RIGHT_ADMIN, NULL, 7},
		{"desk", LIST("user:desk"), LIST("*"), V | L | RIGHT_ADMIN, NULL, 200},
		{"others", LIST("user:other"), LIST("*"), V | T | L, NULL, 200},
	};
	static const struct login root = {{"user:root"}, NULL, NULL, true, {0}, 0, 0};
	static const struct login help = {{"user:help"}, NULL, NULL, false, {0}, 0, 0};
	static const struct login desk = {{"user:desk"}, NULL, NULL, false, {0}, 0, 0};
	static const struct login other = {{"user:other"}, NULL, NULL, false, {0}, 0, 0};
#define BY(...) by_ticket(r, (const struct login *const[]){__VA_ARGS__, NULL}, &lines)
	struct rules_error error;
	struct rules *r;
	unsigned lines;

	(void)state;
	assert_int_equal(rules_create(rows, COUNT(rows), &r, &error), 0);
	assert_int_equal(by_ticket(r, (const struct login *const[]){NULL}, &lines), V | T | L);
	assert_int_equal(BY(&root), V | T | L);
	assert_int_equal(lines, 200);
	assert_int_equal(BY(&help), V | T);
	assert_int_equal(lines, 7);
	assert_int_equal(BY(&desk), V | L);
	assert_int_equal(BY(&other), 0); /* he may make none */
	assert_int_equal(BY(&help, &desk), V);
	assert_int_equal(BY(&help, &other), 0);
	rules_destroy(r);
#undef BY
}

static void both_makers_of_joined_tickets_count(void **state)
{
	static const struct login ticket = {{"ticket:x"}, NULL, NULL, false, {0}, 0, 0};
	static const struct login root = {{"user:root"}, NULL, NULL, true, {0}, 0, 0};
	struct identity *one = make_identity(&ticket), *two = make_identity(&ticket);

	(void)state;
	one->maker = make_identity(&root);
	two->maker = make_identity(&root);
	assert_int_equal(identity_join(one, two), 0);
	assert_non_null(one->maker->maker);
	assert_null(one->maker->maker->maker);
	identity_destroy(one);
	identity_destroy(two);
}

static void address_lists_match_as_openssh_does(void **state)
{
	static const struct {
		const char *list, *address;
		int rc;
		bool blocks_only;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", 1, false},
		{"192.0.2.1", "192.0.2.2", 0, false},
		{"192.0.2.0/24", "192.0.2.200", 1, false},
		{"192.0.2.0/24", "192.0.3.1", 0, false},
		{"0.0.0.0/0", "192.0.3.1", 1, false},
		{"0.0.0.0/0", "2001:db8::1", 0, false},
		{"::/0", "192.0.3.1", 0, false},
		{"10.0.0.0/8,192.0.2.0/25", "192.0.2.127", 1, false},
		{"10.0.0.0/8,192.0.2.0/25", "192.0.2.128", 0, false},
		{"10.0.0.0/8,!10.1.0.0/16", "10.2.0.1", 1, false},
		{"10.0.0.0/8,!10.1.0.0/16", "10.1.0.1", 0, false},
		{"!10.1.0.0/16,10.0.0.0/8", "10.1.0.1", 0, false},
		{"!10.1.0.0/16", "10.2.0.1", 0, false},
		{"192.0.2.*", "192.0.2.9", 1, false},
		{"192.0.2.?", "192.0.2.19", 0, false},
		{"*", "2001:db8::1", 1, false},
		{"*,!192.0.2.?", "192.0.2.1", 0, false},
		{"*.example.com", "192.0.2.1", 0, false},
		{"2001:db8::/32", "2001:db8:1::1", 1, false},
		{"2001:db8::/33", "2001:db8:8000::1", 0, false},
		{"192.0.2.1", "::ffff:192.0.2.1", 1, false},
		{"192.0.2.0/24", "::ffff:c000:201", 1, false},
		{"::ffff:192.0.2.0/120", "192.0.2.77", 1, false},
		{"::ffff:192.0.2.1", "192.0.2.1", 1, false},
		{"fe80::/10", "fe80::1%eth0", 1, false},
		{"2001:DB8::1", "2001:db8:0::1", 1, false},
		{"192.0.2.1/24", "192.0.2.1", -EINVAL, false},
		{"192.0.2.0/24x", "192.0.2.1", -EINVAL, false},
		{"192.0.2.0/", "192.0.2.1", -EINVAL, false},
		{"192.0.2.0/-1", "192.0.2.1", -EINVAL, false},
		{"192.0.2.0/0024", "192.0.2.1", -EINVAL, false},
		{"x/24", "192.0.2.1", -EINVAL, false},
		{"", "192.0.2.1", -EINVAL, false},
		{"192.0.2.1,", "192.0.2.1", -EINVAL, false},
		{",192.0.2.1", "192.0.2.1", -EINVAL, false},
		{"!", "192.0.2.1", -EINVAL, false},
		{"192.0.2.1,10.0.0.1/8", "192.0.2.1", -EINVAL, false},
		{"192.0.2.0/24", "192.0.2.1", 1, true},
		{"192.0.2.*", "192.0.2.1", -EINVAL, true},
		{"!192.0.2.1", "192.0.2.1", -EINVAL, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct net_address a;
		int rc;

		assert_int_equal(address_parse(rows[i].address, &a), 0);
		rc = address_match_list(rows[i].list, &a, rows[i].blocks_only);
		if (rc != rows[i].rc)
			fail_msg("%s on %s: %d", rows[i].list, rows[i].address, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_as_the_table_says),
		cmocka_unit_test(explain_tells_the_same_table),
		cmocka_unit_test(explain_names_the_section_that_would_have),
		cmocka_unit_test(mistakes_name_the_section_and_the_item),
		cmocka_unit_test(keys_are_named_by_what_a_fingerprint_may_be),
		cmocka_unit_test(five_hundred_sections_decide_within_a_millisecond),
		cmocka_unit_test(the_least_number_of_lines_counts),
		cmocka_unit_test(a_ticket_gives_no_more_than_its_maker_has),
		cmocka_unit_test(both_makers_of_joined_tickets_count),
		cmocka_unit_test(address_lists_match_as_openssh_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
