/* A journal with its store in a folder of its own, and readers that check every byte. */
#ifndef JOURNAL_FIXTURE_H
#define JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/types.h>

#include "console/journal/journal.h"
#include "console/journal/journal_store.h"

#define MEMORY JOURNAL_MEMORY_MIN
#define SEGMENT ((uint64_t)32 << 10)
#define DEADLINE_US (200 * LOOP_SECOND)

struct fixture {
	char top[64];
	char dir[160];
	struct journal_limits limits;
	struct loop *loop;
	struct journal_store *store;
	struct journal *j;
	int error_calls, error;
};

struct reading {
	struct journal_reader *reader;
	int woken;
	uint64_t bytes, holes, missing;
	struct journal_hole last_hole;
};

struct listed {
	int calls, error;
	size_t count;
	struct journal_mark last, first;
};

/* For cmocka: a folder, and its end with all that is in it. */
int setup(void **state);
int teardown(void **state);

/* Makes loop, store and journal as f->limits say; ends them. */
void start(struct fixture *f);
void halt(struct fixture *f);
void restart(struct fixture *f);
/* Another journal of the same store. */
void open_at(struct fixture *f, const char *dir, struct journal **j);

/* Runs a command with arg for each of up to three %s; it must succeed. */
void shell(const char *format, const char *arg);

/* Byte i of the endless test output; lines of 16. */
uint8_t pattern(uint64_t i);
void append_pattern(struct journal *j, size_t len);

/* Files in the console's folder whose name ends so. */
int count_files(const struct fixture *f, const char *end);

void on_wake(void *arg);
/* Reads from offset to the end; every byte must be the right one. */
void read_all(struct fixture *f, uint64_t offset, struct reading *r);

/* Asks for the marks of a range. */
void list_marks(struct fixture *f, uint64_t from, uint64_t to, struct listed *l);

/* Takes turns of the loop until a condition holds. */
#define WAIT_UNTIL(f, condition)                                                                   \
	do {                                                                                       \
		uint64_t deadline = loop_now((f)->loop) + DEADLINE_US;                             \
		while (!(condition)) {                                                             \
			assert_true(loop_now((f)->loop) < deadline);                               \
			loop_turn((f)->loop, LOOP_SECOND / 20);                                    \
		}                                                                                  \
	} while (0)

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
