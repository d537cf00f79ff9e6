/*
 * Lists of a configuration: items separated by commas, blanks around them dropped, %XX inside an
 * item a byte. Pure.
 */
#ifndef CONFIG_LIST_H
#define CONFIG_LIST_H

#include <stddef.h>

#define CONFIG_LIST_MAX 256 /* items of one list */

/* An empty list is {0}. The items are decoded. */
struct config_list {
	char **items;
	size_t count;
};

/* 0, -EINVAL (an empty item, a bad %XX), -E2BIG, -ENOMEM. An empty text is the empty list. On
 * failure *bad, if not NULL, is the number of the item that is wrong, from 1. */
int config_list_parse(const char *text, struct config_list *out, size_t *bad)
	__attribute__((warn_unused_result));

/* The text that gives the same list; malloc'ed, NULL when out of memory. separator is ", " or
 * ",". */
char *config_list_text(const struct config_list *list, const char *separator);

void config_list_finish(struct config_list *list);

/* Into a zeroed one, which is to be finished even after -ENOMEM. */
int config_list_copy(const struct config_list *from, struct config_list *to)
	__attribute__((warn_unused_result));

#endif
