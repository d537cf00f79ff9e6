/* The table of messages, held against what is written here: a second opinion on every cell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/table.h"

#define STATES 6

static const enum wire_state states[STATES] = {
	WIRE_FRESH, WIRE_ASKED, WIRE_RUNNING, WIRE_HALF, WIRE_ENDED, WIRE_SERVING};

/* lines: a letter for each kind of line it belongs to: Control logIn lOcal
 * cHannel Worker Job.
 * allowed: a letter for each state in which the message is allowed: Fresh Asked Running Half
 * Ended serVing. then: the state after it, '=' for the same; what has ended stays so. */
static const struct expectation {
	const char *name;
	unsigned type;
	const char *lines;
	enum wire_side sender;
	const char *allowed;
	char then;
	size_t fixed, payload_min, payload_max;
	unsigned fds;
} expected[] = {
	{"HELLO", 1, "CW", WIRE_BROKER, "F", 'A', 32, 0, 0, 0},
	{"READY", 2, "CW", WIRE_DOOR, "A", 'R', 34, 0, 0, 0},
	{"SETTINGS", 3, "CW", WIRE_BROKER, "AR", '=', 25, 0, 4096, 0},
	{"NEW", 4, "C", WIRE_BROKER, "R", '=', 9, 0, 0, 2},
	{"LOG", 5, "CW", WIRE_DOOR, "ARE", '=', 9, 0, 4096, 0},
	{"STOP", 6, "CW", WIRE_BROKER, "AR", 'E', 0, 0, 0, 0},
	{"CLIENT", 7, "IS", WIRE_DOOR, "F", '=', 0, 0, 256, 0},
	{"AUTH", 8, "IOS", WIRE_DOOR, "F", 'A', 3, 0, 256 + 12288, 0},
	{"VERDICT", 9, "IOS", WIRE_BROKER, "A", '=', 3, 0, 1024, 0},
	{"OPEN", 10, "IOS", WIRE_DOOR, "R", '=', 0, 0, 0, 1},
	{"BYE", 11, "IOS", WIRE_BROKER, "FAR", 'E', 4, 0, 1024, 0},
	{"SHELL", 12, "H", WIRE_DOOR, "F", 'R', 8, 0, 64, 0},
	{"EXEC", 13, "H", WIRE_DOOR, "F", 'R', 8, 0, 64 + 8192, 0},
	{"DATA", 14, "H", WIRE_DOOR, "RE", '=', 0, 1, 16384 - 256, 0},
	{"EOF", 15, "H", WIRE_DOOR, "RE", 'H', 0, 0, 0, 0},
	{"WINSIZE", 16, "H", WIRE_DOOR, "RHE", '=', 4, 0, 0, 0},
	{"SIGNAL", 17, "H", WIRE_DOOR, "RHE", '=', 0, 1, 32, 0},
	{"OUT", 18, "H", WIRE_BROKER, "RH", '=', 0, 1, 16384 - 256, 0},
	{"ERR", 19, "H", WIRE_BROKER, "RHV", '=', 0, 1, 16384 - 256, 0},
	{"EXIT", 20, "H", WIRE_BROKER, "FRHV", 'E', 4, 0, 1024, 0},
	{"BREAK", 21, "H", WIRE_DOOR, "RHE", '=', 4, 0, 0, 0},
	{"TASK", 22, "W", WIRE_BROKER, "R", '=', 0, 0, 0, 1},
	{"PING", 23, "W", WIRE_BROKER, "R", '=', 8, 0, 0, 0},
	{"PONG", 24, "W", WIRE_DOOR, "R", '=', 8, 0, 0, 0},
	{"MATCH", 25, "J", WIRE_BROKER, "F", 'R', 20, 2, 8192, 0},
	{"BYTES", 26, "J", WIRE_BROKER, "RE", '=', 8, 1, 16384 - 256, 0},
	{"REST", 27, "J", WIRE_BROKER, "RE", '=', 0, 0, 0, 0},
	{"READ", 28, "J", WIRE_DOOR, "R", '=', 18, 0, 0, 0},
	{"FOUND", 29, "J", WIRE_DOOR, "R", 'E', 18, 0, 8192, 0},
	{"FAILED", 30, "J", WIRE_DOOR, "AR", 'E', 1, 0, 1024, 0},
	{"BEGIN", 31, "H", WIRE_BROKER, "RH", '=', 8, 0, 0, 0},
	{"UPSTREAM", 32, "H", WIRE_BROKER, "RH", '=', 1, 0, 8192, 1},
	{"FILES", 33, "H", WIRE_DOOR, "F", 'V', 1, 0, 8192, 0},
	{"STAT", 34, "H", WIRE_DOOR, "VE", '=', 4, 1, 4095, 0},
	{"LIST", 35, "H", WIRE_DOOR, "VE", '=', 12, 1, 4095, 0},
	{"LEND", 36, "H", WIRE_DOOR, "VE", '=', 4, 1, 4095, 0},
	{"PULL", 37, "H", WIRE_DOOR, "VE", '=', 20, 0, 0, 0},
	{"GIVEN", 38, "H", WIRE_DOOR, "VE", '=', 14, 0, 256, 0},
	{"REFUSED", 39, "H", WIRE_DOOR, "VE", '=', 1, 1, 32 + 4095, 0},
	{"DONE", 40, "H", WIRE_DOOR, "VE", 'H', 4, 0, 1024, 0},
	{"ATTR", 41, "H", WIRE_BROKER, "VH", '=', 32, 0, 0, 0},
	{"ENTRIES", 42, "H", WIRE_BROKER, "VH", '=', 42, 0, 16384 - 256, 0},
	{"LENT", 43, "H", WIRE_BROKER, "VH", '=', 32, 0, 0, 1},
	{"PIECE", 44, "H", WIRE_BROKER, "VH", '=', 5, 0, 16384 - 256, 0},
	{"FAULT", 45, "H", WIRE_BROKER, "VH", '=', 36, 0, 1024, 0},
	{"REMOVE", 46, "H", WIRE_DOOR, "VE", '=', 4, 1, 4095, 0},
	{"LEASE", 47, "H", WIRE_DOOR, "F", '=', 0, 1, 64, 0},
	{"KERNEL", 48, "J", WIRE_BROKER, "F", 'R', 1, 0, 256, 1},
	{"PEEK", 49, "J", WIRE_DOOR, "R", '=', 12, 0, 0, 0},
	{"PEEKED", 50, "J", WIRE_BROKER, "RE", '=', 0, 0, 0, 0},
	{"PRINT", 51, "J", WIRE_DOOR, "R", '=', 0, 1, 16384 - 256, 0},
	{"WHOLE", 52, "J", WIRE_DOOR, "R", 'E', 0, 0, 0, 0},
	{"KEYS", 53, "CW", WIRE_BROKER, "AR", '=', 0, 0, 0, 1},
	{"WRAP", 54, "J", WIRE_BROKER, "F", 'A', 0, 1, 255, 2},
	{"WRAPPED", 55, "J", WIRE_DOOR, "A", 'R', 0, 0, 0, 0},
	{"SCREEN", 56, "J", WIRE_BROKER, "F", 'R', 14, 0, 128, 0},
	{"SHOWN", 57, "J", WIRE_DOOR, "R", 'E', 6, 0, 0, 0},
	{"MODES", 58, "J", WIRE_BROKER, "RE", '=', 0, 1, 255, 0},
};
#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

static const char line_letters[] = "CIOHWJS"; /* by enum wire_line */

static enum wire_line first_line(const struct expectation *e)
{
	return (enum wire_line)(strchr(line_letters, e->lines[0]) - line_letters);
}

static const struct expectation *expectation_of(unsigned type)
{
	return type >= 1 && type <= EXPECTED ? &expected[type - 1] : NULL;
}

static char letter(enum wire_state state)
{
	switch (state) {
	case WIRE_FRESH:
		return 'F';
	case WIRE_ASKED:
		return 'A';
	case WIRE_RUNNING:
		return 'R';
	case WIRE_HALF:
		return 'H';
	case WIRE_ENDED:
		return 'E';
	case WIRE_SERVING:
		return 'V';
	}
	return '?';
}

/* Entries of names as long as they may be, and a last one with the rest. */
static void fill_entries(unsigned char *message, size_t payload)
{
	struct wire_entries head = {0};
	unsigned char *p = message + 1 + sizeof(head);

	for (; payload > sizeof(struct wire_entry) && head.count < UINT8_MAX; head.count++) {
		struct wire_entry entry = {0};
		size_t name = payload - sizeof(entry);

		/* None may be left that is too short for an entry. */
		if (name > 255)
			name = payload - sizeof(entry) - 255 > sizeof(entry) ? 255 : 200;
		entry.name_len = (uint8_t)name;
		memcpy(p, &entry, sizeof(entry));
		p += sizeof(entry) + name;
		payload -= sizeof(entry) + name;
	}
	memcpy(message + 1, &head, sizeof(head));
}

static void fill_files(unsigned char *message, unsigned type, size_t len, size_t payload)
{
	struct wire_given given = {.count = (uint8_t)(payload / sizeof(struct wire_range))};
	struct wire_refused refused = {.request_len = (uint8_t)(payload < 32 ? payload : 32)};
	struct wire_fault fault = {.error = -ENOENT};

	if (type == WIRE_GIVEN && len > sizeof(given))
		memcpy(message + 1, &given, sizeof(given));
	if (type == WIRE_REFUSED && len > sizeof(refused))
		memcpy(message + 1, &refused, sizeof(refused));
	if (type == WIRE_FAULT && len > sizeof(fault))
		memcpy(message + 1, &fault, sizeof(fault));
	if (type == WIRE_ENTRIES && len > sizeof(struct wire_entries))
		fill_entries(message, payload);
}

/* Whether so many bytes can be a payload: whole ranges, and entries of one byte's name at least. */
static int can_be(const struct expectation *e, size_t payload)
{
	if (e->type == WIRE_GIVEN || e->type == WIRE_KERNEL)
		return payload % sizeof(struct wire_range) == 0;
	return e->type != WIRE_ENTRIES || payload == 0 || payload > sizeof(struct wire_entry);
}

/* A message of the type whose fields are good, len bytes in all; the payload is the proof or the
 * command, with a login or TERM no longer than it may be. */
static void fill(unsigned char *message, unsigned type, enum wire_line line, size_t len)
{
	struct wire_auth auth = {
		.method = line == WIRE_LOCAL ? WIRE_AUTH_PEER : WIRE_AUTH_PASSWORD};
	struct wire_request request = {.pty = 1};
	struct wire_match match = {.count = 1};
	const struct expectation *e = expectation_of(type);
	size_t payload = e && len > 1 + e->fixed ? len - 1 - e->fixed : 0;

	memset(message, 0, len);
	if (len > 0)
		message[0] = (unsigned char)type;
	if (type == WIRE_AUTH && len > sizeof(auth)) {
		auth.login_len = (uint16_t)(payload < WIRE_LOGIN_MAX ? payload : WIRE_LOGIN_MAX);
		memcpy(message + 1, &auth, sizeof(auth));
	}
	if (type == WIRE_MATCH && len >= 1 + sizeof(match) + 2) {
		memcpy(message + 1, &match, sizeof(match));
		memcpy(message + 1 + sizeof(match), &(uint16_t){(uint16_t)(payload - 2)}, 2);
	}
	fill_files(message, type, len, payload);
	if (type == WIRE_FAILED && len > 1)
		message[1] = WIRE_FAIL_LIMIT;
	if ((type == WIRE_SHELL || type == WIRE_EXEC) && len > sizeof(request)) {
		request.term_len = (uint8_t)(payload < WIRE_TERM_MAX ? payload : WIRE_TERM_MAX);
		memcpy(message + 1, &request, sizeof(request));
	}
}

static void rows_are_as_written_here(void **state)
{
	unsigned line;
	size_t i;

	assert_int_equal(WIRE_TYPES, EXPECTED + 1);
	for (i = 0; i < EXPECTED; i++) {
		const struct expectation *e = &expected[i];
		const struct wire_row *row = wire_row(e->type);

		assert_non_null(row);
		assert_string_equal(row->name, e->name);
		for (line = WIRE_CONTROL; line < WIRE_LINES; line++)
			assert_int_equal(row->lines >> line & 1,
				strchr(e->lines, line_letters[line]) != NULL);
		assert_int_equal(row->sender, e->sender);
		assert_int_equal(row->fixed, e->fixed);
		assert_int_equal(row->payload_min, e->payload_min);
		assert_int_equal(row->payload_max, e->payload_max);
		assert_int_equal(row->fds, e->fds);
		assert_true(1 + row->fixed + row->payload_max <= WIRE_MESSAGE_MAX);
		assert_true(row->fds <= WIRE_FDS_MAX);
	}
	assert_null(wire_row(0));
	assert_null(wire_row(WIRE_TYPES));
	assert_null(wire_row(255));
	assert_null(wire_row(~0u));
}

/* Every type byte x line x sender x state. */
static void a_message_is_allowed_exactly_where_its_row_says(void **state)
{
	unsigned type, line, sender, s;

	for (type = 0; type < 256; type++)
		for (line = WIRE_CONTROL; line < WIRE_LINES; line++)
			for (sender = WIRE_BROKER; sender <= WIRE_DOOR; sender++)
				for (s = 0; s < STATES; s++) {
					const struct expectation *e = expectation_of(type);
					enum wire_state next = WIRE_ENDED;
					unsigned char message[64];
					size_t len = e ? 1 + e->fixed + e->payload_min : 1;
					int r, want = -ENOMSG;

					fill(message, type, line, len);
					if (e)
						want = strchr(e->lines, line_letters[line]) &&
								       e->sender == sender &&
								       strchr(e->allowed,
									       letter(states[s]))
							       ? 0
							       : -EPROTO;
					r = wire_check(line, sender, states[s], message, len,
						e ? e->fds : 0, &next);
					if (r != want)
						fail_msg("type %u line %u sender %u state %c: %d",
							type, line, sender, letter(states[s]), r);
					if (r == 0)
						assert_int_equal(letter(next),
							e->then == '=' || states[s] == WIRE_ENDED
								? letter(states[s])
								: e->then);
				}
}

static enum wire_state first_state(const struct expectation *e)
{
	size_t i;

	for (i = 0; i < STATES; i++)
		if (letter(states[i]) == e->allowed[0])
			return states[i];
	return WIRE_ENDED;
}

static void every_length_is_judged_by_the_row(void **state)
{
	static unsigned char message[WIRE_MESSAGE_MAX + 16];
	size_t i, len;

	for (i = 0; i < EXPECTED; i++) {
		const struct expectation *e = &expected[i];
		size_t least = 1 + e->fixed + e->payload_min, most = 1 + e->fixed + e->payload_max;

		for (len = 0; len <= WIRE_MESSAGE_MAX + 16; len++) {
			enum wire_state next;
			int r, good = len >= least && len <= most;

			if (len > 300 && len + 300 < most && len % 97)
				continue;
			fill(message, e->type, first_line(e), len);
			r = wire_check(first_line(e), e->sender, first_state(e), message, len,
				e->fds, &next);
			if (len == 0 || !good)
				assert_int_equal(r, -EMSGSIZE);
			else if (!can_be(e, len - 1 - e->fixed))
				assert_int_equal(r, -EINVAL);
			else if (r != 0)
				fail_msg("%s of %zu bytes: %d", e->name, len, r);
		}
	}
}

static void a_wrong_number_of_descriptors_is_refused(void **state)
{
	unsigned char message[64];
	size_t i;
	unsigned fds;

	for (i = 0; i < EXPECTED; i++) {
		const struct expectation *e = &expected[i];
		size_t len = 1 + e->fixed + e->payload_min;

		fill(message, e->type, first_line(e), len);
		for (fds = 0; fds < 5; fds++) {
			enum wire_state next;

			assert_int_equal(wire_check(first_line(e), e->sender, first_state(e),
						 message, len, fds, &next),
				fds == e->fds ? 0 : -EBADF);
		}
	}
}

static int check_auth(enum wire_line line, unsigned method, size_t login, size_t payload)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	struct wire_auth auth = {.method = (uint8_t)method, .login_len = (uint16_t)login};
	enum wire_state next;

	memset(message, 0, sizeof(message));
	message[0] = WIRE_AUTH;
	memcpy(message + 1, &auth, sizeof(auth));
	return wire_check(
		line, WIRE_DOOR, WIRE_FRESH, message, 1 + sizeof(auth) + payload, 0, &next);
}

/* A local program cannot say that a signature was verified, nor a door who the kernel says is
 * there. */
static void a_proof_belongs_to_one_kind_of_line(void **state)
{
	static const struct {
		unsigned method;
		int ssh, https, local;
	} rows[] = {
		{0, -EINVAL, -EINVAL, -EINVAL},
		{WIRE_AUTH_NONE, 0, 0, -EACCES},
		{WIRE_AUTH_PROBE, 0, -EACCES, -EACCES},
		{WIRE_AUTH_PUBLICKEY, 0, -EACCES, -EACCES},
		{WIRE_AUTH_FORGED, 0, -EACCES, -EACCES},
		{WIRE_AUTH_UNUSABLE, 0, -EACCES, -EACCES},
		{WIRE_AUTH_PASSWORD, 0, 0, -EACCES},
		{WIRE_AUTH_INTERACTIVE, 0, -EACCES, -EACCES},
		{WIRE_AUTH_CERTIFICATE, -EACCES, 0, -EACCES},
		{WIRE_AUTH_PEER, -EACCES, -EACCES, 0},
		{WIRE_AUTH_PEER + 1, -EINVAL, -EINVAL, -EINVAL},
		{255, -EINVAL, -EINVAL, -EINVAL},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(check_auth(WIRE_LOGIN, rows[i].method, 4, 4), rows[i].ssh);
		assert_int_equal(check_auth(WIRE_HTTPS, rows[i].method, 4, 4), rows[i].https);
		assert_int_equal(check_auth(WIRE_LOCAL, rows[i].method, 4, 4), rows[i].local);
	}
	assert_int_equal(wire_methods(WIRE_LOCAL), 1u << WIRE_AUTH_PEER);
	assert_int_equal(wire_methods(WIRE_LOGIN), ((1u << WIRE_AUTH_CERTIFICATE) - 1) & ~1u);
	assert_int_equal(wire_methods(WIRE_HTTPS),
		1u << WIRE_AUTH_NONE | 1u << WIRE_AUTH_PASSWORD | 1u << WIRE_AUTH_CERTIFICATE);
	assert_int_equal(wire_methods(WIRE_CONTROL) | wire_methods(WIRE_CHANNEL), 0);
}

static void auth_fields_are_bounded(void **state)
{
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 5, 5), 0);
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 6, 5), -EINVAL);
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 65535, 12000), -EINVAL);
	assert_int_equal(
		check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, WIRE_LOGIN_MAX, WIRE_LOGIN_MAX), 0);
	assert_int_equal(
		check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, WIRE_LOGIN_MAX + 1, 1000), -EINVAL);
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 0, WIRE_PROOF_MAX), 0);
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 0, WIRE_PROOF_MAX + 1), -EINVAL);
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_PROBE, 1, WIRE_PROOF_MAX + 1), 0);
	/* Nothing is proved by these, so nothing comes with them. */
	assert_int_equal(check_auth(WIRE_LOGIN, WIRE_AUTH_NONE, 4, 5), -EINVAL);
	assert_int_equal(check_auth(WIRE_LOCAL, WIRE_AUTH_PEER, 4, 5), -EINVAL);
}

static int check(unsigned type, const struct wire_request *request, size_t payload)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	enum wire_state next;

	memset(message, 0, sizeof(message));
	message[0] = (unsigned char)type;
	memcpy(message + 1, request, sizeof(*request));
	return wire_check(WIRE_CHANNEL, WIRE_DOOR, WIRE_FRESH, message,
		1 + sizeof(*request) + payload, 0, &next);
}

static int check_request(unsigned type, unsigned pty, size_t term, size_t payload)
{
	struct wire_request request = {.pty = (uint8_t)pty, .term_len = (uint8_t)term};

	return check(type, &request, payload);
}

static int check_flags(unsigned terminal, unsigned files_refused)
{
	struct wire_request request = {
		.terminal = (uint8_t)terminal, .files_refused = (uint8_t)files_refused};

	return check(WIRE_SHELL, &request, 0);
}

static void request_fields_are_bounded(void **state)
{
	assert_int_equal(check_request(WIRE_EXEC, 0, 0, 0), 0);
	assert_int_equal(check_request(WIRE_EXEC, 1, 0, 0), 0);
	assert_int_equal(check_request(WIRE_EXEC, 2, 0, 0), -EINVAL);
	assert_int_equal(check_request(WIRE_SHELL, 255, 0, 0), -EINVAL);
	assert_int_equal(check_flags(1, 1), 0);
	assert_int_equal(check_flags(2, 0), -EINVAL);
	assert_int_equal(check_flags(0, 2), -EINVAL);
	assert_int_equal(check_request(WIRE_SHELL, 1, WIRE_TERM_MAX, WIRE_TERM_MAX), 0);
	assert_int_equal(check_request(WIRE_SHELL, 1, 6, 5), -EINVAL);
	assert_int_equal(check_request(WIRE_EXEC, 1, WIRE_TERM_MAX + 1, 200), -EINVAL);
	assert_int_equal(check_request(WIRE_EXEC, 1, 0, WIRE_COMMAND_MAX), 0);
	assert_int_equal(check_request(WIRE_EXEC, 1, 0, WIRE_COMMAND_MAX + 1), -EINVAL);
	assert_int_equal(check_request(WIRE_EXEC, 1, 1, WIRE_COMMAND_MAX + 1), 0);
}

static int check_match(unsigned count, unsigned raw, uint16_t first, size_t payload)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	struct wire_match match = {.count = (uint8_t)count, .raw = (uint8_t)raw};
	enum wire_state next;

	memset(message, 0, sizeof(message));
	message[0] = WIRE_MATCH;
	memcpy(message + 1, &match, sizeof(match));
	memcpy(message + 1 + sizeof(match), &first, sizeof(first));
	return wire_check(
		WIRE_JOB, WIRE_BROKER, WIRE_FRESH, message, 1 + sizeof(match) + payload, 0, &next);
}

static void patterns_fill_their_message(void **state)
{
	assert_int_equal(check_match(1, 0, 6, 8), 0);
	assert_int_equal(check_match(1, 1, 6, 8), 0);
	assert_int_equal(check_match(1, 2, 6, 8), -EINVAL);
	assert_int_equal(check_match(1, 0, 5, 8), -EINVAL);
	assert_int_equal(check_match(1, 0, 7, 8), -EINVAL);
	assert_int_equal(check_match(1, 0, 65535, 8), -EINVAL);
	assert_int_equal(check_match(2, 0, 4, 8), 0);
	assert_int_equal(check_match(3, 0, 4, 8), -EINVAL);
	assert_int_equal(check_match(0, 0, 0, 2), -EINVAL);
}

static int check_answer(unsigned type, const void *fixed, size_t size)
{
	unsigned char message[64] = {(unsigned char)type};
	enum wire_state next;

	memcpy(message + 1, fixed, size);
	return wire_check(WIRE_JOB, WIRE_DOOR, WIRE_RUNNING, message, 1 + size, 0, &next);
}

static void whether_an_end_is_told_is_yes_or_no(void **state)
{
	unsigned char message[2] = {WIRE_UPSTREAM, 1};
	enum wire_state next;

	assert_int_equal(
		wire_check(WIRE_CHANNEL, WIRE_BROKER, WIRE_RUNNING, message, 2, 1, &next), 0);
	message[1] = 2;
	assert_int_equal(
		wire_check(WIRE_CHANNEL, WIRE_BROKER, WIRE_RUNNING, message, 2, 1, &next), -EINVAL);
}

static void answers_of_a_worker_are_bounded(void **state)
{
	struct wire_found found = {.start = 5, .end = 5, .pattern = 255, .cut = 1};
	struct wire_read read = {.offset = 5, .again = 5, .rest = 1};
	struct wire_failed failed = {.failure = WIRE_FAIL_LAST};

	assert_int_equal(check_answer(WIRE_FOUND, &found, sizeof(found)), 0);
	found.end = 4;
	assert_int_equal(check_answer(WIRE_FOUND, &found, sizeof(found)), -EINVAL);
	assert_int_equal(check_answer(WIRE_READ, &read, sizeof(read)), 0);
	read.again = 6;
	assert_int_equal(check_answer(WIRE_READ, &read, sizeof(read)), -EINVAL);
	assert_int_equal(check_answer(WIRE_FAILED, &failed, sizeof(failed)), 0);
	failed.failure++;
	assert_int_equal(check_answer(WIRE_FAILED, &failed, sizeof(failed)), -EINVAL);
	failed.failure = 0;
	assert_int_equal(check_answer(WIRE_FAILED, &failed, sizeof(failed)), -EINVAL);
}

static int check_kernel(unsigned live, size_t payload)
{
	unsigned char message[64] = {WIRE_KERNEL, (unsigned char)live};
	enum wire_state next;

	return wire_check(WIRE_JOB, WIRE_BROKER, WIRE_FRESH, message, 2 + payload, 1, &next);
}

static void memory_is_asked_for_in_bounds(void **state)
{
	struct wire_peek peek = {.address = UINT64_MAX - 4, .len = 4};

	assert_int_equal(check_answer(WIRE_PEEK, &peek, sizeof(peek)), 0);
	peek.len = 5;
	assert_int_equal(check_answer(WIRE_PEEK, &peek, sizeof(peek)), -EINVAL);
	peek = (struct wire_peek){.len = 1 << 20};
	assert_int_equal(check_answer(WIRE_PEEK, &peek, sizeof(peek)), 0);
	peek.len++;
	assert_int_equal(check_answer(WIRE_PEEK, &peek, sizeof(peek)), -EINVAL);
	assert_int_equal(check_kernel(1, 32), 0);
	assert_int_equal(check_kernel(1, 31), -EINVAL);
	assert_int_equal(check_kernel(2, 32), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_as_written_here),
		cmocka_unit_test(a_message_is_allowed_exactly_where_its_row_says),
		cmocka_unit_test(every_length_is_judged_by_the_row),
		cmocka_unit_test(a_wrong_number_of_descriptors_is_refused),
		cmocka_unit_test(a_proof_belongs_to_one_kind_of_line),
		cmocka_unit_test(auth_fields_are_bounded),
		cmocka_unit_test(request_fields_are_bounded),
		cmocka_unit_test(patterns_fill_their_message),
		cmocka_unit_test(answers_of_a_worker_are_bounded),
		cmocka_unit_test(whether_an_end_is_told_is_yes_or_no),
		cmocka_unit_test(memory_is_asked_for_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
