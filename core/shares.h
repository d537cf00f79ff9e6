/*
 * How much each of many users has of something there is a bounded number of, so that none has it
 * all. Users are told apart by a text. One list for each kind of thing; it starts as {0}.
 */
#ifndef CORE_SHARES_H
#define CORE_SHARES_H

#include <sys/queue.h>

struct share;
LIST_HEAD(share_list, share);

/* One more for owner, who may have max at most. 0 with what shares_give takes; -EDQUOT, -ENOMEM. */
int shares_take(struct share_list *list, const char *owner, unsigned max, struct share **out)
	__attribute__((warn_unused_result));
/* It is no longer his. NULL inside is fine. */
void shares_give(struct share **share);

#endif
