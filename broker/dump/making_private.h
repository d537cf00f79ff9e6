/* What making.c (the list, watchers, words) and making_events.c (one dump's way) share. Nobody else
 * includes it. */
#ifndef BROKER_DUMP_MAKING_PRIVATE_H
#define BROKER_DUMP_MAKING_PRIVATE_H

#include "broker/audit/audit_by.h"
#include "broker/dump/making.h"
#include "broker/dump/partial.h"
#include "broker/keep/keeping.h"
#include "core/job.h"

LIST_HEAD(making_list, making);
LIST_HEAD(making_watch_list, making_watch);

#define MAKING_WORD_MAX 24

struct makings {
	struct loop *loop;
	struct deeds *deeds;
	struct keeping *keeping;
	struct job_pool *pool; /* for the files */
	char *store;
	char word[MAKING_WORD_MAX]; /* of this run */
	struct making_list list;
	struct making_counts counts;
};

enum making_state {
	MAKING_PREPARING, /* its file is being made */
	MAKING_OPENING,   /* the hypervisor is asked how much there is */
	MAKING_ROOM,      /* older dumps are removed for it */
	MAKING_WRITING,   /* the hypervisor writes */
	MAKING_SAVING,    /* what it wrote goes to the disk, and gets its name */
	MAKING_DROPPING,  /* what it wrote is being removed */
};

struct making {
	LIST_ENTRY(making) entry;
	struct makings *makings;
	enum making_state state;
	struct making_watch_list watches;
	struct uuid uuid;
	char uuid_text[UUID_TEXT];
	char *vm_name, *who;
	struct audit_by by;
	struct guest *guest;
	struct hypervisor *hypervisor;
	struct hypervisor_dump *dump;
	struct keeping_request *room; /* ROOM */
	enum hypervisor_dump_format format;
	enum hypervisor_dump_mode mode;
	struct partial partial;
	char file[DUMP_FILE_MAX];
	/* What saving came to: the thread's until it is done. */
	char saved[DUMP_FILE_MAX];
	uint64_t size;
	uint64_t promised; /* bytes of the store that it may still take */
	uint64_t written, total;
	uint64_t begun, write_begun; /* loop time */
	int64_t since;
	char *cancelled_by;
	int error;
	char why[MAKING_WHY_MAX];
};

/* making_events.c */
int making_prepare(struct making *m) MUST_CHECK;
/* Somebody has cancelled it before it is written: no older dump goes for it. */
void making_call_off(struct making *m);

/* making.c: the last word, and its end. */
void making_over(struct making *m);
void making_notify_progress(struct making *m);
void making_notify_cancelled(struct making *m, int error, const char *text);

const char *making_kind(enum hypervisor_dump_format format);

#endif
