/* The guests that a login may see, by name. */
#ifndef BROKER_VERB_GUEST_LIST_H
#define BROKER_VERB_GUEST_LIST_H

#include <stddef.h>

struct guest;
struct login;

/* 0 with *out to be freed (NULL when empty), or -ENOMEM. */
int guest_list(const struct login *login, struct guest ***out, size_t *out_count)
	__attribute__((warn_unused_result));

#endif
