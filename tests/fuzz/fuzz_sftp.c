/*
 * A hostile SFTP client, and a tree that answers in any way and order. What comes out is whole
 * packets of a server, within the bounds; each request gets one reply with its id.
 *
 * Input: records. A record is a byte that says what happens, and what that needs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answering_tree.h"
#include "sshd/sftp/pack.h"
#include "sshd/sftp/protocol.h"
#include "sshd/sftp/sftpd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct fuzz_tree *tree;
	struct sftpd *server;
	struct unpack in;
	size_t have; /* of packet: output that was taken */
};

static uint8_t
	packet[4 + SFTPD_PACKET_MAX]; /* made once: clearing it would take most of the time */

static void check_packet(const uint8_t *at, size_t len)
{
	struct unpack u = {at, len, false};
	size_t data;

	switch (unpack_u8(&u)) {
	case SFTP_VERSION_REPLY:
		fuzz_check(unpack_u32(&u) == SFTP_VERSION);
		return;
	case SFTP_STATUS:
		(void)unpack_u32(&u);
		fuzz_check(unpack_u32(&u) <= SFTP_OP_UNSUPPORTED);
		(void)unpack_string(&u, &data);
		(void)unpack_string(&u, &data);
		fuzz_check(!u.bad && u.left == 0);
		return;
	case SFTP_DATA:
		(void)unpack_u32(&u);
		(void)unpack_string(&u, &data);
		fuzz_check(!u.bad && u.left == 0 && data <= SFTPD_READ_MAX);
		return;
	case SFTP_NAME:
		(void)unpack_u32(&u);
		fuzz_check(unpack_u32(&u) > 0 && len <= SFTPD_NAMES_MAX);
		return;
	case SFTP_HANDLE:
	case SFTP_ATTRS:
	case SFTP_EXTENDED_REPLY:
		(void)unpack_u32(&u);
		fuzz_check(!u.bad);
		return;
	default:
		abort();
	}
}

/* Looks at the whole packets among what was taken. */
static void check_packets(struct run *r)
{
	struct unpack u = {packet, r->have, false};

	while (u.left >= 4) {
		struct unpack rest = u;
		size_t len = unpack_u32(&rest);

		fuzz_check(len >= 5 && len <= SFTPD_PACKET_MAX);
		if (len > rest.left)
			break;
		check_packet(rest.at, len);
		u = (struct unpack){rest.at + len, rest.left - len, false};
	}
	r->have = u.left;
	memmove(packet, u.at, u.left);
}

/* Takes at most so many bytes of output. */
static void take(struct run *r, size_t most)
{
	const uint8_t *data;
	size_t len = sftpd_output(r->server, &data);

	fuzz_check(len <= SFTPD_OUTPUT_MAX);
	if (len > most)
		len = most;
	if (len > sizeof(packet) - r->have)
		len = sizeof(packet) - r->have;
	if (len > 0)
		memcpy(packet + r->have, data, len);
	r->have += len;
	sftpd_sent(r->server, len);
	check_packets(r);
}

/* Some bytes of the input; or many, which begin with some of it. */
static const uint8_t *next_bytes(struct run *r, size_t *len)
{
	static uint8_t many[57 * 600];
	const uint8_t *at;
	size_t n, big;

	n = unpack_u8(&r->in);
	big = n >= 200 ? (n - 199) * 600 : 0;
	at = r->in.at;
	n = big ? 16 : n;
	n = n < r->in.left ? n : r->in.left;
	r->in.at += n;
	r->in.left -= n;
	*len = big ? big : n;
	if (big)
		memcpy(many, at, n);
	return big ? many : at;
}

/* Offers bytes until they are taken, or it does not want any. */
static void send_bytes(struct run *r, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = sftpd_input(r->server, data + done, len - done);

		fuzz_check(n <= len - done && (n > 0 || !sftpd_wants_input(r->server)));
		if (n == 0 && sftpd_finished(r->server))
			return;
		if (n == 0) { /* held back: the client must take, or the tree answer */
			take(r, SIZE_MAX);
			if (!sftpd_wants_input(r->server))
				return;
		}
		done += n;
	}
}

static void send_packet(struct run *r, bool framed)
{
	size_t len;
	const uint8_t *data = next_bytes(r, &len);
	uint8_t head[4];

	pack_at(head, (uint32_t)len);
	if (framed)
		send_bytes(r, head, sizeof(head));
	send_bytes(r, data, len);
}

static int answer(void *server, uint32_t query, const struct tree_answer *a)
{
	return sftpd_answer(server, query, a);
}

static void step(struct run *r)
{
	uint8_t what = unpack_u8(&r->in);

	switch (what % 10) {
	case 0:
		send_packet(r, false);
		break;
	case 1:
	case 2:
	case 3:
		send_packet(r, true);
		break;
	case 4:
	case 5:
		fuzz_tree_answer(r->tree, what & 16, unpack_u8(&r->in), answer, r->server);
		break;
	case 6:
		take(r, unpack_u8(&r->in) * (size_t)97);
		break;
	case 7:
		take(r, SIZE_MAX);
		break;
	case 8:
		fuzz_tree_turn(r->tree);
		break;
	case 9:
		r->tree->full = what & 16;
		if (!r->tree->full)
			sftpd_resume(r->server);
		if (what & 32 && what & 64)
			sftpd_input_ends(r->server);
		break;
	}
}

static void on_wake(void *arg)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *r = calloc(1, sizeof(*r));
	struct sftp_config config = {.wake = on_wake, .user = "vm", .home = "/home/vm"};

	if (!r)
		abort();
	r->tree = fuzz_tree_begin();
	r->in = (struct unpack){data, size, false};
	config.tree = &r->tree->ops;
	config.tree_arg = r->tree;
	config.jobs = r->tree->jobs;
	fuzz_check(sftpd_create(&config, &r->server) == 0);
	if (size > 0 && data[0] & 1)
		send_bytes(r, (const uint8_t *)"\0\0\0\5\1\0\0\0\3", 9);
	while (r->in.left > 0) {
		fuzz_check(r->tree->queries <= SFTPD_REQUESTS_MAX);
		step(r);
	}
	take(r, SIZE_MAX);
	sftpd_destroy(&r->server);
	fuzz_tree_end(r->tree);
	free(r);
	return 0;
}
