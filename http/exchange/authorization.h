/* The Authorization field's schemes Basic (RFC 7617) and Bearer (RFC 6750 §2.1). Pure. */
#ifndef HTTP_EXCHANGE_AUTHORIZATION_H
#define HTTP_EXCHANGE_AUTHORIZATION_H

#define AUTHORIZATION_MAX 1024 /* bytes of user and password */

struct authorization {
	char text[AUTHORIZATION_MAX + 4]; /* holds both; to be wiped */
	const char *user, *password;
};

/*
 * vm: that of the request's path, whose ticket a bearer's is; NULL: it has none. 0; -EINVAL:
 * another scheme, or malformed; -EDESTADDRREQ: a bearer's, and there is no VM.
 */
int authorization_parse(const char *field, const char *vm, struct authorization *out)
	__attribute__((warn_unused_result));

#endif
