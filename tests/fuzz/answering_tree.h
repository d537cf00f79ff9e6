/*
 * A tree for the fuzz targets of the file servers: it notes queries and answers them in the ways
 * that a byte chooses. It checks what it is asked: paths are absolute and normal.
 */
#ifndef TESTS_FUZZ_ANSWERING_TREE_H
#define TESTS_FUZZ_ANSWERING_TREE_H

#include "sshd/sftp/config.h"

#define FUZZ_QUERYS_MAX 256

enum fuzz_ask { FUZZ_STAT, FUZZ_LIST, FUZZ_OPEN, FUZZ_READ, FUZZ_LINK, FUZZ_OTHER };

struct fuzz_query {
	enum fuzz_ask what;
	uint32_t number, len;
};

struct fuzz_tree {
	struct tree_ops ops;
	struct loop *loop;
	struct job_pool *jobs;
	bool full;
	unsigned files;   /* open */
	unsigned queries; /* not answered */
	struct fuzz_query list[FUZZ_QUERYS_MAX];
};

typedef int (*fuzz_answer_fn)(void *server, uint32_t query, const struct tree_answer *answer);

void fuzz_check(bool good);
/* One tree for all runs: loop and threads are made once. */
struct fuzz_tree *fuzz_tree_begin(void);
/* Answers the first or last query; how says in which way. */
void fuzz_tree_answer(
	struct fuzz_tree *t, bool last, uint8_t how, fuzz_answer_fn answer, void *server);
/* Until no job is under way. */
void fuzz_tree_turn(struct fuzz_tree *t);
/* The servers are gone: no descriptor is left open, and every file was closed. */
void fuzz_tree_end(struct fuzz_tree *t);

#endif
