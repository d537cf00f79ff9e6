/* Task: see protocols.h. */
#include "config/protocols.h"

#include <string.h>

bool config_listen_has(const struct config_listen *listen, const char *protocol)
{
	for (size_t i = 0; i < listen->protocols.count; i++) {
		if (strcmp(listen->protocols.items[i], protocol) == 0)
			return true;
	}
	return false;
}

bool config_listens_have(const struct config *c, const char *protocol)
{
	for (size_t i = 0; i < c->listen_count; i++) {
		if (config_listen_has(&c->listens[i], protocol))
			return true;
	}
	return false;
}

bool config_has_https(const struct config *c)
{
	return c->https.listen.count > 0 || config_listens_have(c, "https");
}

bool config_has_web(const struct config *c)
{
	return config_has_https(c) || config_listens_have(c, "http");
}
