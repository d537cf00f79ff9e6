/* Lists with commas and %XX. Pure. */
#include "config/list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/values.h"

#define BLANKS " \t"

/* The trimmed and decoded copy of text[0..len). */
static int copy_item(const char *text, size_t len, char **item)
{
	int rc;

	while (len > 0 && strchr(BLANKS, *text)) {
		text++;
		len--;
	}
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		len--;
	if (len == 0)
		return -EINVAL;
	*item = strndup(text, len);
	if (!*item)
		return -ENOMEM;
	rc = value_decode(*item);
	if (rc < 0) {
		free(*item);
		*item = NULL;
	}
	return rc;
}

static int fill(struct config_list *list, const char *text, size_t room)
{
	while (list->count < room) {
		size_t len = strcspn(text, ",");
		int rc = copy_item(text, len, &list->items[list->count]);

		if (rc < 0)
			return rc;
		list->count++;
		text += len + 1;
	}
	return 0;
}

int config_list_parse(const char *text, struct config_list *out, size_t *bad)
{
	struct config_list list = {0};
	size_t room = 1;
	int rc;

	if (bad)
		*bad = 0;
	if (text[strspn(text, BLANKS)] == '\0') {
		*out = list;
		return 0;
	}
	for (const char *p = text; *p; p++)
		room += *p == ',';
	if (room > CONFIG_LIST_MAX)
		return -E2BIG;
	list.items = calloc(room, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	rc = fill(&list, text, room);
	if (rc < 0) {
		if (bad)
			*bad = list.count + 1;
		config_list_finish(&list);
		return rc;
	}
	*out = list;
	return 0;
}

char *config_list_text(const struct config_list *list, const char *separator)
{
	size_t gap = strlen(separator), room = 1, used = 0;
	char *text;

	for (size_t i = 0; i < list->count; i++)
		room += VALUE_ENCODE_ROOM(strlen(list->items[i])) + gap;
	text = calloc(1, room);
	if (!text)
		return NULL;
	for (size_t i = 0; i < list->count; i++) {
		int n;

		if (i > 0)
			used += (size_t)snprintf(text + used, room - used, "%s", separator);
		n = value_encode(list->items[i], true, text + used, room - used);
		if (n < 0) {
			free(text);
			return NULL;
		}
		used += (size_t)n;
	}
	return text;
}

void config_list_finish(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){0};
}

int config_list_copy(const struct config_list *from, struct config_list *to)
{
	to->items = calloc(from->count + 1, sizeof(*to->items));
	if (!to->items)
		return -ENOMEM;
	for (; to->count < from->count; to->count++) {
		to->items[to->count] = strdup(from->items[to->count]);
		if (!to->items[to->count])
			return -ENOMEM;
	}
	return 0;
}
