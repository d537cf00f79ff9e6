/*
 * Task: what is still to be sent: the words of the command, what patterns stand for, what is in
 * folders. A stack, so that things come in the order in which a shell and scp would have them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sshd/scp/scp_source.h"

static struct scp_item *push(struct scp *c, enum scp_item_kind kind, const char *path)
{
	size_t room = strlen(path) + 1;
	struct scp_item *item;

	if (c->item_count == SCP_ITEMS_MAX) {
		scp_end(c, "too many names at once");
		return NULL;
	}
	item = calloc(1, sizeof(*item) + room);
	if (!item) {
		scp_end(c, "out of memory");
		return NULL;
	}
	memcpy(item->path, path, room);
	item->kind = kind;
	SLIST_INSERT_HEAD(&c->items, item, entry);
	c->item_count++;
	return item;
}

static struct scp_item *pop(struct scp *c)
{
	struct scp_item *item = SLIST_FIRST(&c->items);

	SLIST_REMOVE_HEAD(&c->items, entry);
	c->item_count--;
	return item;
}

static void put_back(struct scp *c, struct scp_item *item)
{
	SLIST_INSERT_HEAD(&c->items, item, entry);
	c->item_count++;
}

void scp_items_finish(struct scp *c)
{
	while (!SLIST_EMPTY(&c->items))
		free(pop(c));
}

void scp_item_done(struct scp *c)
{
	free(pop(c));
	if (c->state != SCP_ENDED)
		c->state = SCP_NEXT;
}

/* --- patterns --- */

static size_t part_length(const char *pattern)
{
	return strcspn(pattern, "/");
}

/* path/name into a buffer of TREE_PATH_MAX; false: too long. */
static bool join(char *path, const char *name, size_t len)
{
	size_t at = strlen(path);
	bool slash = at > 0 && path[at - 1] != '/';

	if (at + slash + len >= TREE_PATH_MAX)
		return false;
	if (slash)
		path[at++] = '/';
	memcpy(path + at, name, len);
	path[at + len] = '\0';
	return true;
}

static bool join_plain(char *path, const char *pattern, size_t len)
{
	char name[TREE_PATH_MAX];

	return len < sizeof(name) && join(path, name, scp_pattern_plain(pattern, len, name));
}

/*
 * Goes along the parts of pattern that stand for themselves, and pushes what comes then: a pattern,
 * or the name of what is to be sent. path has room for TREE_PATH_MAX bytes.
 */
static void push_pattern(struct scp *c, char *path, const char *pattern, bool matched)
{
	struct scp_item *item;

	for (;;) {
		size_t len;

		pattern += strspn(pattern, "/");
		len = part_length(pattern);
		if (len == 0 || scp_pattern_wild(pattern, len))
			break;
		if (!join_plain(path, pattern, len)) {
			scp_complain_error(c, path, -ENAMETOOLONG, NULL);
			return;
		}
		pattern += len;
	}
	item = push(c, *pattern ? ITEM_PATTERN : ITEM_PATH, path);
	if (!item)
		return;
	item->pattern = pattern;
	item->matched = matched;
}

static bool any_wild(const char *pattern)
{
	while (*pattern) {
		size_t len = part_length(pattern);

		if (scp_pattern_wild(pattern, len))
			return true;
		pattern += len + (pattern[len] == '/');
	}
	return false;
}

static void push_word(struct scp *c, const char *word)
{
	char path[TREE_PATH_MAX] = {0};
	struct scp_item *item;

	if (word[0] == '~' && (word[1] == '/' || word[1] == '\0'))
		word += 1 + strspn(word + 1, "/");
	else if (word[0] == '/')
		path[0] = '/';
	c->matches = 0;
	if (any_wild(word)) {
		item = push(c, ITEM_CHECK, "");
		if (!item)
			return;
		item->pattern = word;
	}
	push_pattern(c, path, word, false);
}

static void check(struct scp *c, const char *pattern)
{
	char text[TREE_PATH_MAX];
	size_t len = strlen(pattern);

	if (c->matches > 0)
		return;
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	scp_pattern_plain(pattern, len, text);
	scp_complain_error(c, text, -ENOENT, NULL);
}

/* --- queries --- */

static int ask_list(struct scp *c, const struct scp_item *item, const char *path)
{
	return scp_asked(c,
		c->config.tree->list(c->config.tree_arg, scp_query(c), path, item->from),
		SCP_LISTS);
}

static int ask_open(struct scp *c, const struct scp_item *item, const char *path)
{
	return scp_asked(
		c, c->config.tree->open(c->config.tree_arg, scp_query(c), path), SCP_OPENS);
}

/* True: the item is dealt with, for now. */
static bool ask(struct scp *c, struct scp_item *item,
	int (*query)(struct scp *c, const struct scp_item *item, const char *path))
{
	struct tree_path path;
	int r;

	if (c->tree_full)
		return false;
	r = tree_path_resolve(c->config.home, item->path, strlen(item->path), &path);
	if (!r)
		r = query(c, item, path.text);
	if (r == -EAGAIN)
		return false;
	if (r)
		scp_complain_error(c, item->path, r, NULL);
	if (r && item->kind == ITEM_FOLDER)
		item->kind = ITEM_LEAVE; /* the client has entered it */
	else if (r)
		scp_item_done(c);
	return true;
}

static bool next_word(struct scp *c)
{
	if (c->next_word == c->command.count) {
		scp_end(c, NULL);
		return false;
	}
	push_word(c, c->command.patterns[c->next_word++]);
	return true;
}

bool scp_next(struct scp *c)
{
	struct scp_item *item = SLIST_FIRST(&c->items);

	if (buf_len(&c->out) > SCP_OUTPUT_LOW)
		return false;
	if (!item)
		return next_word(c);
	switch (item->kind) {
	case ITEM_PATTERN:
	case ITEM_FOLDER:
		return ask(c, item, ask_list);
	case ITEM_PATH:
		return ask(c, item, ask_open);
	case ITEM_CHECK:
		check(c, item->pattern);
		scp_item_done(c);
		return true;
	case ITEM_LEAVE:
		scp_add(c, "E\n", 2);
		if (c->state != SCP_ENDED)
			c->state = SCP_LEAVES;
		return true;
	}
	return false;
}

/* --- lists --- */

static void push_match(struct scp *c, const struct scp_item *item, const struct tree_entry *e)
{
	const char *pattern = item->pattern;
	size_t len = part_length(pattern);
	char path[TREE_PATH_MAX];

	if (!scp_pattern_match(pattern, len, e->name))
		return;
	pattern += len;
	/* What has something below it is a folder, or a link to one. */
	if (*pattern && !S_ISDIR(e->attr.mode) && !S_ISLNK(e->attr.mode))
		return;
	snprintf(path, sizeof(path), "%s", item->path);
	if (join(path, e->name, strlen(e->name)))
		push_pattern(c, path, pattern, true);
}

static void push_child(struct scp *c, const struct scp_item *item, const struct tree_entry *e)
{
	char path[TREE_PATH_MAX];

	snprintf(path, sizeof(path), "%s", item->path);
	if (join(path, e->name, strlen(e->name)))
		(void)push(c, ITEM_PATH, path);
	else
		scp_complain_error(c, item->path, -ENAMETOOLONG, NULL);
}

static void push_entries(struct scp *c, const struct scp_item *item, const struct tree_answer *a)
{
	size_t i;

	for (i = a->count; i > 0 && c->state != SCP_ENDED; i--) {
		if (item->kind == ITEM_PATTERN)
			push_match(c, item, &a->entries[i - 1]);
		else
			push_child(c, item, &a->entries[i - 1]);
	}
}

void scp_list_answer(struct scp *c, const struct tree_answer *a)
{
	struct scp_item *item = pop(c);
	struct scp_item *list = NULL;
	bool last = a->last || a->error || a->count == 0;

	c->state = SCP_NEXT;
	if (a->error && item->kind == ITEM_FOLDER)
		scp_complain_error(c, item->path, a->error, a->reason);
	/* Behind what is in this part of the list comes the next part, or the folder's end. */
	if (!last || item->kind == ITEM_FOLDER) {
		list = item;
		list->from = a->next;
		put_back(c, list);
	}
	if (!a->error)
		push_entries(c, item, a);
	if (!list)
		free(item);
	else if (last)
		list->kind = ITEM_LEAVE;
}
