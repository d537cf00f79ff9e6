/*
 * The way through a guest's login to its shell's prompt: what to type next, told from what the
 * guest prints. Pure.
 *
 * A prompt is an unfinished line after which the guest rests. Of a shell's nobody can know how it
 * looks: before a name was typed it ends with one of $ # % >, behind a login any line is one. A
 * password is given to nothing but a question for it, where a login shows no echo.
 */
#ifndef BROKER_SCRIPT_RUN_LOGIN_H
#define BROKER_SCRIPT_RUN_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vt/scan.h"

#define RUN_LOGIN_REST_US UINT64_C(300000)   /* the guest reads then what is typed */
#define RUN_LOGIN_SHELL_US UINT64_C(1000000) /* before a line is taken for a shell's prompt */
#define RUN_LOGIN_SILENT_US UINT64_C(5000000)
#define RUN_LOGIN_NAMES 3 /* times that the name is typed: what comes early may be swallowed */
#define RUN_LOGIN_LINE 128

enum run_login_state {
	RUN_LOGIN_LOOKS,  /* Enter was typed: what stands there? */
	RUN_LOGIN_NAMED,  /* the name was typed */
	RUN_LOGIN_PROVED, /* and the password */
};

enum run_login_step {
	RUN_LOGIN_WAIT,
	RUN_LOGIN_ENTER,       /* type Enter: nothing has come of what was typed */
	RUN_LOGIN_NAME,        /* type the name */
	RUN_LOGIN_PASSWORD,    /* type the password */
	RUN_LOGIN_SHELL,       /* a shell waits for a command */
	RUN_LOGIN_REFUSED,     /* the guest does not let in */
	RUN_LOGIN_NO_PASSWORD, /* it asks for one, and there is none */
};

struct run_login {
	enum run_login_state state;
	const char *name; /* borrowed */
	bool has_password;
	unsigned names; /* how often it was typed */
	bool incorrect; /* a line has said so */
	struct vt_scan scan;
	char line[RUN_LOGIN_LINE]; /* the present one as text; of a long one the end */
	size_t len;
};

/* Of a name or a password: a control character would be a key. */
bool run_login_is_typable(const char *text, size_t len);

void run_login_init(struct run_login *l, const char *name, bool has_password);
/* The guest's output. */
void run_login_take(struct run_login *l, const uint8_t *data, size_t len);
/* It has printed nothing for so long: what to type now, and it counts as typed. */
enum run_login_step run_login_next(struct run_login *l, uint64_t rested_us);

#endif
