/*
 * What the parts of a file session share: file_session.c (life, what is lent, the audit),
 * file_spot.c (what a path means), file_answer.c (queries on paths), file_pull.c (reading
 * console.log). Nobody else includes it.
 */
#ifndef BROKER_SERVE_FILE_PRIVATE_H
#define BROKER_SERVE_FILE_PRIVATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "broker/channel/channel.h"
#include "broker/files/file_store.h"
#include "broker/login/login.h"
#include "broker/serve/file_session.h"
#include "wire/line.h"

struct broker_context;
struct console;
struct guest;
struct journal_reader;
struct keeping_request;

/* --- what a path means --- */

enum spot_kind {
	SPOT_HOST,  /* "/" of a login to the host: a folder for each VM */
	SPOT_VM,    /* "/" of a VM, or its folder */
	SPOT_LOG,   /* console.log */
	SPOT_DUMPS, /* dumps; without a guest: those that are nobody's */
	SPOT_DUMP,  /* a file in it */
};

struct spot {
	enum spot_kind kind;
	struct guest *guest;          /* NULL: the host */
	char name[WIRE_NAME_MAX + 1]; /* SPOT_DUMP */
};

struct file_session;

/* 0; -ENOENT: there is nothing that this login could see. The rights on a spot are asked for when
 * it is answered. */
int spot_find(
	const struct file_session *s, const char *path, size_t len, struct spot *out) MUST_CHECK;
/* 0; -EACCES and why in words: for the question at hand, in s->spot. */
int spot_may(const struct file_session *s, char why[WIRE_REASON_MAX]) MUST_CHECK;
/* The right that reading a file there needs. */
unsigned spot_right(const struct spot *spot);
/* NULL: it has no console. */
struct console *spot_console(const struct file_session *s, const struct spot *spot);
/* Whether a login may see anything of the guest's files. */
bool spot_guest_shown(const struct login *login, const struct guest *g);
/* What the folder of the guest is called. before, after: its neighbours in a list by name. */
const char *spot_folder(
	const struct guest *g, const struct guest *before, const struct guest *after);

/* --- lent files --- */

struct lent {
	LIST_ENTRY(lent) entry;
	uint32_t file; /* the query that opened it */
	struct guest *guest;
	unsigned right;
	char path[2 * (WIRE_NAME_MAX + 1)]; /* for the audit */
	uint64_t size, since;
	struct dump_file dump; /* its name is "": it is none */
	struct loan *loan;     /* of the files that this identity has */
	/* of console.log */
	uint64_t base; /* the offset of its first byte */
	struct journal_reader *reader;
};
LIST_HEAD(lent_list, lent);

enum file_state {
	FILE_IDLE,    /* waits for a query */
	FILE_LOOKING, /* a thread looks, opens or removes */
	FILE_PULLING, /* console.log is being read */
	FILE_TELLING, /* an answer waits for the line */
	FILE_OVER,    /* the last word is said */
};

struct file_session {
	struct channel *channel;
	struct login *login;
	const struct broker_context *context;
	struct guest *guest; /* NULL: the host */
	char *device;        /* of the login name; NULL: the main one */
	unsigned client;     /* enum wire_client */
	enum file_state state;
	struct lent_list lent;
	unsigned lent_count, refusals;

	/* The query at hand. */
	enum wire_type type;
	uint32_t query;
	uint64_t from; /* LIST */
	struct spot spot;
	char path[WIRE_PATH_MAX + 1];
	struct dump_file dump; /* LEND, REMOVE: the one that it is about */
	struct file_look *look;
	struct keeping_request *removal;
	struct wire_pull pull;
	struct lent *pulled;

	/* TELLING */
	enum wire_type answer;
	unsigned char fixed[64];
	unsigned char *payload;
	size_t payload_len;
	int fd;
};

/* file_session.c */

/* Answers the query. Takes the descriptor over; -1: none. */
void file_notify(struct file_session *s, enum wire_type type, const void *fixed, size_t fixed_len,
	const void *payload, size_t len, int fd);
/* error is -errno; why may be NULL or "". attr: of a folder that was to be opened, or NULL. */
void file_fault(
	struct file_session *s, int error, const char *why, const struct wire_attributes *attr);
/* dump: NULL for what is in no dump folder. 0 with *out; -ENOENT; -EMFILE and why. */
int file_lend(struct file_session *s, const char *name, const struct dump_file *dump, uint64_t size,
	struct lent **out, const char **why) MUST_CHECK;
struct lent *file_lent(const struct file_session *s, uint32_t file);

/* file_answer.c: STAT, LIST, LEND and REMOVE; the query is in s. */
void file_ask(struct file_session *s);

/* file_pull.c */
void file_pull(struct file_session *s, const struct wire_pull *pull);
void file_pull_on(void *arg); /* there is more, or there is room */

#endif
