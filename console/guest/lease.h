/*
 * The keyboard of a console, leased: it is whoever's who shows the token, over several connections.
 *
 * A part of the keyboard, which says who may type (keyboard.c); this knows the token, the time and
 * the end. The token is kept as a hash, and in memory only: a restart of the service ends a lease.
 * What a lease's end changes is who may take the keyboard next: who has it just then keeps it.
 */
#ifndef CONSOLE_GUEST_LEASE_H
#define CONSOLE_GUEST_LEASE_H

#include "console/guest/viewer.h"
#include "core/text/token.h"

#define LEASE_TTL_MAX_US (UINT64_C(86400) * LOOP_SECOND)
#define LEASE_WHO_MAX 256 /* bytes of whose it is, terminator included; longer is cut */
#define LEASE_WHY_MAX 512
#define KEYBOARD_TEXT_MAX (LEASE_WHO_MAX + 64)

struct lease_terms {
	const char *who; /* copied; shown to others */
	uint64_t ttl_us; /* at most LEASE_TTL_MAX_US */
	void *holder;    /* the caller's, for console_lease and ended */
	/* Once, and the holder is the caller's again. how: "released"; NULL: the console itself
	 * ends. */
	void (*ended)(void *holder, const struct console *c, const char *how);
};

struct lease_info {
	const char *who;
	int64_t until; /* seconds since 1970 */
	void *holder;
};

/* Asks for the keyboard in order to lease it, as viewer_take without force: -EBUSY, and he waits.
 * He gets it alone, also where several may write. */
int viewer_take_to_lease(struct viewer *v) MUST_CHECK;

/* Leases the keyboard that he was given so; he has it no longer himself. 0, and the caller wipes
 * token when it has been given away; -EPERM: he has it not; -EIO: no random numbers. */
int viewer_lease(
	struct viewer *v, const struct lease_terms *terms, char token[TOKEN_ROOM]) MUST_CHECK;

/* He types under the lease of this token, hostile text, while it lasts. 0; -EACCES and, in why,
 * what became of it. */
int viewer_show_lease(struct viewer *v, const char *token, char why[LEASE_WHY_MAX]) MUST_CHECK;

/* NULL: it is not leased. */
const struct lease_info *console_lease(const struct console *c);

/* Ends it, if there is one. how: as for ended. */
void console_lease_end(struct console *c, const char *how);
/* The same, by somebody who is not its holder. */
void console_lease_break(struct console *c, const char *who);
/* The same, for who has the token. 0; -EACCES with why. */
int console_lease_release(struct console *c, const char *token, char why[LEASE_WHY_MAX]) MUST_CHECK;

/* Who has the keyboard, for "the keyboard is with": the writer; "alice (leased until TIME)"; or
 * "nobody". Returns out. */
const char *console_keyboard_text(const struct console *c, char out[KEYBOARD_TEXT_MAX]);

#endif
