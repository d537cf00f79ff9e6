/*
 * Task: say which messages exist, and whether one is allowed now.
 * Pure: knows no socket. The broker calls it on everything a door says, and the other way round.
 */
#include <errno.h>
#include <string.h>

#include "wire/table.h"

#define ROW(type, lines, sender, states, next, fixed, min, max, fds)                               \
	[WIRE_##type] = {#type, lines, WIRE_##sender, states, next, fixed, min, max, fds}

#define CONTROL (1u << WIRE_CONTROL)
#define LOGIN (1u << WIRE_LOGIN)
#define LOCAL (1u << WIRE_LOCAL)
#define HTTPS (1u << WIRE_HTTPS)
#define DOORS (LOGIN | HTTPS)
#define CHANNEL (1u << WIRE_CHANNEL)
#define WORKER (1u << WIRE_WORKER)
#define JOB (1u << WIRE_JOB)

#define OPENED (WIRE_RUNNING | WIRE_HALF)
#define SERVED (WIRE_SERVING | WIRE_HALF) /* the answers may cross a DONE */
/* What a client sends may cross the broker's EXIT, and output the worker's answer: it is read and
 * ignored. */
#define CROSSING WIRE_ENDED

static const struct wire_row table[WIRE_TYPES] = {
	/*  type     lines    sender  allowed in               then          fixed  payload  fds */
	ROW(HELLO, CONTROL | WORKER, BROKER, WIRE_FRESH, WIRE_ASKED, sizeof(struct wire_hello), 0,
		0, 0),
	ROW(READY, CONTROL | WORKER, DOOR, WIRE_ASKED, WIRE_RUNNING, sizeof(struct wire_ready), 0,
		0, 0),
	ROW(SETTINGS, CONTROL | WORKER, BROKER, WIRE_ASKED | WIRE_RUNNING, 0,
		sizeof(struct wire_settings), 0, WIRE_BANNER_MAX, 0),
	ROW(NEW, CONTROL, BROKER, WIRE_RUNNING, 0, sizeof(struct wire_new), 0, 0, 2),
	ROW(LOG, CONTROL | WORKER, DOOR, WIRE_ASKED | WIRE_RUNNING | WIRE_ENDED, 0,
		sizeof(struct wire_log), 0, 4096, 0),
	ROW(KEYS, CONTROL | WORKER, BROKER, WIRE_ASKED | WIRE_RUNNING, 0, 0, 0, 0, 1),
	ROW(STOP, CONTROL | WORKER, BROKER, WIRE_ASKED | WIRE_RUNNING, WIRE_ENDED, 0, 0, 0, 0),

	ROW(CLIENT, DOORS, DOOR, WIRE_FRESH, 0, 0, 0, WIRE_VERSION_MAX, 0),
	ROW(AUTH, DOORS | LOCAL, DOOR, WIRE_FRESH, WIRE_ASKED, sizeof(struct wire_auth), 0,
		WIRE_LOGIN_MAX + WIRE_PROOF_MAX, 0),
	ROW(VERDICT, DOORS | LOCAL, BROKER, WIRE_ASKED, 0, sizeof(struct wire_verdict_msg), 0,
		WIRE_REASON_MAX, 0),
	ROW(OPEN, DOORS | LOCAL, DOOR, WIRE_RUNNING, 0, 0, 0, 0, 1),
	ROW(BYE, DOORS | LOCAL, BROKER, WIRE_FRESH | WIRE_ASKED | WIRE_RUNNING, WIRE_ENDED,
		sizeof(struct wire_bye), 0, WIRE_REASON_MAX, 0),

	ROW(LEASE, CHANNEL, DOOR, WIRE_FRESH, 0, 0, 1, WIRE_LEASE_MAX, 0),
	ROW(SHELL, CHANNEL, DOOR, WIRE_FRESH, WIRE_RUNNING, sizeof(struct wire_request), 0,
		WIRE_TERM_MAX, 0),
	ROW(EXEC, CHANNEL, DOOR, WIRE_FRESH, WIRE_RUNNING, sizeof(struct wire_request), 0,
		WIRE_TERM_MAX + WIRE_COMMAND_MAX, 0),
	ROW(DATA, CHANNEL, DOOR, WIRE_RUNNING | CROSSING, 0, 0, 1, WIRE_PAYLOAD_MAX, 0),
	ROW(EOF, CHANNEL, DOOR, WIRE_RUNNING | CROSSING, WIRE_HALF, 0, 0, 0, 0),
	ROW(WINSIZE, CHANNEL, DOOR, OPENED | CROSSING, 0, sizeof(struct wire_winsize), 0, 0, 0),
	ROW(SIGNAL, CHANNEL, DOOR, OPENED | CROSSING, 0, 0, 1, 32, 0),
	ROW(BREAK, CHANNEL, DOOR, OPENED | CROSSING, 0, sizeof(struct wire_break), 0, 0, 0),
	ROW(BEGIN, CHANNEL, BROKER, OPENED, 0, sizeof(struct wire_begin), 0, 0, 0),
	ROW(UPSTREAM, CHANNEL, BROKER, OPENED, 0, sizeof(struct wire_upstream), 0, WIRE_FIELDS_MAX,
		1),
	ROW(OUT, CHANNEL, BROKER, OPENED, 0, 0, 1, WIRE_PAYLOAD_MAX, 0),
	ROW(ERR, CHANNEL, BROKER, OPENED | WIRE_SERVING, 0, 0, 1, WIRE_PAYLOAD_MAX, 0),
	ROW(EXIT, CHANNEL, BROKER, WIRE_FRESH | OPENED | WIRE_SERVING, WIRE_ENDED,
		sizeof(struct wire_exit), 0, WIRE_REASON_MAX, 0),

	ROW(FILES, CHANNEL, DOOR, WIRE_FRESH, WIRE_SERVING, sizeof(struct wire_files), 0,
		WIRE_COMMAND_MAX, 0),
	ROW(STAT, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_query), 1,
		WIRE_PATH_MAX, 0),
	ROW(LIST, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_list), 1,
		WIRE_PATH_MAX, 0),
	ROW(LEND, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_query), 1,
		WIRE_PATH_MAX, 0),
	ROW(PULL, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_pull), 0, 0, 0),
	ROW(GIVEN, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_given), 0,
		WIRE_RANGES_MAX * sizeof(struct wire_range), 0),
	ROW(REFUSED, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_refused), 1,
		WIRE_REFUSED_MAX + WIRE_PATH_MAX, 0),
	ROW(DONE, CHANNEL, DOOR, WIRE_SERVING | CROSSING, WIRE_HALF, sizeof(struct wire_exit), 0,
		WIRE_REASON_MAX, 0),
	ROW(ATTR, CHANNEL, BROKER, SERVED, 0, sizeof(struct wire_attr), 0, 0, 0),
	ROW(ENTRIES, CHANNEL, BROKER, SERVED, 0, sizeof(struct wire_entries), 0, WIRE_PAYLOAD_MAX,
		0),
	ROW(LENT, CHANNEL, BROKER, SERVED, 0, sizeof(struct wire_attr), 0, 0, 1),
	ROW(PIECE, CHANNEL, BROKER, SERVED, 0, sizeof(struct wire_piece), 0, WIRE_PAYLOAD_MAX, 0),
	ROW(FAULT, CHANNEL, BROKER, SERVED, 0, sizeof(struct wire_fault), 0, WIRE_REASON_MAX, 0),
	ROW(REMOVE, CHANNEL, DOOR, WIRE_SERVING | CROSSING, 0, sizeof(struct wire_query), 1,
		WIRE_PATH_MAX, 0),

	ROW(TASK, WORKER, BROKER, WIRE_RUNNING, 0, 0, 0, 0, 1),
	ROW(PING, WORKER, BROKER, WIRE_RUNNING, 0, sizeof(struct wire_ping), 0, 0, 0),
	ROW(PONG, WORKER, DOOR, WIRE_RUNNING, 0, sizeof(struct wire_ping), 0, 0, 0),

	ROW(MATCH, JOB, BROKER, WIRE_FRESH, WIRE_RUNNING, sizeof(struct wire_match), 2,
		WIRE_PATTERNS_MAX, 0),
	ROW(BYTES, JOB, BROKER, WIRE_RUNNING | CROSSING, 0, sizeof(struct wire_bytes), 1,
		WIRE_PAYLOAD_MAX, 0),
	ROW(REST, JOB, BROKER, WIRE_RUNNING | CROSSING, 0, 0, 0, 0, 0),
	ROW(READ, JOB, DOOR, WIRE_RUNNING, 0, sizeof(struct wire_read), 0, 0, 0),
	ROW(FOUND, JOB, DOOR, WIRE_RUNNING, WIRE_ENDED, sizeof(struct wire_found), 0,
		WIRE_FOUND_MAX, 0),
	ROW(FAILED, JOB, DOOR, WIRE_ASKED | WIRE_RUNNING, WIRE_ENDED, sizeof(struct wire_failed), 0,
		WIRE_REASON_MAX, 0),

	ROW(KERNEL, JOB, BROKER, WIRE_FRESH, WIRE_RUNNING, sizeof(struct wire_kernel), 0,
		WIRE_MEMORY_MAX * sizeof(struct wire_range), 1),
	ROW(PEEK, JOB, DOOR, WIRE_RUNNING, 0, sizeof(struct wire_peek), 0, 0, 0),
	ROW(PEEKED, JOB, BROKER, WIRE_RUNNING | CROSSING, 0, 0, 0, 0, 0),
	ROW(PRINT, JOB, DOOR, WIRE_RUNNING, 0, 0, 1, WIRE_PAYLOAD_MAX, 0),
	ROW(WHOLE, JOB, DOOR, WIRE_RUNNING, WIRE_ENDED, 0, 0, 0, 0),

	ROW(WRAP, JOB, BROKER, WIRE_FRESH, WIRE_ASKED, 0, 1, WIRE_HOST_MAX, 2),
	ROW(WRAPPED, JOB, DOOR, WIRE_ASKED, WIRE_RUNNING, 0, 0, 0, 0),

	ROW(SCREEN, JOB, BROKER, WIRE_FRESH, WIRE_RUNNING, sizeof(struct wire_screen), 0,
		WIRE_SCREEN_MARK_MAX, 0),
	ROW(MODES, JOB, BROKER, WIRE_RUNNING | CROSSING, 0, 0, 1, WIRE_SCREEN_MODES_MAX, 0),
	ROW(SHOWN, JOB, DOOR, WIRE_RUNNING, WIRE_ENDED, sizeof(struct wire_shown), 0, 0, 0),
};

/*
 * Who can vouch for what. The ssh door has verified a signature, the https door that a client has
 * the key of its certificate, and both have heard passwords; at the control socket only the
 * kernel's word counts, since anybody can send any message there. None can speak for another.
 */
static const struct method {
	unsigned lines;
	size_t proof_max;
} methods[WIRE_METHODS] = {
	[WIRE_AUTH_NONE] = {DOORS, 0},
	[WIRE_AUTH_PROBE] = {LOGIN, WIRE_PROOF_MAX},
	[WIRE_AUTH_PUBLICKEY] = {LOGIN, WIRE_PROOF_MAX},
	[WIRE_AUTH_FORGED] = {LOGIN, WIRE_PROOF_MAX},
	[WIRE_AUTH_UNUSABLE] = {LOGIN, WIRE_REASON_MAX},
	[WIRE_AUTH_PASSWORD] = {DOORS, WIRE_PROOF_MAX},
	[WIRE_AUTH_INTERACTIVE] = {LOGIN, WIRE_PROOF_MAX},
	[WIRE_AUTH_CERTIFICATE] = {HTTPS, WIRE_PROOF_MAX},
	[WIRE_AUTH_PEER] = {LOCAL, 0},
};

unsigned wire_methods(enum wire_line line)
{
	unsigned mask = 0, i;

	for (i = 0; i < WIRE_METHODS; i++)
		mask |= methods[i].lines >> line & 1 ? 1u << i : 0;
	return mask;
}

const struct wire_row *wire_row(unsigned type)
{
	if (type >= WIRE_TYPES || !table[type].name)
		return NULL;
	return &table[type];
}

static int check_auth(enum wire_line line, const unsigned char *fixed, size_t payload)
{
	struct wire_auth auth;

	memcpy(&auth, fixed, sizeof(auth));
	if (auth.method < WIRE_AUTH_NONE || auth.method >= WIRE_METHODS)
		return -EINVAL;
	if (!(wire_methods(line) >> auth.method & 1))
		return -EACCES;
	if (auth.login_len > WIRE_LOGIN_MAX || auth.login_len > payload)
		return -EINVAL;
	return payload - auth.login_len > methods[auth.method].proof_max ? -EINVAL : 0;
}

static int check_match(const unsigned char *fixed, const unsigned char *patterns, size_t len)
{
	struct wire_match match;
	unsigned i;

	memcpy(&match, fixed, sizeof(match));
	if (match.raw > 1 || match.multi > 1 || match.begins > 1)
		return -EINVAL;
	for (i = 0; i < match.count; i++) {
		uint16_t size;

		if (len < sizeof(size))
			return -EINVAL;
		memcpy(&size, patterns, sizeof(size));
		if (size > len - sizeof(size))
			return -EINVAL;
		patterns += sizeof(size) + size;
		len -= sizeof(size) + size;
	}
	return len == 0 ? 0 : -EINVAL;
}

static int check_answer(unsigned type, const unsigned char *fixed)
{
	struct wire_found found;
	struct wire_failed failed;
	struct wire_read read;

	if (type == WIRE_FOUND) {
		memcpy(&found, fixed, sizeof(found));
		return found.cut > 1 || found.start > found.end ? -EINVAL : 0;
	}
	if (type == WIRE_READ) {
		memcpy(&read, fixed, sizeof(read));
		return read.rest > 1 || read.begins > 1 || read.again > read.offset ? -EINVAL : 0;
	}
	memcpy(&failed, fixed, sizeof(failed));
	return failed.failure < WIRE_FAIL_PATTERN || failed.failure > WIRE_FAIL_LAST ? -EINVAL : 0;
}

static int check_kernel(unsigned type, const unsigned char *fixed, size_t payload)
{
	struct wire_kernel kernel;
	struct wire_peek peek;

	if (type == WIRE_PEEK) {
		memcpy(&peek, fixed, sizeof(peek));
		return peek.len > WIRE_PEEK_MAX || peek.address + peek.len < peek.address ? -EINVAL
											  : 0;
	}
	memcpy(&kernel, fixed, sizeof(kernel));
	return kernel.live > 1 || payload % sizeof(struct wire_range) ? -EINVAL : 0;
}

/* What the door asks for and tells of files. */
static int check_file_query(unsigned type, const unsigned char *fixed, size_t payload)
{
	struct wire_files files;
	struct wire_pull pull;
	struct wire_given given;
	struct wire_refused refused;

	switch (type) {
	case WIRE_FILES:
		memcpy(&files, fixed, sizeof(files));
		return files.client > WIRE_FILES_SUM ? -EINVAL : 0;
	case WIRE_PULL:
		memcpy(&pull, fixed, sizeof(pull));
		return pull.len > WIRE_PULL_MAX ? -EINVAL : 0;
	case WIRE_GIVEN:
		memcpy(&given, fixed, sizeof(given));
		return given.more > 1 || payload != given.count * sizeof(struct wire_range)
			       ? -EINVAL
			       : 0;
	default:
		memcpy(&refused, fixed, sizeof(refused));
		return refused.request_len > WIRE_REFUSED_MAX || refused.request_len > payload ||
				       payload - refused.request_len > WIRE_PATH_MAX
			       ? -EINVAL
			       : 0;
	}
}

static int check_entries(const unsigned char *fixed, const unsigned char *entries, size_t len)
{
	struct wire_entries head;
	unsigned i;

	memcpy(&head, fixed, sizeof(head));
	for (i = 0; i < head.count; i++) {
		struct wire_entry entry;

		if (len < sizeof(entry))
			return -EINVAL;
		memcpy(&entry, entries, sizeof(entry));
		if (entry.name_len == 0 || entry.name_len > len - sizeof(entry))
			return -EINVAL;
		entries += sizeof(entry) + entry.name_len;
		len -= sizeof(entry) + entry.name_len;
	}
	return len == 0 && head.last <= 1 ? 0 : -EINVAL;
}

static int check_upstream(const unsigned char *fixed)
{
	struct wire_upstream upstream;

	memcpy(&upstream, fixed, sizeof(upstream));
	return upstream.told > 1 ? -EINVAL : 0;
}

static int check_file_answer(unsigned type, const unsigned char *fixed)
{
	struct wire_piece piece;
	struct wire_fault fault;

	if (type == WIRE_PIECE) {
		memcpy(&piece, fixed, sizeof(piece));
		return piece.last > 1 ? -EINVAL : 0;
	}
	memcpy(&fault, fixed, sizeof(fault));
	return fault.error >= 0 ? -EINVAL : 0;
}

/* Fields whose range the lengths alone do not bound. */
static int check_fields(
	enum wire_line line, unsigned type, const unsigned char *fixed, size_t payload)
{
	struct wire_request request;

	switch (type) {
	case WIRE_AUTH:
		return check_auth(line, fixed, payload);
	case WIRE_SHELL:
	case WIRE_EXEC:
		memcpy(&request, fixed, sizeof(request));
		if (request.pty > 1 || request.terminal > 1 || request.files_refused > 1 ||
			request.term_len > WIRE_TERM_MAX || request.term_len > payload)
			return -EINVAL;
		return payload - request.term_len > WIRE_COMMAND_MAX ? -EINVAL : 0;
	case WIRE_MATCH:
		return check_match(fixed, fixed + sizeof(struct wire_match), payload);
	case WIRE_READ:
	case WIRE_FOUND:
	case WIRE_FAILED:
		return check_answer(type, fixed);
	case WIRE_KERNEL:
	case WIRE_PEEK:
		return check_kernel(type, fixed, payload);
	case WIRE_UPSTREAM:
		return check_upstream(fixed);
	case WIRE_FILES:
	case WIRE_PULL:
	case WIRE_GIVEN:
	case WIRE_REFUSED:
		return check_file_query(type, fixed, payload);
	case WIRE_ENTRIES:
		return check_entries(fixed, fixed + sizeof(struct wire_entries), payload);
	case WIRE_PIECE:
	case WIRE_FAULT:
		return check_file_answer(type, fixed);
	default:
		return 0;
	}
}

int wire_check(enum wire_line line, enum wire_side sender, enum wire_state state,
	const unsigned char *message, size_t len, unsigned fds, enum wire_state *next)
{
	const struct wire_row *row;
	size_t payload;

	if (len < 1)
		return -EMSGSIZE;
	row = wire_row(message[0]);
	if (!row)
		return -ENOMSG;
	if (!(row->lines >> line & 1) || row->sender != sender || !(row->states & state))
		return -EPROTO;
	if (len < 1 + row->fixed || len > WIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	payload = len - 1 - row->fixed;
	if (payload < row->payload_min || payload > row->payload_max)
		return -EMSGSIZE;
	if (fds != row->fds)
		return -EBADF;
	*next = row->next && state != WIRE_ENDED ? row->next : state;
	return check_fields(line, message[0], message + 1, payload);
}
