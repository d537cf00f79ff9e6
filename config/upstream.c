/* Task: see upstream.h. */
#include "config/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/listen_address.h"

/* "192.0.2.1" of "192.0.2.1:80", "::1" of "[::1]:80". */
static void copy_host(const char *address, char host[CONFIG_ADDRESS_TEXT_MAX])
{
	size_t len = (size_t)(strrchr(address, ':') - address);

	if (*address == '[') {
		address++;
		len -= 2;
	}
	memcpy(host, address, len);
	host[len] = '\0';
}

static int parse_tcp(const char *text, struct config_upstream *out)
{
	char copy[CONFIG_ADDRESS_TEXT_MAX];
	struct config_address address;
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '/')
		len--;
	/* "*:1", and port 0, can be listened on and not connected to; unix: stands by itself. */
	if (len >= sizeof(copy) || *text == '*' || *text == 'u')
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (config_address_parse(copy, &address) < 0 || strcmp(strrchr(copy, ':'), ":0") == 0)
		return -EINVAL;
	out->sa = address.sa;
	out->sa_len = address.sa_len;
	copy_host(address.text, out->host);
	return 0;
}

int config_upstream_parse(const char *text, struct config_upstream *out, char why[UPSTREAM_WHY_MAX])
{
	int r = -EINVAL;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0)
		r = config_path_parse(text + 5, &out->sa, &out->sa_len);
	else if (strncmp(text, "http://", 7) == 0)
		r = parse_tcp(text + 7, out);
	else if (strncmp(text, "https://", 8) == 0)
		r = parse_tcp(text + 8, out);
	out->tls = strncmp(text, "https://", 8) == 0;
	if (r < 0)
		snprintf(why, UPSTREAM_WHY_MAX,
			"invalid upstream \"%.64s\": write http://192.0.2.1:8080, "
			"https://192.0.2.1:8443 or unix:/PATH",
			text);
	return r;
}

bool config_upstream_has_tls(const struct config *c)
{
	struct config_upstream upstream;
	char why[UPSTREAM_WHY_MAX];

	return *c->https.upstream &&
	       config_upstream_parse(c->https.upstream, &upstream, why) == 0 && upstream.tls;
}
