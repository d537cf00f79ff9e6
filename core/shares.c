/* Task: see shares.h. Owner: whoever has the list. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/shares.h"

struct share {
	LIST_ENTRY(share) entry;
	unsigned count;
	char owner[];
};

static struct share *find(const struct share_list *list, const char *owner)
{
	struct share *s;

	LIST_FOREACH (s, list, entry) {
		if (strcmp(s->owner, owner) == 0)
			return s;
	}
	return NULL;
}

int shares_take(struct share_list *list, const char *owner, unsigned max, struct share **out)
{
	size_t len = strlen(owner);
	struct share *s = find(list, owner);

	if (max == 0 || (s && s->count >= max))
		return -EDQUOT;
	if (!s) {
		s = calloc(1, sizeof(*s) + len + 1);
		if (!s)
			return -ENOMEM;
		memcpy(s->owner, owner, len + 1);
		LIST_INSERT_HEAD(list, s, entry);
	}
	s->count++;
	*out = s;
	return 0;
}

void shares_give(struct share **share)
{
	struct share *s = *share;

	*share = NULL;
	if (!s || --s->count > 0)
		return;
	LIST_REMOVE(s, entry);
	free(s);
}
