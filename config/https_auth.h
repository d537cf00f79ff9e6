/* By what a client of https may be known, for each group of requests. Pure. */
#ifndef CONFIG_HTTPS_AUTH_H
#define CONFIG_HTTPS_AUTH_H

#include "config/config.h"

enum https_auth {
	HTTPS_AUTH_CERTIFICATE = 1,
	HTTPS_AUTH_TICKET = 2,
	HTTPS_AUTH_NONE = 4, /* by its address alone */
};

/* The bit of a word, or 0. */
unsigned https_auth_parse(const char *word);

/* The bits of console_auth, dump_auth or rpc_auth. */
unsigned https_auth_of(const struct config_list *list);

/* The rights that somebody who is known so may have at all: those of the groups that let him ask.
 * What nothing is needed for, everybody may. */
unsigned https_auth_rights(const struct config_https *https, enum https_auth how);

#endif
