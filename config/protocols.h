/* Which protocols a configuration serves, and where. Pure. */
#ifndef CONFIG_PROTOCOLS_H
#define CONFIG_PROTOCOLS_H

#include <stdbool.h>

#include "config/config.h"

/* Whether the section carries "ssh", or "https". */
bool config_listen_has(const struct config_listen *listen, const char *protocol);

/* Whether any [listen] section does. */
bool config_listens_have(const struct config *c, const char *protocol);

/* Whether there is https at all, and so a door, a key and a certificate for it. */
bool config_has_https(const struct config *c);

/* https, or plain http on this host: what the https door is for. */
bool config_has_web(const struct config *c);

#endif
