/* Task: see basic.h. Pure; bytes of strangers. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "http/exchange/basic.h"

int basic_parse(const char *field, struct basic *out)
{
	size_t len;
	char *colon;
	int n;

	if (strncasecmp(field, "Basic ", 6) != 0)
		return -EINVAL;
	field += 6 + strspn(field + 6, " ");
	len = strlen(field);
	if (len == 0 || len % 4 != 0 || len / 4 * 3 > BASIC_MAX)
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

bool basic_user_is(const char *field, const char *user)
{
	struct basic basic;
	bool same = basic_parse(field, &basic) == 0 && strcmp(basic.user, user) == 0;

	explicit_bzero(&basic, sizeof(basic));
	return same;
}
