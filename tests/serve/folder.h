/*
 * A tree (sshd/sftp/tree.h) over a real folder, for tests. Answers come after the loop's turn.
 */
#ifndef TESTS_SERVE_FOLDER_H
#define TESTS_SERVE_FOLDER_H

#include "core/loop.h"
#include "sshd/sftp/tree.h"

struct folder;

/* Brings an answer to whoever asked. As sftpd_answer. */
typedef int (*folder_answer_fn)(void *arg, uint32_t question, const struct tree_answer *answer);

struct folder_options {
	const char *root;
	bool removes; /* removal is allowed */
	bool reads;   /* files have no descriptor: their bytes are asked for */
	bool talks;   /* tells on standard error what was refused and what was taken */
};

/* NULL and errno. */
struct folder *folder_create(struct loop *loop, const struct folder_options *options,
	folder_answer_fn answer, void *arg);
/* Nobody is there any more to be answered. The folder has to outlive the loop. */
void folder_silence(struct folder *folder);
void folder_destroy(struct folder **folder);

/* Its argument is the folder. Without remove, if that is not allowed. */
const struct tree_ops *folder_ops(const struct folder *folder);

#endif
