/*
 * The vocabulary of rights: what an [access] section may allow.
 */
#ifndef CONFIG_RIGHTS_H
#define CONFIG_RIGHTS_H

#include <stddef.h>

enum right {
	RIGHT_VIEW = 1 << 0,        /* the last screenful and live output */
	RIGHT_TYPE = 1 << 1,        /* the keyboard */
	RIGHT_FORCE = 1 << 2,       /* take the keyboard from somebody */
	RIGHT_CONTROL = 1 << 3,     /* break, sysrq, nmi */
	RIGHT_LOG = 1 << 4,         /* history beyond the last screenful */
	RIGHT_DUMP_MAKE = 1 << 5,   /* make a crash dump */
	RIGHT_DUMP_GET = 1 << 6,    /* list and fetch dumps */
	RIGHT_DUMP_DELETE = 1 << 7, /* remove dumps */
	RIGHT_ADMIN = 1 << 8,       /* addresses, host-wide who, kick, ticket */
	RIGHT_FORWARD = 1 << 9,     /* requests to the upstream of [https] */
	RIGHT_POWER = 1 << 10,      /* on, off, reset and the like */
	RIGHT_METRICS = 1 << 11,    /* figures about all consoles and logins */
};
#define RIGHT_ALL ((1u << 12) - 1)

/* "view" ... -> one bit, or 0 when the word is none. */
unsigned right_parse(const char *word);

/* The name of one bit, or NULL. */
const char *right_name(unsigned bit);

/* "view, type" into out; returns out. "nothing" for 0. */
const char *rights_text(unsigned rights, char *out, size_t room);
#define RIGHTS_TEXT_MAX 112

#endif
