/* Task: see authorization.h. Pure; bytes of strangers. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "http/exchange/authorization.h"

static int parse_basic(const char *field, struct authorization *out)
{
	size_t len = strlen(field);
	char *colon;
	int n;

	if (len == 0 || len % 4 != 0 || len / 4 * 3 > AUTHORIZATION_MAX)
		return -EINVAL;
	n = EVP_DecodeBlock((unsigned char *)out->text, (const unsigned char *)field, (int)len);
	if (n < 0)
		return -EINVAL;
	/* Padding counts as zero bytes in what it says. */
	n -= (field[len - 1] == '=') + (field[len - 2] == '=');
	out->text[n] = '\0';
	colon = strchr(out->text, ':');
	if (!colon || strlen(out->text) != (size_t)n)
		return -EINVAL;
	*colon = '\0';
	out->user = out->text;
	out->password = colon + 1;
	return 0;
}

static int parse_bearer(const char *field, const char *vm, struct authorization *out)
{
	size_t token = strlen(field), user;

	if (token == 0 || field[strcspn(field, " \t")])
		return -EINVAL;
	if (!vm)
		return -EDESTADDRREQ;
	user = strlen(vm);
	if (user == 0 || user + token > AUTHORIZATION_MAX)
		return -EINVAL;
	memcpy(out->text, vm, user + 1);
	memcpy(out->text + user + 1, field, token + 1);
	out->user = out->text;
	out->password = out->text + user + 1;
	return 0;
}

int authorization_parse(const char *field, const char *vm, struct authorization *out)
{
	size_t scheme = strcspn(field, " ");
	const char *value = field + scheme + strspn(field + scheme, " ");

	if (scheme == strlen("Basic") && strncasecmp(field, "Basic", scheme) == 0)
		return parse_basic(value, out);
	if (scheme == strlen("Bearer") && strncasecmp(field, "Bearer", scheme) == 0)
		return parse_bearer(value, vm, out);
	return -EINVAL;
}
