/*
 * The line that has a shell run a command between two marks, and what comes back for it: the
 * command's output and its exit status. Pure.
 *
 * A mark is a line that no echo of what is typed holds, with a number nobody could know before. It
 * is printed more than once, for the kernel may write a message of its own into the middle of any
 * line. A status counts only from a whole mark; where there is none, there is no status.
 */
#ifndef BROKER_SCRIPT_RUN_MARKS_H
#define BROKER_SCRIPT_RUN_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_ID_LEN 16
#define RUN_LINE_MAX 4095 /* bytes that a terminal line of Linux takes (N_TTY_BUF_SIZE) */
#define RUN_MARK_MAX 64   /* bytes of a mark with the end of its line */

enum run_state {
	RUN_BEFORE, /* the first mark has not been seen: echo, prompts */
	RUN_BEGINS, /* the first of the two marks has */
	RUN_INSIDE, /* what comes is the command's output */
	RUN_TORN,   /* a mark of the end is broken; what comes is no output */
	RUN_ENDED,
};

struct run_marks {
	enum run_state state;
	char id[RUN_ID_LEN + 1];
	int status; /* ENDED: of the command, 0 to 255 */

	/* BEFORE, BEGINS: the end of the present line; how much of a torn mark has been seen */
	char line[RUN_MARK_MAX];
	size_t line_len, healed;
	bool line_cut;
	/* INSIDE, TORN: bytes that may be a mark */
	char held[RUN_MARK_MAX];
	size_t held_len;
};

/* id: hexadecimal digits. */
void run_marks_init(struct run_marks *m, const char id[RUN_ID_LEN + 1]);

/*
 * What is typed to run command, without Enter. 0; -EILSEQ: *at is a control character, which a
 * terminal would take for a key; -E2BIG: the line would be longer than RUN_LINE_MAX.
 */
int run_marks_line(const struct run_marks *m, const char *command, char out[RUN_LINE_MAX + 1],
	size_t *at) __attribute__((warn_unused_result));

/* The guest's output in[0..len): writes what is the command's to out, which has room for len +
 * RUN_MARK_MAX bytes, with LF for CR LF. Returns how much that is. */
size_t run_marks_take(struct run_marks *m, const uint8_t *in, size_t len, uint8_t *out);

#endif
