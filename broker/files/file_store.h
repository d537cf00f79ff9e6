/*
 * What all file sessions share: the threads that look into dump folders, whose dumps are whose,
 * how many files are lent. Owned by the broker.
 */
#ifndef BROKER_FILES_FILE_STORE_H
#define BROKER_FILES_FILE_STORE_H

#include "broker/files/dump_scan.h"
#include "config/config.h"
#include "core/job.h"

struct directory;
struct file_store;
struct hypervisor;
struct loan;
struct location_info;

#define FILE_THREADS 2
#define FILE_QUEUE 4096 /* looks that wait for a thread; each session has one at most */

int file_store_create(struct loop *loop, const char *state_dir, struct file_store **out) MUST_CHECK;
void file_store_destroy(struct file_store **out);

/*
 * One more is lent to this identity: a dump; NULL: what is in no dump folder. 0 with what
 * file_store_returned takes; -ENFILE: too many are; -EDQUOT: to this one; -ENOENT: it is being
 * removed; -ENOMEM.
 */
int file_store_lend(struct file_store *store, const char *identity, const struct dump_file *file,
	struct loan **out) MUST_CHECK;
void file_store_returned(struct file_store *store, struct loan **loan);
bool file_store_is_lent(const struct file_store *store, const struct dump_file *file);

/* It is being removed: nobody gets it meanwhile. 0; -EBUSY: it is lent; -ENOSPC: too many are. */
#define FILE_WITHHELD_MAX 32
int file_store_withhold(struct file_store *store, const struct dump_file *file) MUST_CHECK;
void file_store_release(struct file_store *store, const struct dump_file *file);

/* The hypervisor's events. */
void file_store_link(struct file_store *store, struct directory *d, const struct hypervisor *h);
void file_store_lost(struct file_store *store, const struct hypervisor *h);
void file_store_place(
	struct file_store *store, const struct hypervisor *h, const struct location_info *info);
void file_store_gone(
	struct file_store *store, const struct hypervisor *h, const struct location_info *info);

/*
 * Looks into the dump folders; done is called later, with the list, each file with its guest. The
 * list may be changed, and is gone after the call.
 */
struct file_look;
/* error: 0 or -errno. */
typedef void (*file_looked_fn)(void *arg, int error, struct dump_list *list);
int file_look(struct file_store *store, const struct config *config, file_looked_fn done, void *arg,
	struct file_look **out) MUST_CHECK;

/* Opens one of those that were found; done is called later: a descriptor, the callee's, or -errno.
 */
typedef void (*file_opened_fn)(void *arg, int fd);
int file_open(struct file_store *store, const struct config *config, const struct dump_file *file,
	file_opened_fn done, void *arg, struct file_look **out) MUST_CHECK;

/* Who is told of every look what there is, before the one who asked. NULL: nobody. */
typedef void (*file_watch_fn)(void *arg, const struct dump_list *list);
void file_store_watch(struct file_store *store, file_watch_fn fn, void *arg);

/* Its done will not come. NULL inside is fine. */
void file_look_cancel(struct file_look **look);

#endif
