/* The Authorization field's Basic scheme (RFC 7617). Pure. */
#ifndef HTTP_EXCHANGE_BASIC_H
#define HTTP_EXCHANGE_BASIC_H

#include <stdbool.h>

#define BASIC_MAX 1024 /* bytes of user and password */

struct basic {
	char text[BASIC_MAX + 4]; /* holds both; to be wiped */
	const char *user, *password;
};

/* 0; -EINVAL: another scheme, or malformed. */
int basic_parse(const char *field, struct basic *out) __attribute__((warn_unused_result));

/* Whether the field's user is this one. */
bool basic_user_is(const char *field, const char *user);

#endif
