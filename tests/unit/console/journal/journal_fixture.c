/* Task: what the tests of the journal on disk share. */
#include "journal_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_error(void *arg, int error)
{
	struct fixture *f = arg;

	f->error_calls++;
	f->error = error;
}

static void open_store(struct fixture *f)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/journal", f->top);
	assert_int_equal(journal_store_create(f->loop, dir, &f->limits, &f->store), 0);
}

void open_at(struct fixture *f, const char *dir, struct journal **j)
{
	struct journal_options o = {.memory = MEMORY,
		.dir = dir,
		.store = f->store,
		.record = 1,
		.on_error = on_error,
		.arg = f};

	assert_int_equal(journal_create(&o, j), 0);
}

void start(struct fixture *f)
{
	f->loop = loop_create();
	assert_non_null(f->loop);
	open_store(f);
	open_at(f, f->dir, &f->j);
}

void halt(struct fixture *f)
{
	journal_destroy(&f->j);
	journal_store_destroy(&f->store, DEADLINE_US);
	if (f->loop)
		loop_destroy(f->loop);
	f->loop = NULL;
}

void restart(struct fixture *f)
{
	halt(f);
	start(f);
}

int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/test_journal_disk.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	snprintf(f->dir, sizeof(f->dir), "%s/journal/vm/serial:0", f->top);
	f->limits.segment_bytes = SEGMENT;
	*state = f;
	return 0;
}

void shell(const char *format, const char *arg)
{
	char cmd[1024];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(cmd, sizeof(cmd), format, arg, arg, arg);
#pragma GCC diagnostic pop
	assert_int_equal(system(cmd), 0);
}

int teardown(void **state)
{
	struct fixture *f = *state;

	halt(f);
	shell("rm -rf %s", f->top);
	free(f);
	return 0;
}

uint8_t pattern(uint64_t i)
{
	return i % 16 == 15 ? '\n' : (uint8_t)('a' + (i / 16 * 7 + i + (i >> 12)) % 26);
}

void append_pattern(struct journal *j, size_t len)
{
	uint64_t at = journal_next(j);
	uint8_t *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = pattern(at + i);
	journal_append(j, p, len);
	free(p);
}

int count_files(const struct fixture *f, const char *end)
{
	const struct dirent *entry;
	int n = 0;
	DIR *d = opendir(f->dir);

	if (!d)
		return 0;
	while ((entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		n += len > strlen(end) && strcmp(entry->d_name + len - strlen(end), end) == 0;
	}
	closedir(d);
	return n;
}

void on_wake(void *arg)
{
	struct reading *r = arg;

	r->woken++;
}

void read_all(struct fixture *f, uint64_t offset, struct reading *r)
{
	struct journal_hole hole;
	const uint8_t *p;
	size_t len;

	memset(r, 0, sizeof(*r));
	assert_int_equal(journal_reader_create(f->j, offset, on_wake, r, &r->reader), 0);
	for (;;) {
		uint64_t at = journal_reader_offset(r->reader);
		int result = journal_reader_next(r->reader, &p, &len, &hole);

		if (result == -ENODATA)
			break;
		if (result == -EAGAIN) {
			WAIT_UNTIL(f, r->woken > 0);
			r->woken = 0;
		} else if (result == -ERANGE) {
			assert_true(hole.from == at && hole.to > at);
			r->holes++;
			r->missing += hole.to - hole.from;
			r->last_hole = hole;
			assert_int_equal(journal_reader_seek(r->reader, hole.to), 0);
		} else {
			assert_int_equal(result, 0);
			assert_true(len > 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(p[i], pattern(at + i));
			r->bytes += len;
			journal_reader_consume(r->reader, len);
		}
	}
	assert_true(journal_reader_offset(r->reader) == journal_next(f->j));
	journal_reader_destroy(&r->reader);
}

static void on_listed(void *arg, int error, const struct journal_mark *marks, size_t count)
{
	struct listed *l = arg;

	l->calls++;
	l->error = error;
	l->count = count;
	if (count) {
		l->first = marks[0];
		l->last = marks[count - 1];
	}
}

void list_marks(struct fixture *f, uint64_t from, uint64_t to, struct listed *l)
{
	struct journal_query *query;

	memset(l, 0, sizeof(*l));
	assert_int_equal(journal_list_marks(f->j, from, to, on_listed, l, &query), 0);
	WAIT_UNTIL(f, l->calls);
	assert_int_equal(l->calls, 1);
	assert_int_equal(l->error, 0);
}
