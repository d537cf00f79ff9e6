/*
 * A key as the newer keyboard protocols of terminals tell it: CSI u (kitty's protocol, and what it
 * took over), xterm's modifyOtherKeys, Windows' input mode. Pure.
 */
#ifndef VT_KEY_CODE_H
#define VT_KEY_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "vt/scan.h"

struct key_code {
	int number;       /* the first parameter, whatever it means */
	int code;         /* the character of the key without modifiers, or its number; 0 unknown */
	int shifted;      /* the character with shift; 0 not told */
	int base;         /* that of the key on an American keyboard; 0 not told */
	int text;         /* what was typed by it; 0 not told */
	int modifiers;    /* bits of KEY_CODE_*; locks are left out */
	bool is_let_go;   /* released, not pressed */
	bool is_modifier; /* shift, a lock and the like alone */
};

#define KEY_CODE_SHIFT 1
#define KEY_CODE_CTRL 4

/* *key is zeroed before. */
void key_code_parse(const struct vt_csi *csi, struct key_code *key);

/* Whether it is the key of this control character: Ctrl with it and no other modifier but shift. */
bool key_code_is_control(const struct key_code *key, int character);

/* The byte that a terminal without these protocols would send; ESC when it is more than one. */
uint8_t key_code_character(const struct key_code *key);

#endif
