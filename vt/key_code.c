/* Task: see key_code.h. May not know sessions, or what a key is for. */
#include <ctype.h>

#include "vt/key_code.h"

#define ESC 0x1b
#define DEL 0x7f
#define OTHER_KEYS 27    /* CSI 27 ; modifiers ; code ~ */
#define LET_GO 3         /* kitty's event: press 1, repeat 2 */
#define LOCKS (64 | 128) /* Caps Lock, Num Lock */
#define PARAMS_MAX 4

/* kitty's numbers of keys that only change others. */
static bool is_modifier_number(int code)
{
	return (code >= 57441 && code <= 57454) || (code >= 57358 && code <= 57360);
}

/* Vk ; Sc ; Uc ; Kd ...: the character, and whether the key is down. */
static void parse_windows(struct key_code *key, const struct vt_param *params)
{
	key->text = params[2].value;
	key->code = key->text ? key->text : params[0].value;
	key->is_let_go = params[3].value == 0;
	key->is_modifier = key->text == 0;
}

static void parse_unicode(struct key_code *key, const struct vt_param *params)
{
	key->code = params[0].value;
	key->shifted = params[0].count > 0 ? params[0].subs[0] : 0;
	key->base = params[0].count > 1 ? params[0].subs[1] : 0;
	key->text = params[2].value;
	key->is_modifier = is_modifier_number(key->code);
}

void key_code_parse(const struct vt_csi *csi, struct key_code *key)
{
	struct vt_param params[PARAMS_MAX] = {{.value = 0}};
	size_t at = 0;

	if (csi->prefix || csi->intermediate)
		return;
	for (int i = 0; i < PARAMS_MAX && vt_csi_next_param(csi, &at, &params[i]); i++)
		;
	key->number = params[0].value;
	if (csi->final == '_') {
		parse_windows(key, params);
		return;
	}
	key->modifiers = params[1].value > 0 ? (params[1].value - 1) & ~LOCKS : 0;
	key->is_let_go = params[1].count > 0 && params[1].subs[0] == LET_GO;
	if (csi->final == 'u')
		parse_unicode(key, params);
	else if (csi->final == '~' && key->number == OTHER_KEYS)
		key->code = params[2].value;
}

bool key_code_is_control(const struct key_code *key, int character)
{
	int plain = tolower(character | 0x40);

	if (key->text == character || (character == DEL && key->code == DEL))
		return true;
	if ((key->modifiers & ~KEY_CODE_SHIFT) != KEY_CODE_CTRL)
		return false;
	return key->code == plain || key->shifted == plain || key->base == plain;
}

uint8_t key_code_character(const struct key_code *key)
{
	int c = key->code;

	if (key->text)
		c = key->text;
	else if ((key->modifiers & KEY_CODE_SHIFT) && key->shifted)
		c = key->shifted;
	else if ((key->modifiers & KEY_CODE_SHIFT) && c == '/')
		c = '?'; /* on most keyboards; a terminal that knows better says so */
	else if ((key->modifiers & KEY_CODE_SHIFT) && c < DEL)
		c = toupper(c);
	if ((key->modifiers & KEY_CODE_CTRL) && c >= 0x40 && c < DEL)
		c &= 0x1f;
	return c > 0 && c <= DEL ? (uint8_t)c : ESC;
}
