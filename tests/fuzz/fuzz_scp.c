/*
 * A hostile command and a client that replies in any way. What comes out is scp's protocol: lines
 * that a client can read, names without a slash, bodies as long as was said, folders that end.
 *
 * Input: the command up to a newline, then a byte for each thing that happens.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answering_tree.h"
#include "sshd/sftp/pack.h"
#include "sshd/scp/scp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum wait { WAIT_LINE, WAIT_REPLY, WAIT_BODY, WAIT_FOLDER };

struct run {
	struct fuzz_tree *tree;
	struct scp *scp;
	struct unpack in;
	enum wait wait;
	char line[2 * TREE_PATH_MAX];
	size_t len;
	unsigned long long body; /* bytes still to come, the 0 behind them too */
	unsigned depth;
	char kind; /* of the line that waits for a reply */
};

static void check_line(struct run *r)
{
	char *end, *name;
	size_t i;

	for (i = 1; i < r->len; i++)
		fuzz_check((unsigned char)r->line[i] >= ' ');
	r->kind = r->line[0];
	if (r->kind == 1) { /* trouble, which wants no reply */
		fuzz_check(strncmp(r->line + 1, "scp: ", 5) == 0 && r->len < SCP_LINE_MAX);
		return;
	}
	r->wait = WAIT_REPLY;
	if (r->kind == 'E') {
		fuzz_check(r->len == 1 && r->depth-- > 0);
		return;
	}
	if (r->kind == 'T')
		return;
	fuzz_check((r->kind == 'C' || r->kind == 'D') && r->line[5] == ' ');
	r->body = strtoull(r->line + 6, &end, 10) + 1;
	name = end + 1;
	fuzz_check(*end == ' ' && *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
		   strcmp(name, "..") != 0);
}

static void take_byte(struct run *r, char byte)
{
	if (r->wait == WAIT_BODY) {
		if (--r->body == 0) {
			r->wait = WAIT_REPLY;
			r->kind = 'B';
		}
		return;
	}
	fuzz_check(r->wait == WAIT_LINE && r->len < sizeof(r->line) - 1);
	if (byte != '\n') {
		r->line[r->len++] = byte;
		return;
	}
	r->line[r->len] = '\0';
	fuzz_check(r->len > 0);
	check_line(r);
	r->len = 0;
}

static void take(struct run *r)
{
	const uint8_t *data;
	size_t len = scp_output(r->scp, &data), i;

	fuzz_check(len <= SCP_OUTPUT_MAX);
	for (i = 0; i < len; i++)
		take_byte(r, (char)data[i]);
	scp_sent(r->scp, len);
}

/* A good reply to the last line. */
static void reply(struct run *r)
{
	take(r);
	if (r->wait != WAIT_REPLY || !scp_wants_input(r->scp))
		return;
	if (r->kind == 'D')
		r->depth++;
	r->wait = r->kind == 'C' ? WAIT_BODY : WAIT_LINE;
	fuzz_check(scp_input(r->scp, "", 1) == 1);
}

static void refuse(struct run *r)
{
	take(r);
	if (r->wait != WAIT_REPLY || !scp_wants_input(r->scp))
		return;
	r->wait = WAIT_LINE;
	fuzz_check(scp_input(r->scp, "\1no\n", 4) == 4);
}

static int answer(void *scp, uint32_t query, const struct tree_answer *a)
{
	return scp_answer(scp, query, a);
}

/* Bytes that are no reply: from here on only crashes are looked for. */
static bool junk(struct run *r)
{
	size_t len = unpack_u8(&r->in);

	if (len > r->in.left)
		len = r->in.left;
	(void)scp_input(r->scp, r->in.at, len);
	r->in.at += len;
	r->in.left -= len;
	while (r->in.left > 0 && !scp_finished(r->scp)) {
		const uint8_t *data;

		(void)scp_input(r->scp, (uint8_t[]){unpack_u8(&r->in)}, 1);
		fuzz_tree_answer(r->tree, false, unpack_u8(&r->in), answer, r->scp);
		fuzz_tree_turn(r->tree);
		scp_sent(r->scp, scp_output(r->scp, &data));
	}
	return false;
}

static bool step(struct run *r)
{
	uint8_t what = unpack_u8(&r->in);

	switch (what % 8) {
	case 0:
		return what < 128 || junk(r);
	case 1:
	case 2:
		fuzz_tree_answer(r->tree, false, unpack_u8(&r->in), answer, r->scp);
		break;
	case 3:
		refuse(r);
		break;
	case 4:
		fuzz_tree_turn(r->tree);
		break;
	case 5:
		r->tree->full = what & 16;
		if (!r->tree->full)
			scp_resume(r->scp);
		break;
	case 6:
		if (what & 64 && what & 128)
			scp_input_ends(r->scp);
		break;
	case 7:
		reply(r);
		break;
	}
	return true;
}

static void on_wake(void *arg)
{
}

static void run(struct run *r)
{
	fuzz_check(scp_wants_input(r->scp) || scp_status(r->scp) == 1);
	if (scp_wants_input(r->scp))
		fuzz_check(scp_input(r->scp, "", 1) == 1);
	while (r->in.left > 0 && step(r)) {
		take(r);
		fuzz_check(r->tree->queries <= 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	struct run *r = calloc(1, sizeof(*r));
	struct sftp_config config = {.wake = on_wake, .home = "/home/vm"};

	if (!r)
		abort();
	r->tree = fuzz_tree_begin();
	config.tree = &r->tree->ops;
	config.tree_arg = r->tree;
	config.jobs = r->tree->jobs;
	if (end)
		r->in = (struct unpack){end + 1, size - len - 1, false};
	if (scp_create(&config, (const char *)data, len, &r->scp) == 0)
		run(r);
	scp_destroy(&r->scp);
	fuzz_tree_end(r->tree);
	free(r);
	return 0;
}
