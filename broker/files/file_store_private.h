/* What file_store.c and file_look.c share. Nobody else includes it. */
#ifndef BROKER_FILES_FILE_STORE_PRIVATE_H
#define BROKER_FILES_FILE_STORE_PRIVATE_H

#include "broker/files/file_store.h"
#include "broker/files/lives.h"
#include "core/shares.h"

struct file_store {
	struct job_pool *pool;
	struct lives *lives;
	unsigned lent;
	struct share_list shares; /* of who has them */
};

#endif
