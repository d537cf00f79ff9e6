/*
 * Logins in the broker, by a door or a local program that need not keep to anything: what a line
 * may prove, what counts as a guess, what is taken back on the way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/ssh/base64.h"
#include "auth/throttle.h"
#include "broker/login/context.h"
#include "broker/login/guest_events.h"
#include "config/rights.h"
#include "console/guest/directory.h"
#include "console/libvirt/virt_loop.h"
#include "core/io.h"
#include "core/log.h"
#include "wire/status.h"

#include "lone_broker.h"

#define WAIT_S 20
#define SOURCE "192.0.2.1"
#define NOBODY 65534
#define KNOWN "AAAAC3NzaC1lZDI1NTE5AAAAIHFx0+6q6Dh6FISsrXJcTeYoQkR7ATvSnEhGNCXeNCw5"
#define UNKNOWN "AAAAC3NzaC1lZDI1NTE5AAAAICwycDKj82iQu8x0ecQowYjlD9yBIjnFPIcGtvCF/WUD"
#define KNOWN_MARK "SHA256:K9y39fujUD8/ojz0kaNDNrOy1WQ9X1rn4uRmAUy1btk"
#define UNKNOWN_MARK "SHA256:VfAon23o9Usmo0W/vaPk/qwCDEwyn9agh/2Iqzm/wBI"
#define KEYS "ssh-ed25519 " KNOWN " known\n"
#define RULES                                                                                      \
	"penalty = 0\n[access all]\nwho = key:*\nvms = *\nallow = view, type, admin\n"             \
	"[access tickets]\nwho = ticket\nvms = *\nallow = view\n"

#define BOTH "penalty = 0\n[access all]\nwho = key:*\nvms = *\nallow = view\nrequire = key+ticket\n"

struct one {
	struct lone_broker *broker;
	struct line line;
};

static void begin(struct one *o, const char *sections, const char *keys, const char *address)
{
	o->broker = lone_broker_create(sections, keys);
	lone_broker_connect(o->broker, address, NOBODY, &o->line);
}

static void end(struct one *o)
{
	line_finish(&o->line);
	lone_broker_destroy(o->broker);
}

static void another(struct one *o, const char *address)
{
	line_finish(&o->line);
	lone_broker_connect(o->broker, address, NOBODY, &o->line);
}

static void ask_as(
	struct one *o, const char *name, enum wire_method method, const void *proof, size_t len)
{
	struct wire_auth auth = {(uint8_t)method, (uint16_t)strlen(name)};

	assert_int_equal(line_send2(&o->line, WIRE_AUTH, &auth, name, strlen(name), proof, len), 0);
}

static void ask(struct one *o, enum wire_method method, const void *proof, size_t len)
{
	ask_as(o, "vmconsole", method, proof, len);
}

static void ask_key_as(struct one *o, const char *name, enum wire_method method, const char *key)
{
	uint8_t blob[128];
	size_t len;

	assert_int_equal(base64_decode(key, strlen(key), blob, sizeof(blob), &len), 0);
	ask_as(o, name, method, blob, len);
}

static void ask_key(struct one *o, enum wire_method method, const char *key)
{
	ask_key_as(o, "vmconsole", method, key);
}

/* The verdict, or 0 when the line has ended instead. */
static int verdict(struct one *o)
{
	struct wire_verdict_msg v;
	struct line_message m;
	int r = lone_broker_receive(o->broker, &o->line, &m, WAIT_S);

	assert_true(r >= 0);
	if (r == 0 || m.type == WIRE_BYE)
		return 0;
	assert_int_equal(m.type, WIRE_VERDICT);
	memcpy(&v, m.fixed, sizeof(v));
	o->line.state = v.verdict == WIRE_ACCEPTED ? WIRE_RUNNING : WIRE_FRESH;
	return v.verdict;
}

static int nobody_is_in(const struct one *o)
{
	const struct login *login = LIST_FIRST(lone_broker_context(o->broker)->logins);

	for (; login; login = login_next(login)) {
		if (login_identity(login))
			return 0;
	}
	return 1;
}

static unsigned failures(const struct one *o)
{
	struct net_address source;

	assert_int_equal(address_parse(SOURCE, &source), 0);
	return throttle_failures(lone_broker_context(o->broker)->throttle, &source,
		(int64_t)(loop_now(lone_broker_context(o->broker)->loop) / LOOP_MSEC));
}

static void no_word_of_a_local_program_is_a_proof(void **state)
{
	struct one o;
	unsigned method;

	begin(&o, RULES, KEYS, NULL);
	for (method = WIRE_AUTH_NONE; method < WIRE_AUTH_PEER; method++) {
		if (method == WIRE_AUTH_NONE)
			ask(&o, method, NULL, 0);
		else
			ask_key(&o, method, KNOWN);
		assert_int_equal(verdict(&o), 0);
		assert_true(nobody_is_in(&o));
		another(&o, NULL);
	}
	ask(&o, WIRE_AUTH_PEER, NULL, 0);
	assert_int_equal(verdict(&o), WIRE_DENIED);
	assert_int_equal(verdict(&o), 0);
	end(&o);
}

static void a_door_cannot_speak_for_the_kernel(void **state)
{
	struct one o;

	begin(&o, RULES, KEYS, SOURCE);
	ask(&o, WIRE_AUTH_PEER, NULL, 0);
	assert_int_equal(verdict(&o), 0);
	another(&o, SOURCE);
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	end(&o);
}

static void a_probe_lets_nobody_in(void **state)
{
	struct one o;

	begin(&o, RULES, KEYS, SOURCE);
	ask_key(&o, WIRE_AUTH_PROBE, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	assert_true(nobody_is_in(&o));
	end(&o);
}

static void only_what_can_be_guessed_counts(void **state)
{
	static const struct {
		enum wire_method method;
		const char *key; /* NULL: a password */
		unsigned counts;
	} rows[] = {
		{WIRE_AUTH_PROBE, UNKNOWN, 0},
		{WIRE_AUTH_PUBLICKEY, UNKNOWN, 0},
		{WIRE_AUTH_FORGED, UNKNOWN, 1},
		{WIRE_AUTH_FORGED, KNOWN, 1},
		{WIRE_AUTH_PASSWORD, NULL, 1},
		{WIRE_AUTH_INTERACTIVE, NULL, 1},
	};
	unsigned before;
	struct one o;
	size_t i;

	begin(&o, RULES, KEYS, SOURCE);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		before = failures(&o);
		if (rows[i].key)
			ask_key(&o, rows[i].method, rows[i].key);
		else
			ask(&o, rows[i].method, "wrong", 5);
		assert_int_equal(verdict(&o), WIRE_DENIED);
		another(&o, SOURCE); /* its end counts as nothing either */
		lone_broker_turn(o.broker, 10);
		assert_int_equal(failures(&o), before + rows[i].counts);
	}
	end(&o);
}

/* The log's lines about refused logins, joined by newlines. */
static char refused[8192];

static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	size_t len = strlen(refused);

	if (strstr(text, " refused: "))
		snprintf(refused + len, sizeof(refused) - len, "%s\n", text);
}

static void check_refused(struct one *o, const char *key, const char *wanted)
{
	char line[2048];

	another(o, SOURCE);
	refused[0] = '\0';
	log_set_sink(on_log, NULL);
	ask_key(o, WIRE_AUTH_PROBE, key);
	assert_int_equal(verdict(o), WIRE_DENIED);
	log_set_sink(NULL, NULL);
	snprintf(line, sizeof(line), "login as vmconsole from " SOURCE " refused: %s\n", wanted);
	assert_string_equal(refused, line);
}

#define UNKNOWN_SAID "the key is not known; key " UNKNOWN_MARK
#define FAR_SAID "the key's from= does not allow this address; key " KNOWN_MARK

static void the_log_says_once_what_would_let_a_key_in(void **state)
{
	struct one o;
	char wanted[1024];
	const char *folder;

	begin(&o, RULES, "from=\"198.51.100.1\" " KEYS, SOURCE);
	folder = lone_broker_folder(o.broker);
	snprintf(wanted, sizeof(wanted),
		UNKNOWN_SAID "; to let it in, add the public key to %s/keys", folder);
	check_refused(&o, UNKNOWN, wanted);
	check_refused(&o, UNKNOWN, UNKNOWN_SAID);
	snprintf(wanted, sizeof(wanted), FAR_SAID "; see %s/keys:1", folder);
	check_refused(&o, KNOWN, wanted);
	check_refused(&o, KNOWN, FAR_SAID);
	end(&o);
}

static void the_log_says_which_section_a_key_lacks(void **state)
{
	struct one o;
	char wanted[1024];
	const char *folder;

	begin(&o, "[access others]\nwho = user:alice\nvms = *\nallow = view\n", KEYS, SOURCE);
	folder = lone_broker_folder(o.broker);
	snprintf(wanted, sizeof(wanted),
		"key:" KNOWN_MARK ": no [access] section is for it; key " KNOWN_MARK
		"; add key:" KNOWN_MARK " to who of an [access] section in %s/conf",
		folder);
	check_refused(&o, KNOWN, wanted);
	snprintf(wanted, sizeof(wanted),
		UNKNOWN_SAID "; to let it in, add the public key to %s/keys, and add "
			     "key:" UNKNOWN_MARK " to who of an [access] section in %s/conf",
		folder, folder);
	check_refused(&o, UNKNOWN, wanted);
	end(&o);
}

/* A door counts as well, and ends the connection; this is about one that does not. */
static void attempts_are_bounded_whatever_the_door_does(void **state)
{
	struct one o;
	unsigned i;

	begin(&o, RULES "[ssh]\nmax_auth_tries = 3\n", KEYS, SOURCE);
	for (i = 0; i < 3; i++) {
		ask_key(&o, WIRE_AUTH_FORGED, KNOWN);
		assert_int_equal(verdict(&o), WIRE_DENIED);
	}
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), 0);
	another(&o, SOURCE);
	for (i = 0; i < WIRE_ATTEMPTS_MAX; i++) {
		ask_key(&o, WIRE_AUTH_PROBE, UNKNOWN);
		assert_int_equal(verdict(&o), WIRE_DENIED);
	}
	ask_key(&o, WIRE_AUTH_PROBE, UNKNOWN);
	assert_int_equal(verdict(&o), 0);
	end(&o);
}

static void keys_that_would_do_are_bounded(void **state)
{
	struct one o;
	unsigned i;

	begin(&o, RULES, KEYS, SOURCE);
	for (i = 0; i < WIRE_ATTEMPTS_MAX; i++) {
		ask_key(&o, WIRE_AUTH_PROBE, KNOWN);
		assert_int_equal(verdict(&o), WIRE_ACCEPTED);
		o.line.state = WIRE_FRESH; /* nobody is in by that */
	}
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), 0);
	assert_true(nobody_is_in(&o));
	end(&o);
}

/* Each is recorded; another name begins anew. */
static void first_factors_are_bounded(void **state)
{
	static const char *names[] = {"one", "other"};
	struct one o;
	unsigned i;

	begin(&o, BOTH, KEYS, SOURCE);
	for (i = 0; i < WIRE_ATTEMPTS_MAX; i++) {
		ask_key_as(&o, names[i % 2], WIRE_AUTH_PUBLICKEY, KNOWN);
		assert_int_equal(verdict(&o), WIRE_PARTIAL);
	}
	ask_key_as(&o, names[0], WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), 0);
	end(&o);
}

static void a_silent_local_line_ends(void **state)
{
	struct one o;

	begin(&o, RULES "[ssh]\nlogin_grace = 1s\n", KEYS, NULL);
	assert_int_equal(verdict(&o), 0);
	end(&o);
}

/* Between the judgement and the answer lies a disk. */
static void a_key_taken_away_while_its_login_is_recorded_lets_nobody_in(void **state)
{
	struct one o;

	begin(&o, RULES "[audit]\nstrict = yes\n", KEYS, SOURCE);
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	while (!*login_name(
		LIST_FIRST(lone_broker_context(o.broker)->logins))) /* the question is heard */
		(void)loop_turn(lone_broker_context(o.broker)->loop, LOOP_SECOND);
	assert_true(nobody_is_in(&o)); /* the answer of the disk comes on a later turn */
	lone_broker_set_keys(o.broker, "");
	assert_int_equal(verdict(&o), 0);
	assert_true(nobody_is_in(&o));
	end(&o);
}

static void a_key_taken_away_ends_who_is_in(void **state)
{
	struct wire_bye bye;
	struct line_message m;
	struct one o;

	begin(&o, RULES, KEYS, SOURCE);
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	lone_broker_set_keys(o.broker, KEYS "# nothing else\n");
	assert_false(nobody_is_in(&o));
	lone_broker_set_keys(o.broker, "# nobody\n");
	assert_int_equal(lone_broker_receive(o.broker, &o.line, &m, WAIT_S), 1);
	assert_int_equal(m.type, WIRE_BYE);
	memcpy(&bye, m.fixed, sizeof(bye));
	assert_int_equal(bye.status, STATUS_DENIED);
	end(&o);
}

/* Asks for a shell on a fresh channel: the status it ends with. */
static int shell_status(struct one *o, int pty)
{
	struct wire_request request = {.pty = (uint8_t)pty};
	struct wire_exit last = {-1};
	struct line channel;
	struct line_message m;
	int fds[2];

	assert_int_equal(line_pair(fds), 0);
	line_init(&channel, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	assert_int_equal(line_send_fds(&o->line, WIRE_OPEN, NULL, NULL, 0, &fds[1], 1), 0);
	fd_close(&fds[1]);
	assert_int_equal(line_send(&channel, WIRE_SHELL, &request, NULL, 0), 0);
	do {
		assert_int_equal(lone_broker_receive(o->broker, &channel, &m, WAIT_S), 1);
	} while (m.type != WIRE_EXIT);
	memcpy(&last, m.fixed, sizeof(last));
	line_finish(&channel);
	return last.status;
}

static void a_terminal_is_not_for_the_door_to_give(void **state)
{
	struct one o;

	begin(&o, RULES, "no-pty " KEYS, SOURCE);
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	assert_int_equal(shell_status(&o, 1), STATUS_DENIED);
	assert_int_equal(shell_status(&o, 0), STATUS_USAGE); /* the menu needs one */
	end(&o);
}

/* --- by what who comes over https may be known --- */

#define FROM_HERE                                                                                  \
	"penalty = 0\n[access here]\nwho = address:" SOURCE "\nvms = *\n"                          \
	"allow = view, dump-get, forward, admin\n"

static void begin_https(struct one *o, const char *sections)
{
	o->broker = lone_broker_create(sections, KEYS);
	lone_broker_connect_https(o->broker, SOURCE, &o->line);
}

/* The door may say what it likes. */
static void nobody_is_let_in_where_nothing_says_so(void **state)
{
	struct one o;

	begin_https(&o, FROM_HERE);
	ask(&o, WIRE_AUTH_NONE, NULL, 0);
	assert_int_equal(verdict(&o), WIRE_DENIED);
	assert_true(nobody_is_in(&o));
	end(&o);
}

static void nobody_has_the_rights_of_the_groups_that_take_nobody(void **state)
{
	static const struct {
		const char *group;
		unsigned rights; /* on the host, of those above */
	} rows[] = {{"console_auth", RIGHT_VIEW | RIGHT_ADMIN}, {"dump_auth", RIGHT_DUMP_GET},
		{"rpc_auth", RIGHT_FORWARD}};
	const unsigned all = RIGHT_VIEW | RIGHT_ADMIN | RIGHT_DUMP_GET | RIGHT_FORWARD;
	char sections[512];
	struct login *login;
	struct one o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(sections, sizeof(sections), FROM_HERE "[https]\n%s = none\n",
			rows[i].group);
		begin_https(&o, sections);
		ask(&o, WIRE_AUTH_NONE, NULL, 0);
		assert_int_equal(verdict(&o), WIRE_ACCEPTED);
		login = LIST_FIRST(lone_broker_context(o.broker)->logins);
		assert_int_equal(login_host_rights(login) & all, rows[i].rights);
		end(&o);
	}
}

#define FROM_ROOT                                                                                  \
	"penalty = 0\n[access root]\nwho = user:root\nvms = *\nallow = view, admin\n"              \
	"[https]\nrpc_auth = none\n"

static void begin_http(struct one *o, const char *sections)
{
	o->broker = lone_broker_create(sections, KEYS);
	lone_broker_connect_http(o->broker, 0, &o->line);
}

/* A proxy that runs as root has clients. Judged again, it is the same. */
static void root_at_a_socket_of_http_is_what_rules_make_of_him(void **state)
{
	struct login *login;
	struct one o;

	begin_http(&o, FROM_ROOT "console_auth = none\n");
	ask(&o, WIRE_AUTH_NONE, NULL, 0);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	login = LIST_FIRST(lone_broker_context(o.broker)->logins);
	assert_string_equal(login_address(login), "uid 0");
	assert_int_equal(login_host_rights(login), RIGHT_VIEW | RIGHT_ADMIN);
	login_review(login);
	assert_int_equal(login_host_rights(login), RIGHT_VIEW | RIGHT_ADMIN);
	assert_false(login_identity(login)->everything);
	end(&o);

	begin_http(&o, "penalty = 0\n[https]\nconsole_auth = none\n");
	ask(&o, WIRE_AUTH_NONE, NULL, 0);
	assert_int_equal(verdict(&o), WIRE_DENIED);
	end(&o);
}

static void over_http_rights_count_for_who_is_known_as_their_group_wants(void **state)
{
	struct one o;

	begin_http(&o, FROM_ROOT);
	ask(&o, WIRE_AUTH_NONE, NULL, 0);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	assert_int_equal(login_host_rights(LIST_FIRST(lone_broker_context(o.broker)->logins)), 0);
	end(&o);
}

static void keep_text(void *arg, enum log_level level, const char *tag, const char *text)
{
	char *kept = arg;

	if (strstr(text, "refused"))
		snprintf(kept, 256, "%s", text);
}

/* A door may say what it likes. */
static void no_certificate_counts_over_http(void **state)
{
	char said[256] = "";
	struct one o;

	begin_http(&o, FROM_ROOT);
	log_set_sink(keep_text, said);
	ask(&o, WIRE_AUTH_CERTIFICATE, "der", 3);
	assert_int_equal(verdict(&o), WIRE_DENIED);
	log_set_sink(NULL, NULL);
	assert_non_null(strstr(said, "from uid 0 refused: plain http shows no certificate"));
	end(&o);
}

/* --- rules that ask where a guest is --- */

#define RULES_FOR_A "penalty = 0\n[access a]\nwho = key:*\nvms = hypervisor:a\nallow = view\n"

/* The guest is known to it, and off. */
static struct hypervisor *add_hypervisor(
	struct broker_context *context, struct virt_loop *virt, const char *name)
{
	const struct hypervisor_options options = {.name = name, .uri = "test:///default"};
	struct location_info info = {.name = LONE_VM, .state = LOCATION_OFF, .domain_id = -1};
	struct hypervisor *h = NULL;

	assert_int_equal(uuid_parse(LONE_VM_UUID, &info.uuid), 0);
	assert_int_equal(
		hypervisor_create(context->loop, virt, &options, &guest_events, context, &h), 0);
	guest_events.location(context, h, &info);
	guest_events.link(context, h, 1, "");
	return h;
}

/* The menu, as if it were about the guest: something that needs the right to view it. */
static void open_channel_on_guest(struct one *o, struct line *channel)
{
	const struct broker_context *context = lone_broker_context(o->broker);
	struct wire_request request = {.pty = 1};
	struct login *login = LIST_FIRST(context->logins);
	struct uuid uuid;
	int fds[2];

	assert_int_equal(uuid_parse(LONE_VM_UUID, &uuid), 0);
	assert_int_equal(line_pair(fds), 0);
	line_init(channel, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	assert_int_equal(line_send_fds(&o->line, WIRE_OPEN, NULL, NULL, 0, &fds[1], 1), 0);
	fd_close(&fds[1]);
	assert_int_equal(line_send(channel, WIRE_SHELL, &request, NULL, 0), 0);
	while (!login_first_channel(login) || !channel_has_handler(login_first_channel(login)))
		(void)loop_turn(context->loop, LOOP_SECOND);
	channel_need(login_first_channel(login), directory_by_uuid(context->directory, &uuid),
		RIGHT_VIEW);
}

/* A guest that two know is where it can be asked about: then it is another rule's. */
static void a_link_that_is_lost_takes_the_rights_that_hang_on_it(void **state)
{
	struct broker_context *context;
	const struct channel *c;
	struct virt_loop *virt = NULL;
	struct hypervisor *a, *b;
	struct wire_exit last = {-1};
	struct line channel;
	struct line_message m;
	struct one o;

	begin(&o, RULES_FOR_A, KEYS, SOURCE);
	context = (struct broker_context *)(uintptr_t)lone_broker_context(o.broker);
	assert_int_equal(virt_loop_create(context->loop, &virt), 0);
	a = add_hypervisor(context, virt, "a");
	b = add_hypervisor(context, virt, "b");
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	open_channel_on_guest(&o, &channel);
	guest_events.link(context, b, 0, "gone");
	guest_events.link(context, b, 1, "");
	c = login_first_channel(LIST_FIRST(context->logins));
	assert_false(channel_is_exiting(c));
	guest_events.link(context, a, 0, "gone");
	assert_true(channel_is_exiting(c)); /* now, and not when keys are read again */
	do {
		assert_int_equal(lone_broker_receive(o.broker, &channel, &m, WAIT_S), 1);
	} while (m.type != WIRE_EXIT);
	memcpy(&last, m.fixed, sizeof(last));
	assert_int_equal(last.status, STATUS_DENIED);
	line_finish(&channel);
	hypervisor_destroy(&a);
	hypervisor_destroy(&b);
	end(&o);
	virt_loop_destroy(&virt);
}

/* A channel that asks for nothing holds no place for ever. */
static void a_channel_that_is_the_line_itself_is_let_go(void **state)
{
	struct line_message m;
	struct one o;

	begin(&o, RULES, KEYS, SOURCE);
	ask_key(&o, WIRE_AUTH_PUBLICKEY, KNOWN);
	assert_int_equal(verdict(&o), WIRE_ACCEPTED);
	assert_int_equal(line_send_fds(&o.line, WIRE_OPEN, NULL, NULL, 0, &o.line.fd, 1), 0);
	lone_broker_turn(o.broker, 10);
	line_finish(&o.line);
	lone_broker_connect(o.broker, SOURCE, NOBODY, &o.line);
	assert_false(nobody_is_in(&o));
	(void)lone_broker_receive(o.broker, &o.line, &m, WAIT_S);
	assert_true(nobody_is_in(&o));
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_word_of_a_local_program_is_a_proof),
		cmocka_unit_test(a_door_cannot_speak_for_the_kernel),
		cmocka_unit_test(a_probe_lets_nobody_in),
		cmocka_unit_test(only_what_can_be_guessed_counts),
		cmocka_unit_test(the_log_says_once_what_would_let_a_key_in),
		cmocka_unit_test(the_log_says_which_section_a_key_lacks),
		cmocka_unit_test(attempts_are_bounded_whatever_the_door_does),
		cmocka_unit_test(keys_that_would_do_are_bounded),
		cmocka_unit_test(first_factors_are_bounded),
		cmocka_unit_test(a_silent_local_line_ends),
		cmocka_unit_test(a_key_taken_away_while_its_login_is_recorded_lets_nobody_in),
		cmocka_unit_test(a_key_taken_away_ends_who_is_in),
		cmocka_unit_test(a_terminal_is_not_for_the_door_to_give),
		cmocka_unit_test(nobody_is_let_in_where_nothing_says_so),
		cmocka_unit_test(nobody_has_the_rights_of_the_groups_that_take_nobody),
		cmocka_unit_test(root_at_a_socket_of_http_is_what_rules_make_of_him),
		cmocka_unit_test(over_http_rights_count_for_who_is_known_as_their_group_wants),
		cmocka_unit_test(no_certificate_counts_over_http),
		cmocka_unit_test(a_link_that_is_lost_takes_the_rights_that_hang_on_it),
		cmocka_unit_test(a_channel_that_is_the_line_itself_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
