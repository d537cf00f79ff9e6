/*
 * Questions to a terminal. Sources: ECMA-48, DEC STD 070, xterm's ctlseqs, the protocols of kitty.
 *
 * Owner: whoever embeds it. May not know who answers.
 */
#include "vt/asks.h"

#include <string.h>

#define ENQ 0x05

static const struct asking_rule {
	char prefix, intermediate;
	const char *finals;
} asking_rules[] = {
	{0, 0, "cntx"}, /* DA, DSR, window operations, DECREQTPARM */
	{'?', 0, "Smnu"}, {'>', 0, "cq"}, {'=', 0, "c"},
	{0, '$', "puw"},                /* DECRQM, DECRQTSR, DECRQPSR */
	{'?', '$', "p"}, {0, '*', "y"}, /* DECRQCRA */
	{0, '&', "u"},                  /* DECRQUPSS */
};

static bool csi_asks(const struct vt_scan *s)
{
	struct vt_csi csi;

	vt_csi_parse(s->seq, s->len, &csi);
	for (size_t i = 0; i < sizeof(asking_rules) / sizeof(*asking_rules); i++) {
		const struct asking_rule *rule = &asking_rules[i];

		if (rule->prefix == csi.prefix && rule->intermediate == csi.intermediate)
			return strchr(rule->finals, csi.final) != NULL;
	}
	return false;
}

/* OSC colour ; ?, DCS $ q (DECRQSS), DCS + q (XTGETTCAP), and what kitty's APC G answers. */
static bool makes_a_question(const struct vt_scan *s, uint8_t byte)
{
	switch (s->seq[1]) {
	case ']':
		return byte == '?';
	case 'P':
		return byte == 'q';
	default:
		return s->seq[1] == '_' && byte == 'G';
	}
}

void vt_asks_init(struct vt_asks *a)
{
	vt_scan_init(&a->scan);
	a->string_asks = false;
}

static bool token_asks(const struct vt_asks *a)
{
	const struct vt_scan *s = &a->scan;

	switch (s->token) {
	case VT_CONTROL:
		return s->control == ENQ;
	case VT_ESCAPE:
		return s->len == 2 && s->seq[1] == 'Z';
	case VT_CSI_SEQ:
		return csi_asks(s);
	case VT_STRING_DONE:
		return a->string_asks;
	case VT_NOTHING:
	case VT_TEXT:
	case VT_BROKEN:
		break;
	}
	return false;
}

bool vt_asks_feed(struct vt_asks *a, const uint8_t *data, size_t len)
{
	bool asks = false;

	for (size_t i = 0; i < len;) {
		struct vt_scan *s = &a->scan;

		if (s->state == VT_OSC || s->state == VT_STRING)
			a->string_asks = a->string_asks || makes_a_question(s, data[i]);
		else if (s->state != VT_STRING_ESC)
			a->string_asks = false;
		i += vt_scan_byte(s, data[i]);
		asks = token_asks(a) || asks;
	}
	return asks;
}
