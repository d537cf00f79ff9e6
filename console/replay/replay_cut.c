/*
 * Where a replay begins.
 *
 * Owner: a viewer, before its replay. May not know journals.
 */
#include <string.h>

#include "console/replay/replay.h"

#define NOWHERE SIZE_MAX

struct line {
	size_t start;
	unsigned rows;
};

struct cutter {
	struct vt_scan scan;
	struct line lines[REPLAY_LINES_MAX]; /* the last ones, as a ring */
	size_t count;                        /* lines ever begun */
	unsigned columns, width;
	size_t escape;        /* where the last ESC stood */
	size_t home;          /* where the last token, being CSI H, began */
	size_t alternate;     /* where the other screen was switched to, if it still is */
	size_t clear;         /* where the screen was last cleared */
	size_t addressed;     /* where the cursor was last sent to a row */
	size_t kept;          /* that, when the cursor was last saved: coming back undoes it */
	size_t first_home;    /* the first CSI H of all */
	size_t entered, left; /* where the other screen was last switched to and from, if it was */
	bool has_region;      /* scrolling is for some rows only */
	bool booted;
};

static struct line *last_line(struct cutter *c)
{
	return c->count ? &c->lines[(c->count - 1) % REPLAY_LINES_MAX] : NULL;
}

static void begin_line(struct cutter *c, size_t start)
{
	c->lines[c->count++ % REPLAY_LINES_MAX] = (struct line){start, 1};
	c->width = 0;
}

static void on_control(struct cutter *c, size_t next)
{
	switch (c->scan.control) {
	case '\n':
		/* Inside a sequence a line may end, but none can be begun. */
		if (c->scan.state == VT_GROUND)
			begin_line(c, next);
		break;
	case '\r':
		c->width = 0;
		break;
	case '\b':
		c->width -= c->width > 0;
		break;
	default:
		break;
	}
}

static void on_text(struct cutter *c)
{
	struct line *line = last_line(c);

	c->home = NOWHERE;
	if (c->columns && ++c->width > c->columns) {
		c->width = 1;
		if (line)
			line->rows++;
	}
}

static void switch_screen(struct cutter *c, bool to_other)
{
	if (!to_other && c->alternate != NOWHERE) {
		c->entered = c->alternate;
		c->left = c->escape;
	}
	c->alternate = to_other ? c->escape : NOWHERE;
}

static void on_modes(struct cutter *c, const struct vt_csi *csi)
{
	size_t at = 0;
	int number;

	while (vt_csi_next(csi, &at, &number)) {
		if (number == 47 || number == 1047 || number == 1049)
			switch_screen(c, csi->final == 'h');
	}
}

static void on_save(struct cutter *c, bool save)
{
	if (save)
		c->kept = c->addressed;
	else
		c->addressed = c->kept;
}

static void on_csi(struct cutter *c)
{
	struct vt_csi csi;
	size_t at = 0, home = c->home;
	int value = 0;

	c->home = NOWHERE;
	vt_csi_parse(c->scan.seq, c->scan.len, &csi);
	if (csi.intermediate)
		return;
	if (csi.prefix) {
		if (csi.prefix == '?' && (csi.final == 'h' || csi.final == 'l'))
			on_modes(c, &csi);
		return;
	}
	if (csi.final == 'H' || csi.final == 'f' || csi.final == 'd')
		c->addressed = c->escape;
	if (csi.final == 'r')
		c->has_region = csi.params_len > 0;
	if (csi.final == 's' || csi.final == 'u')
		on_save(c, csi.final == 's');
	if (csi.final == 'H' && (!csi.params_len || !strncmp(csi.params, "1;1", csi.params_len))) {
		c->home = c->escape;
		if (c->first_home == NOWHERE)
			c->first_home = c->escape;
	}
	if (csi.final != 'J' || !vt_csi_next(&csi, &at, &value))
		return;
	/* All of the screen, or all from the upper left corner on. */
	if (value == 2 || value == 3 || (value <= 0 && home != NOWHERE))
		c->clear = home != NOWHERE ? home : c->escape;
}

static void on_escape(struct cutter *c)
{
	if (c->scan.len != 2)
		return;
	switch (c->scan.seq[1]) {
	case 'c':
		c->clear = c->escape;
		c->alternate = c->left = NOWHERE;
		c->has_region = false;
		break;
	case '7':
	case '8':
		on_save(c, c->scan.seq[1] == '7');
		break;
	default:
		break;
	}
}

static void on_token(struct cutter *c, size_t next)
{
	switch (c->scan.token) {
	case VT_TEXT:
		on_text(c);
		break;
	case VT_CONTROL:
		on_control(c, next);
		c->home = NOWHERE;
		break;
	case VT_CSI_SEQ:
		on_csi(c);
		break;
	case VT_ESCAPE:
		on_escape(c);
		break;
	case VT_NOTHING:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
}

/* The start of the latest line that has at least rows rows from it to the end. */
static size_t count_back(const struct cutter *c, unsigned rows, bool *enough)
{
	size_t kept = c->count < REPLAY_LINES_MAX ? c->count : REPLAY_LINES_MAX;
	size_t start = NOWHERE;
	unsigned sum = 0;

	for (size_t i = 1; i <= kept && sum < rows; i++) {
		const struct line *line = &c->lines[(c->count - i) % REPLAY_LINES_MAX];

		start = line->start;
		sum += line->rows;
	}
	*enough = sum >= rows;
	return start;
}

/* What may be the rest of a CSI sequence or of a character. */
static size_t rest_of_sequence(const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len && at < 4 && (data[at] & 0xc0) == 0x80)
		at++;
	if (at || !len)
		return at;
	at = data[0] == '[';
	while (at < len && at < VT_SEQ_MAX && data[at] >= 0x20 && data[at] <= 0x3f)
		at++;
	return at < len && data[at] >= 0x40 && data[at] <= 0x7e ? at + 1 : at;
}

/* Without the start of any line: where a sequence or a character begins. */
static size_t first_boundary(const uint8_t *data, size_t len)
{
	const uint8_t *esc = memchr(data, 0x1b, len);

	if (esc)
		return (size_t)(esc - data);
	/* The only line begins after all of it. */
	if (data[len - 1] == '\n')
		return len;
	return rest_of_sequence(data, len);
}

/* Whether a program draws anywhere on the screen: it has more to show than its last lines; the
 * screen may be larger than what is asked for. */
static bool addresses(const struct cutter *c, unsigned rows)
{
	bool drawn;
	size_t screen = count_back(c, rows * 2, &drawn);

	return c->addressed != NOWHERE && (!drawn || c->addressed >= screen);
}

static size_t choose(const struct cutter *c, const uint8_t *data, size_t len, unsigned rows)
{
	bool enough;
	size_t start = count_back(c, rows, &enough);

	if (c->alternate != NOWHERE)
		return c->clear != NOWHERE && c->clear > c->alternate ? c->clear : c->alternate;
	bool draws = !enough || addresses(c, rows);

	if (draws && c->clear != NOWHERE && (!enough || c->clear < start))
		return c->clear;
	if (draws && c->clear == NOWHERE && c->first_home < start)
		return c->first_home;
	return start != NOWHERE ? start : first_boundary(data, len);
}

/* Whether bytes from start on do not make the screen: that of lines lies below the other one, which
 * is shown there or at the end; or what it began with is not in what was looked at. */
static bool is_gone(
	const struct cutter *c, const struct replay_known *known, size_t start, unsigned rows)
{
	if (c->alternate != NOWHERE)
		return true;
	if (c->left != NOWHERE && start > c->entered && start < c->left)
		return true;
	if (c->clear != NOWHERE || known->whole || c->booted)
		return false;
	return c->has_region || addresses(c, rows);
}

/* A terminal on which no program has drawn yet. */
static void begin_terminal(struct cutter *c)
{
	vt_scan_init(&c->scan);
	c->home = c->alternate = c->clear = c->addressed = c->kept = c->first_home = NOWHERE;
	c->left = NOWHERE;
	c->has_region = false;
}

/* The lines before it stay; the unfinished one ends. */
static void boot(struct cutter *c, size_t at)
{
	begin_terminal(c);
	c->booted = true;
	if (!last_line(c) || last_line(c)->start != at)
		begin_line(c, at);
}

static void look(
	struct cutter *c, const uint8_t *data, size_t len, const struct replay_known *known)
{
	begin_terminal(c);
	if (known->before)
		c->scan = known->before->scan;
	if (known->before && known->before->alternate)
		c->alternate = 0;
	c->has_region = known->before && known->before->top;
	if (known->whole)
		begin_line(c, 0);
	for (size_t i = 0; i < len;) {
		if (i && i == known->boot)
			boot(c, i);
		/* Most bytes are plain text. */
		if (c->scan.state == VT_GROUND && data[i] >= 0x20 && data[i] < 0x7f) {
			on_text(c);
			i++;
			continue;
		}
		bool taken = vt_scan_byte(&c->scan, data[i]);

		if (taken && data[i] == 0x1b)
			c->escape = i;
		i += taken;
		on_token(c, i);
	}
	/* An empty last line is no row: the cursor merely waits there. */
	if (last_line(c) && last_line(c)->start == len)
		c->count--;
}

size_t replay_start(const uint8_t *data, size_t len, unsigned lines, unsigned columns,
	const struct replay_known *known, bool *gone)
{
	struct cutter c = {.columns = columns};
	size_t start;

	*gone = false;
	if (!len || !lines)
		return len;
	if (lines > REPLAY_LINES_MAX)
		lines = REPLAY_LINES_MAX;
	look(&c, data, len, known);
	start = choose(&c, data, len, lines);
	*gone = is_gone(&c, known, start, lines);
	return start;
}
