/*
 * The state of a terminal that SGR and the character set designations set.
 *
 * Owner: struct replay_modes. May not know modes, history, viewers.
 */
#include "console/replay/replay_sgr.h"

#include <stdio.h>
#include <string.h>

void replay_sgr_init(struct replay_sgr *sgr)
{
	memset(sgr, 0, sizeof(*sgr));
	memset(sgr->charset, 'B', sizeof(sgr->charset));
}

bool replay_sgr_is_same(const struct replay_sgr *a, const struct replay_sgr *b)
{
	char text_a[REPLAY_SGR_ROOM], text_b[REPLAY_SGR_ROOM];
	size_t n = replay_sgr_write(a, text_a);

	return n == replay_sgr_write(b, text_b) && memcmp(text_a, text_b, n) == 0;
}

bool replay_sgr_is_default(const struct replay_sgr *sgr)
{
	struct replay_sgr none;

	replay_sgr_init(&none);
	return replay_sgr_is_same(sgr, &none);
}

static uint8_t byte_of(int value)
{
	return (uint8_t)(value > 255 ? 255 : value);
}

/* 38:5:n, 38:2:r:g:b, 38:2:space:r:g:b */
static void color_from_subs(struct replay_color *color, const struct vt_param *param)
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
	struct vt_param param;

	if (!vt_csi_next_param(csi, at, &param))
		return;
	int count = param.value == 5 ? 1 : param.value == 2 ? 3 : 0;

	if (count)
		color->kind = (uint8_t)param.value;
	for (int i = 0; i < count && vt_csi_next_param(csi, at, &param); i++)
		color->value[i] = byte_of(param.value);
}

static void set_color(struct replay_color *color, const struct vt_param *param,
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

static void set_attribute(struct replay_sgr *sgr, int n, bool on)
{
	if (on)
		sgr->attributes |= (uint16_t)(1U << n);
	else
		sgr->attributes &= (uint16_t)(~(1U << n));
}

/* Everything but colours. */
static void apply_attribute(struct replay_sgr *sgr, const struct vt_param *param)
{
	int n = param->value;

	if (n == 4) {
		sgr->underline = param->count ? byte_of(param->subs[0]) : 1;
		if (sgr->underline > 5)
			sgr->underline = 1;
	} else if (n >= 1 && n <= 9)
		set_attribute(sgr, n, true);
	else if (n == 21)
		sgr->underline = 2;
	else if (n == 22) {
		set_attribute(sgr, 1, false);
		set_attribute(sgr, 2, false);
	} else if (n == 24)
		sgr->underline = 0;
	else if (n == 25) {
		set_attribute(sgr, 5, false);
		set_attribute(sgr, 6, false);
	} else if (n >= 23 && n <= 29)
		set_attribute(sgr, n - 20, false);
	else if (n == 53 || n == 55)
		sgr->overline = n == 53;
}

static void apply(
	struct replay_sgr *sgr, const struct vt_param *param, const struct vt_csi *csi, size_t *at)
{
	int n = param->value;

	if (n == 0) {
		sgr->attributes = 0;
		sgr->underline = 0;
		sgr->overline = false;
		memset(&sgr->ink, 0, sizeof(sgr->ink));
		memset(&sgr->paper, 0, sizeof(sgr->paper));
		memset(&sgr->line, 0, sizeof(sgr->line));
	} else if (n >= 30 && n <= 37)
		basic_color(&sgr->ink, n - 30);
	else if (n >= 40 && n <= 47)
		basic_color(&sgr->paper, n - 40);
	else if (n >= 90 && n <= 97)
		basic_color(&sgr->ink, n - 90 + 8);
	else if (n >= 100 && n <= 107)
		basic_color(&sgr->paper, n - 100 + 8);
	else if (n == 38)
		set_color(&sgr->ink, param, csi, at);
	else if (n == 48)
		set_color(&sgr->paper, param, csi, at);
	else if (n == 58)
		set_color(&sgr->line, param, csi, at);
	else if (n == 39)
		sgr->ink.kind = 0;
	else if (n == 49)
		sgr->paper.kind = 0;
	else if (n == 59)
		sgr->line.kind = 0;
	else
		apply_attribute(sgr, param);
}

void replay_sgr_apply(struct replay_sgr *sgr, const struct vt_csi *csi)
{
	struct vt_param param;
	size_t at = 0;

	while (vt_csi_next_param(csi, &at, &param))
		apply(sgr, &param, csi, &at);
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

size_t replay_sgr_write(const struct replay_sgr *sgr, char *out)
{
	char *p = out, *end = out + REPLAY_SGR_ROOM;

	for (int g = 0; g < 4; g++) {
		if (sgr->charset[g] != 'B')
			p += snprintf(
				p, (size_t)(end - p), "\x1b%c%c", "()*+"[g], sgr -> charset[g]);
	}
	if (sgr->shift == 1)
		*p++ = 0x0e;
	else if (sgr->shift)
		p += snprintf(p, (size_t)(end - p), "\x1b%c", sgr->shift == 2 ? 'n' : 'o');
	p += snprintf(p, (size_t)(end - p), "\x1b[0");
	for (int n = 1; n <= 9; n++) {
		if (sgr->attributes & (1U << n))
			p += snprintf(p, (size_t)(end - p), ";%d", n);
	}
	if (sgr->underline == 1)
		p += snprintf(p, (size_t)(end - p), ";4");
	else if (sgr->underline)
		p += snprintf(p, (size_t)(end - p), ";4:%d", sgr->underline);
	if (sgr->overline)
		p += snprintf(p, (size_t)(end - p), ";53");
	p += write_color(p, (size_t)(end - p), &sgr->ink, 38);
	p += write_color(p, (size_t)(end - p), &sgr->paper, 48);
	p += write_color(p, (size_t)(end - p), &sgr->line, 58);
	*p++ = 'm';
	return (size_t)(p - out);
}
