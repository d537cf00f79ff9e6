/* Task: see https_auth.h. */
#include "config/https_auth.h"

#include <string.h>

#include "config/rights.h"

#define DUMP_RIGHTS ((unsigned)(RIGHT_DUMP_MAKE | RIGHT_DUMP_GET | RIGHT_DUMP_DELETE))
#define RPC_RIGHTS ((unsigned)RIGHT_FORWARD)

unsigned https_auth_parse(const char *word)
{
	if (strcmp(word, "certificate") == 0)
		return HTTPS_AUTH_CERTIFICATE;
	if (strcmp(word, "ticket") == 0)
		return HTTPS_AUTH_TICKET;
	return strcmp(word, "none") == 0 ? HTTPS_AUTH_NONE : 0;
}

unsigned https_auth_of(const struct config_list *list)
{
	unsigned bits = 0;

	for (size_t i = 0; i < list->count; i++)
		bits |= https_auth_parse(list->items[i]);
	return bits;
}

static bool takes(const struct config_list *list, enum https_auth how)
{
	return https_auth_of(list) & (how | HTTPS_AUTH_NONE);
}

unsigned https_auth_rights(const struct config_https *https, enum https_auth how)
{
	unsigned rights = 0;

	if (takes(&https->console_auth, how))
		rights |= RIGHT_ALL & ~(DUMP_RIGHTS | RPC_RIGHTS);
	if (takes(&https->dump_auth, how))
		rights |= DUMP_RIGHTS;
	if (takes(&https->rpc_auth, how))
		rights |= RPC_RIGHTS;
	return rights;
}
