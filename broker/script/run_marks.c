/*
 * Task: see run_marks.h. What is typed:
 *
 *      test '\\' = \\&&eval 'FISH'||eval 'OTHERS';printf 'VMC%sID\n' B1 B2;_vmc 'COMMAND'</dev/null
 *
 * What defines _vmc is another thing for fish, which alone has an escape in single quotes, and to
 * which "(eval" and "$?" are mistakes that it refuses the whole line for:
 *
 *      _vmc(){ (eval "$1");set -- $?;printf "VMC%sID:%d:ID\n" E $1 E $1 E $1;unset -f _vmc;}
 *
 * The blank before it keeps it out of a history that is set so. In a subshell, exit and a mistake
 * of syntax end the command and not what is behind it; nor does the command eat what is typed
 * later.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/script/run_marks.h"

#define HEAD "VMC"
#define STATUS_DIGITS 3

void run_marks_init(struct run_marks *m, const char id[RUN_ID_LEN + 1])
{
	memset(m, 0, sizeof(*m));
	memcpy(m->id, id, RUN_ID_LEN);
}

/* --- the line --- */

struct typed {
	char *out;
	size_t len;
	bool full;
};

static void put(struct typed *t, const char *text)
{
	size_t len = strlen(text);

	if (len > RUN_LINE_MAX - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->out + t->len, text, len + 1);
	t->len += len;
}

/* In single quotes nothing means anything, in any shell, but the quote itself, and in fish the
 * backslash: these stand outside. */
static void put_quoted(struct typed *t, const char *command)
{
	char one[2] = "";

	put(t, "'");
	for (; *command; command++) {
		one[0] = *command;
		put(t, *command == '\'' ? "'\\''" : *command == '\\' ? "'\\\\'" : one);
	}
	put(t, "'");
}

static void put_end_format(struct typed *t, const char *id)
{
	put(t, HEAD "%s");
	put(t, id);
	put(t, ":%d:");
	put(t, id);
}

int run_marks_line(
	const struct run_marks *m, const char *command, char out[RUN_LINE_MAX + 1], size_t *at)
{
	struct typed t = {.out = out};

	for (*at = 0; command[*at]; (*at)++) {
		if ((unsigned char)command[*at] < 0x20 || command[*at] == 0x7f)
			return -EILSEQ;
	}
	put(&t, " test '\\\\' = \\\\&&eval 'function _vmc;fish -c $argv[1];set -l s "
		"$status;printf ");
	put_end_format(&t, m->id);
	put(&t, "\\\\n E $s E $s E $s;functions -e _vmc;end'"
		"||eval '_vmc(){ (eval \"$1\");set -- $?;printf \"");
	put_end_format(&t, m->id);
	put(&t, "\\n\" E $1 E $1 E $1;unset -f _vmc;}';printf '" HEAD "%s");
	put(&t, m->id);
	put(&t, "\\n' B1 B2;_vmc ");
	put_quoted(&t, command);
	put(&t, "</dev/null");
	return t.full ? -E2BIG : 0;
}

/* --- the beginning --- */

static bool ends_with(const struct run_marks *m, const char *text)
{
	size_t len = strlen(text);

	return m->line_len >= len && memcmp(m->line + m->line_len - len, text, len) == 0;
}

/* A line between the two marks is the kernel's, or a part of the second one: the parts together
 * are as good as the whole. */
static bool heals(struct run_marks *m, const char *mark)
{
	size_t i = 0;

	if (m->line_cut)
		return false;
	/* A guest may print NUL, which is no end of the mark. */
	while (i < m->line_len && mark[m->healed + i] && m->line[i] == mark[m->healed + i])
		i++;
	m->healed += i;
	return mark[m->healed] == '\0' && i == m->line_len;
}

static void end_line(struct run_marks *m)
{
	char first[RUN_MARK_MAX], second[RUN_MARK_MAX];

	snprintf(first, sizeof(first), HEAD "B1%s", m->id);
	snprintf(second, sizeof(second), HEAD "B2%s", m->id);
	if (ends_with(m, second) || (m->state == RUN_BEGINS && heals(m, second)))
		m->state = RUN_INSIDE;
	else if (m->state == RUN_BEFORE && ends_with(m, first))
		m->state = RUN_BEGINS;
	m->line_len = 0;
	m->line_cut = false;
}

static void take_before(struct run_marks *m, char byte)
{
	if (byte == '\n') {
		end_line(m);
		return;
	}
	if (byte == '\r')
		return;
	if (m->line_len == sizeof(m->line)) {
		memmove(m->line, m->line + 1, --m->line_len);
		m->line_cut = true;
	}
	m->line[m->line_len++] = byte;
}

/* --- the end --- */

/* What the mark of the end has at held[at]: whether byte fits there. */
static bool fits(const struct run_marks *m, char byte)
{
	static const char head[] = HEAD "E";
	const size_t head_len = sizeof(head) - 1, digits_at = head_len + RUN_ID_LEN + 1;
	size_t at = m->held_len, tail;
	const char *colon;

	if (at < head_len)
		return byte == head[at];
	if (at < digits_at)
		return byte == (at < digits_at - 1 ? m->id[at - head_len] : ':');
	colon = memchr(m->held + digits_at, ':', at - digits_at);
	if (!colon) {
		if (byte == ':')
			return at > digits_at;
		return byte >= '0' && byte <= '9' && at < digits_at + STATUS_DIGITS;
	}
	tail = (size_t)(m->held + at - colon) - 1;
	if (tail < RUN_ID_LEN)
		return byte == m->id[tail];
	return byte == '\r' || byte == '\n';
}

static int read_status(const struct run_marks *m)
{
	const char *at = m->held + strlen(HEAD "E") + RUN_ID_LEN + 1;
	int value = 0;

	for (; *at != ':'; at++)
		value = value * 10 + *at - '0';
	return value;
}

/* held is no mark. Enough of one can only be a mark that is torn. */
static size_t give_back(struct run_marks *m, uint8_t *out)
{
	size_t len = m->held_len;

	if (len > strlen(HEAD "E") + RUN_ID_LEN / 2)
		m->state = RUN_TORN;
	m->held_len = 0;
	if (m->state == RUN_TORN)
		return 0;
	memcpy(out, m->held, len);
	return len;
}

/* Returns what was written to out: RUN_MARK_MAX + 1 bytes at most. */
static size_t take_inside(struct run_marks *m, char byte, uint8_t *out)
{
	size_t n = 0;

	/* A CR that a LF follows is the terminal's. */
	if (m->held_len == 1 && m->held[0] == '\r') {
		m->held_len = 0;
		if (byte != '\n' && m->state == RUN_INSIDE)
			out[n++] = '\r';
	} else if (m->held_len && (m->held_len == sizeof(m->held) || !fits(m, byte))) {
		n = give_back(m, out);
	}
	if (m->held_len || byte == HEAD[0] || byte == '\r') {
		m->held[m->held_len++] = byte;
		if (byte == '\n') {
			m->status = read_status(m);
			m->state = m->status < 256 ? RUN_ENDED : RUN_TORN;
			m->held_len = 0;
		}
		return n;
	}
	if (m->state == RUN_INSIDE)
		out[n++] = (uint8_t)byte;
	return n;
}

size_t run_marks_take(struct run_marks *m, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t i, n = 0;

	for (i = 0; i < len && m->state != RUN_ENDED; i++) {
		if (m->state < RUN_INSIDE)
			take_before(m, (char)in[i]);
		else
			n += take_inside(m, (char)in[i], out + n);
	}
	return n;
}
