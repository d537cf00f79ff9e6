/*
 * The pen of a terminal: what SGR and the character set designations set.
 *
 * Owner: struct replay_modes. May not know modes, history, viewers.
 */
#include "console/replay/replay_pen.h"

#include <stdio.h>
#include <string.h>

#define SUBS_MAX 8

/* One parameter of SGR with its sub-parameters; what is empty is 0. */
struct sgr_param {
	int value;
	int subs[SUBS_MAX];
	int count;
};

void replay_pen_init(struct replay_pen *pen)
{
	memset(pen, 0, sizeof(*pen));
	memset(pen->charset, 'B', sizeof(pen->charset));
}

bool replay_pen_is_default(const struct replay_pen *pen)
{
	struct replay_pen none;
	char a[REPLAY_PEN_ROOM], b[REPLAY_PEN_ROOM];

	replay_pen_init(&none);
	size_t n = replay_pen_write(pen, a);

	return n == replay_pen_write(&none, b) && memcmp(a, b, n) == 0;
}

static bool next_param(const struct vt_csi *csi, size_t *at, struct sgr_param *param)
{
	int *value = &param->value;

	memset(param, 0, sizeof(*param));
	if (*at > csi->params_len)
		return false;
	for (; *at < csi->params_len && csi->params[*at] != ';'; ++*at) {
		char c = csi->params[*at];

		if (c == ':') {
			if (param->count < SUBS_MAX)
				param->count++;
			value = &param->subs[param->count - 1];
		} else if (c >= '0' && c <= '9' && *value < 10000)
			*value = *value * 10 + (c - '0');
	}
	++*at;
	return true;
}

static uint8_t byte_of(int value)
{
	return (uint8_t)(value > 255 ? 255 : value);
}

/* 38:5:n, 38:2:r:g:b, 38:2:space:r:g:b */
static void color_from_subs(struct replay_color *color, const struct sgr_param *param)
{
	if (param->subs[0] == 5 && param->count >= 2) {
		color->kind = 5;
		color->value[0] = byte_of(param->subs[1]);
	} else if (param->subs[0] == 2 && param->count >= 4) {
		int first = param->count >= 5 ? 2 : 1;

		color->kind = 2;
		for (int i = 0; i < 3; i++)
			color->value[i] = byte_of(param->subs[first + i]);
	}
}

/* 38;5;n and 38;2;r;g;b, whose values are parameters of their own */
static void color_from_params(struct replay_color *color, const struct vt_csi *csi, size_t *at)
{
	struct sgr_param param;

	if (!next_param(csi, at, &param))
		return;
	int count = param.value == 5 ? 1 : param.value == 2 ? 3 : 0;

	if (count)
		color->kind = (uint8_t)param.value;
	for (int i = 0; i < count && next_param(csi, at, &param); i++)
		color->value[i] = byte_of(param.value);
}

static void set_color(struct replay_color *color, const struct sgr_param *param,
	const struct vt_csi *csi, size_t *at)
{
	if (param->count)
		color_from_subs(color, param);
	else
		color_from_params(color, csi, at);
}

static void basic_color(struct replay_color *color, int index)
{
	color->kind = 1;
	color->value[0] = (uint8_t)index;
}

static void set_attribute(struct replay_pen *pen, int n, bool on)
{
	if (on)
		pen->attributes |= (uint16_t)(1U << n);
	else
		pen->attributes &= (uint16_t)(~(1U << n));
}

/* Everything but colours. */
static void apply_attribute(struct replay_pen *pen, const struct sgr_param *param)
{
	int n = param->value;

	if (n == 4) {
		pen->underline = param->count ? byte_of(param->subs[0]) : 1;
		if (pen->underline > 5)
			pen->underline = 1;
	} else if (n >= 1 && n <= 9)
		set_attribute(pen, n, true);
	else if (n == 21)
		pen->underline = 2;
	else if (n == 22) {
		set_attribute(pen, 1, false);
		set_attribute(pen, 2, false);
	} else if (n == 24)
		pen->underline = 0;
	else if (n == 25) {
		set_attribute(pen, 5, false);
		set_attribute(pen, 6, false);
	} else if (n >= 23 && n <= 29)
		set_attribute(pen, n - 20, false);
	else if (n == 53 || n == 55)
		pen->overline = n == 53;
}

static void apply(
	struct replay_pen *pen, const struct sgr_param *param, const struct vt_csi *csi, size_t *at)
{
	int n = param->value;

	if (n == 0) {
		pen->attributes = 0;
		pen->underline = 0;
		pen->overline = false;
		memset(&pen->ink, 0, sizeof(pen->ink));
		memset(&pen->paper, 0, sizeof(pen->paper));
		memset(&pen->line, 0, sizeof(pen->line));
	} else if (n >= 30 && n <= 37)
		basic_color(&pen->ink, n - 30);
	else if (n >= 40 && n <= 47)
		basic_color(&pen->paper, n - 40);
	else if (n >= 90 && n <= 97)
		basic_color(&pen->ink, n - 90 + 8);
	else if (n >= 100 && n <= 107)
		basic_color(&pen->paper, n - 100 + 8);
	else if (n == 38)
		set_color(&pen->ink, param, csi, at);
	else if (n == 48)
		set_color(&pen->paper, param, csi, at);
	else if (n == 58)
		set_color(&pen->line, param, csi, at);
	else if (n == 39)
		pen->ink.kind = 0;
	else if (n == 49)
		pen->paper.kind = 0;
	else if (n == 59)
		pen->line.kind = 0;
	else
		apply_attribute(pen, param);
}

void replay_pen_sgr(struct replay_pen *pen, const struct vt_csi *csi)
{
	struct sgr_param param;
	size_t at = 0;

	while (next_param(csi, &at, &param))
		apply(pen, &param, csi, &at);
}

/* base is 38, 48 or 58. */
static int write_color(char *out, size_t room, const struct replay_color *color, int base)
{
	const uint8_t *v = color->value;

	switch (color->kind) {
	case 1:
		return snprintf(out, room, ";%d", v[0] < 8 ? base - 8 + v[0] : base + 44 + v[0]);
	case 2:
		return snprintf(out, room, ";%d;2;%d;%d;%d", base, v[0], v[1], v[2]);
	case 5:
		return snprintf(out, room, ";%d;5;%d", base, v[0]);
	default:
		return 0;
	}
}

size_t replay_pen_write(const struct replay_pen *pen, char *out)
{
	char *p = out, *end = out + REPLAY_PEN_ROOM;

	for (int g = 0; g < 4; g++) {
		if (pen->charset[g] != 'B')
			p += snprintf(
				p, (size_t)(end - p), "\x1b%c%c", "()*+"[g], pen -> charset[g]);
	}
	if (pen->shift)
		*p++ = 0x0e;
	p += snprintf(p, (size_t)(end - p), "\x1b[0");
	for (int n = 1; n <= 9; n++) {
		if (pen->attributes & (1U << n))
			p += snprintf(p, (size_t)(end - p), ";%d", n);
	}
	if (pen->underline == 1)
		p += snprintf(p, (size_t)(end - p), ";4");
	else if (pen->underline)
		p += snprintf(p, (size_t)(end - p), ";4:%d", pen->underline);
	if (pen->overline)
		p += snprintf(p, (size_t)(end - p), ";53");
	p += write_color(p, (size_t)(end - p), &pen->ink, 38);
	p += write_color(p, (size_t)(end - p), &pen->paper, 48);
	p += write_color(p, (size_t)(end - p), &pen->line, 58);
	*p++ = 'm';
	return (size_t)(p - out);
}
