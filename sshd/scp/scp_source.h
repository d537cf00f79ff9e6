/* Inside scp's source: for sshd/sftp only. */
#ifndef SSHD_SCP_SCP_SOURCE_H
#define SSHD_SCP_SCP_SOURCE_H

#include <sys/queue.h>

#include "core/buf.h"
#include "sshd/scp/scp.h"
#include "sshd/scp/scp_command.h"
#include "core/file/tree_file.h"

/* What is still to be done, the next thing first. */
enum scp_item_kind {
	ITEM_PATTERN, /* names under path that fit the first part of pattern */
	ITEM_CHECK,   /* whether anything fitted pattern */
	ITEM_PATH,    /* a file or a folder to be sent */
	ITEM_FOLDER,  /* what is in a folder, from a place on */
	ITEM_LEAVE,   /* the end of a folder */
};

struct scp_item {
	SLIST_ENTRY(scp_item) entry;
	enum scp_item_kind kind;
	const char *pattern; /* what is left of it, in the command's memory */
	bool matched;        /* path came of a pattern: it need not exist */
	uint64_t from;       /* where the list goes on */
	char path[];         /* as the client wrote it */
};

enum scp_state {
	SCP_GREETING, /* the client is not ready yet */
	SCP_NEXT,     /* the next item can be begun */
	SCP_LISTS,    /* the tree is asked what is in a folder */
	SCP_OPENS,    /* the tree is asked for a file */
	SCP_TIMES,    /* the client has been told the times */
	SCP_HEAD,     /* and mode, size, name */
	SCP_BODY,     /* bytes are sent */
	SCP_FETCHES,  /* bytes are waited for */
	SCP_TAIL,     /* all of them were sent */
	SCP_LEAVES,   /* the client has been told that a folder ends */
	SCP_ENDED,
};

struct scp {
	struct sftp_config config;
	struct scp_command command;
	enum scp_state state;
	struct buf in, out;
	bool input_ended;
	bool tree_full;
	const char *failure;
	unsigned errors;

	SLIST_HEAD(, scp_item) items;
	unsigned item_count;
	size_t next_word;
	unsigned matches; /* of the word at work */

	/* A job has ended. */
	void (*job_done)(struct scp *c);
	uint32_t query, last_query; /* 0: none */
	struct tree_attr attr;      /* of what is being sent */
	struct tree_file *file;     /* NULL: a folder */
	uint32_t file_number;
	uint64_t sent;
	struct taken taken;
};

/* The files, from the top down: scp.c, scp_send.c, scp_items.c, scp_say.c. */

/* --- scp_say.c --- */

/* A line of trouble, which the client shows; the transfer goes on. */
void scp_complain(struct scp *c, const char *path, const char *why);
void scp_complain_error(struct scp *c, const char *path, int error, const char *reason);
/* The transfer is over. */
void scp_end(struct scp *c, const char *why);
void scp_add(struct scp *c, const void *data, size_t len);
uint32_t scp_query(struct scp *c);
/* After asking: error is what the tree returned. 0: asked, and waits in state then; -EAGAIN: it
 * cannot be asked now; others are for the caller. */
int scp_asked(struct scp *c, int error, enum scp_state then);

/* --- scp_items.c --- */

/* Begins the next item. False: nothing more can be done now. */
bool scp_next(struct scp *c);
void scp_list_answer(struct scp *c, const struct tree_answer *a);
/* The item at work is done. */
void scp_item_done(struct scp *c);
void scp_items_finish(struct scp *c);

/* --- scp_send.c: the item at work is a PATH --- */

void scp_open_answer(struct scp *c, const struct tree_answer *a);
/* The client's reply to what it was told last: it goes on, or it does not want this one. */
void scp_replied(struct scp *c, bool ok);
/* Sends bytes of the file. False: nothing more can be done now. */
bool scp_send(struct scp *c);
void scp_read_answer(struct scp *c, const struct tree_answer *a);
void scp_close(struct scp *c);

#endif
