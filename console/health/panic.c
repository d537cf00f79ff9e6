/* Task: see panic.h. Owner: the directory. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "console/health/panic.h"

_Static_assert(PANIC_TEXTS_MAX *PANIC_TEXT_MAX < UINT16_MAX, "a state is a uint16_t");

/* A state is the longest beginning of a text that the output ends with now; 0 is none. */
struct panic_texts {
	unsigned classes; /* of bytes: those in no text are all in class 0 */
	uint8_t class_of[256];
	bool begins[256]; /* a text begins with it */
	unsigned states;
	uint16_t *next; /* [state][class] */
	uint16_t *fail; /* the next shorter beginning; while it is made */
	uint8_t *found; /* [state]: 0, or the number of the text that ends here, from 1 */
	unsigned count;
	char *names[PANIC_TEXTS_MAX];
};

static uint16_t *cell(const struct panic_texts *p, unsigned state, uint8_t byte)
{
	return &p->next[(size_t)state * p->classes + p->class_of[byte]];
}

/* --- making --- */

static int take_names(struct panic_texts *p, const struct config_list *texts)
{
	size_t i;

	for (i = 0; i < texts->count && p->count < PANIC_TEXTS_MAX; i++) {
		if (!*texts->items[i])
			continue;
		p->names[p->count] = strndup(texts->items[i], PANIC_TEXT_MAX);
		if (!p->names[p->count])
			return -ENOMEM;
		p->count++;
	}
	return 0;
}

/* The alphabet, and room for as many states as there are bytes. */
static int make_room(struct panic_texts *p)
{
	size_t bytes = 1;
	unsigned i;

	p->classes = 1;
	for (i = 0; i < p->count; i++) {
		const uint8_t *at = (const uint8_t *)p->names[i];

		p->begins[*at] = true;
		bytes += strlen(p->names[i]);
		for (; *at; at++)
			if (!p->class_of[*at])
				p->class_of[*at] = (uint8_t)p->classes++;
	}
	p->next = calloc(bytes * p->classes, sizeof(*p->next));
	p->fail = calloc(bytes, sizeof(*p->fail));
	p->found = calloc(bytes, sizeof(*p->found));
	return p->next && p->fail && p->found ? 0 : -ENOMEM;
}

static void add(struct panic_texts *p, unsigned number)
{
	const uint8_t *at = (const uint8_t *)p->names[number];
	unsigned state = 0;

	for (; *at; at++) {
		uint16_t *to = cell(p, state, *at);

		if (!*to)
			*to = (uint16_t)p->states++;
		state = *to;
	}
	if (!p->found[state])
		p->found[state] = (uint8_t)(number + 1);
}

/* Where there is no way on, the way of the next shorter beginning is taken. In the order of their
 * lengths, so that shorter ones are complete. */
static int connect_states(struct panic_texts *p)
{
	uint16_t *queue = calloc(p->states, sizeof(*queue));
	unsigned head = 0, tail = 0, class;

	if (!queue)
		return -ENOMEM;
	for (class = 1; class < p->classes; class ++)
		if (p->next[class])
			queue[tail++] = p->next[class];
	while (head < tail) {
		unsigned state = queue[head++];
		uint16_t *row = &p->next[(size_t)state * p->classes];
		const uint16_t *shorter = &p->next[(size_t)p->fail[state] * p->classes];

		if (!p->found[state])
			p->found[state] = p->found[p->fail[state]];
		for (class = 1; class < p->classes; class ++) {
			if (row[class]) {
				p->fail[row[class]] = shorter[class];
				queue[tail++] = row[class];
			} else {
				row[class] = shorter[class];
			}
		}
	}
	free(queue);
	free(p->fail);
	p->fail = NULL;
	return 0;
}

int panic_create(const struct config_list *texts, struct panic_texts **out)
{
	struct panic_texts *p = calloc(1, sizeof(*p));
	unsigned i;
	int r;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	r = take_names(p, texts);
	if (r == 0 && p->count == 0) {
		free(p);
		return 0;
	}
	if (r == 0)
		r = make_room(p);
	if (r == 0) {
		p->states = 1;
		for (i = 0; i < p->count; i++)
			add(p, i);
		r = connect_states(p);
	}
	if (r < 0)
		panic_destroy(&p);
	*out = p;
	return r;
}

void panic_destroy(struct panic_texts **texts)
{
	struct panic_texts *p = *texts;
	unsigned i;

	*texts = NULL;
	if (!p)
		return;
	for (i = 0; i < p->count; i++)
		free(p->names[i]);
	free(p->next);
	free(p->fail);
	free(p->found);
	free(p);
}

/* --- looking --- */

size_t panic_scan(const struct panic_texts *texts, uint16_t *state, const uint8_t *data, size_t len,
	const char **which)
{
	unsigned s = *state < texts->states ? *state : 0;
	size_t i = 0;

	*which = NULL;
	while (i < len) {
		if (s == 0) {
			while (i < len && !texts->begins[data[i]])
				i++;
			if (i == len)
				break;
		}
		s = *cell(texts, s, data[i++]);
		if (texts->found[s]) {
			*which = texts->names[texts->found[s] - 1];
			break;
		}
	}
	*state = (uint16_t)s;
	return i;
}
