/*
 * What a client sends into a session: a command to split, and bytes to look through for the escape
 * key. Words never exceed what was given; the escape scan invents no byte, and finds the same
 * however the input is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "core/text/tokenize.h"
#include "vt/escape_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split(const uint8_t *data, size_t size)
{
	struct tokens w;
	size_t i, total = 0;

	if (tokenize((const char *)data, size, &w) < 0)
		return;
	for (i = 0; i < w.count; i++)
		total += strlen(w.list[i]);
	if (w.count > TOKENS_MAX || total > size)
		abort();
	tokens_finish(&w);
}

/* All that is found, in order: the step and the byte. */
struct trace {
	uint8_t *list;
	size_t count;
};

static void add(struct trace *t, enum escape_step step, uint8_t byte)
{
	t->list[t->count++] = (uint8_t)step;
	t->list[t->count++] = byte;
}

static void act(const struct escape_found *f, size_t n, struct trace *t)
{
	if (f->step == ESCAPE_COMMAND)
		add(t, f->step, f->key);
	for (size_t i = 0; i < n; i++)
		add(t, f->step, f->bytes[i]);
}

static void scan(const uint8_t *data, size_t size, size_t piece, size_t room, struct trace *t)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f;
	size_t done = 0, end = 0, given = 0;

	while (end < size) {
		end = size - end < piece ? size : end + piece;
		do {
			f = escape_scan(&e, data + done, end - done);
			size_t n = f.count < room ? f.count : room;

			act(&f, n, t);
			given += n;
			done += escape_done(&e, &f, n);
			if (done > end || given > done)
				abort();
		} while (f.step != ESCAPE_MORE || done < end);
	}
	f = escape_give_up(&e);
	act(&f, f.count, t);
	if (escape_done(&e, &f, f.count) || given + f.count > size)
		abort();
}

static void scan_in_pieces(const uint8_t *data, size_t size, size_t piece, size_t room)
{
	struct trace whole = {malloc(2 * size + 2), 0}, cut = {malloc(2 * size + 2), 0};

	if (!whole.list || !cut.list)
		abort();
	scan(data, size, size ? size : 1, SIZE_MAX, &whole);
	scan(data, size, piece, room, &cut);
	if (whole.count != cut.count || memcmp(whole.list, cut.list, cut.count) != 0)
		abort();
	free(whole.list);
	free(cut.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	split(data + 1, size - 1);
	scan_in_pieces(data + 1, size - 1, 1 + data[0] % 16, 1 + data[0] / 16);
	return 0;
}
