/* What file_store.c and file_look.c share. Nobody else includes it. */
#ifndef BROKER_FILES_FILE_STORE_PRIVATE_H
#define BROKER_FILES_FILE_STORE_PRIVATE_H

#include "broker/files/file_store.h"
#include "broker/files/lives.h"
#include "core/shares.h"

struct file_id {
	uint64_t dev, ino;
};

LIST_HEAD(loan_list, loan);

struct file_store {
	struct job_pool *pool;
	struct lives *lives;
	file_watch_fn watch;
	void *watch_arg;
	unsigned lent;
	struct loan_list loans;
	struct file_id withheld[FILE_WITHHELD_MAX];
	size_t withheld_count;
	struct share_list shares; /* of who has them */
};

#endif
