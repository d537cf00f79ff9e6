/* What files.c (bytes) and files_tree.c (queries) share. Nobody else includes it. */
#ifndef SSHD_FILES_PRIVATE_H
#define SSHD_FILES_PRIVATE_H

#include "core/buf.h"
#include "sshd/channel.h"
#include "sshd/files.h"
#include "sshd/files_server.h"

struct files {
	struct channel *channel;
	const struct files_server *kind;
	void *server;
	char *command;            /* NULL: SFTP */
	struct loop_timer *again; /* there is more to give, and nothing that would wake us */
	struct buf given;         /* GIVEN that the line has not taken yet */
	bool begun;               /* the server was told that the tree can be asked */
	bool full;                /* the line took no more; EPOLLOUT ends it */
	bool done;                /* DONE was said */
};

#define FILES_GIVEN_SIZE                                                                           \
	(sizeof(struct wire_given) + WIRE_RANGES_MAX * sizeof(struct wire_range)) /* of one */

extern const struct tree_ops files_tree;

/* An answer of the broker for the server. */
void files_answer(struct files *f, struct line_message *m);
/* GIVEN that waited. */
void files_flush_given(struct files *f);

#endif
