/*
 * Inside the SFTP server: requests, handles, and the row of each kind of request. For sshd/sftp
 * only.
 *
 * A packet becomes a request. Requests on a handle queue there, and only the first one is at work;
 * requests on paths queue in `paths` until they are begun, and are then independent of each other.
 * A request is begun only when there is room for the longest answer it may get.
 */
#ifndef SSHD_SFTP_SERVER_H
#define SSHD_SFTP_SERVER_H

#include <sys/queue.h>

#include "core/buf.h"
#include "sshd/sftp/longname.h"
#include "sshd/sftp/pack.h"
#include "sshd/sftp/protocol.h"
#include "sshd/sftp/sftpd.h"
#include "core/file/tree_file.h"

#define PACKET_HEAD 9 /* length, type, id */
#define STATUS_TEXT_MAX 256
#define STATUS_MAX (PACKET_HEAD + 4 + 4 + STATUS_TEXT_MAX + 4)
#define DATA_HEAD (PACKET_HEAD + 4)

/* An entry of a folder that waits in its handle: a length, two strings, attributes. */
#define ENTRY_MAX (4 + 4 + TREE_NAME_MAX + 4 + LONGNAME_MAX + SFTP_ATTRS_LENGTH)
#define ENTRIES_MAX                                                                                \
	((size_t)(TREE_LIST_MAX + 3) * ENTRY_MAX) /* with "." and "..", and room to write */

struct request;
struct handle;
TAILQ_HEAD(request_list, request);

enum request_step {
	STEP_DONE,  /* the client has its answer */
	STEP_ASKED, /* an answer will come, of the tree or a job */
	STEP_LATER, /* not now: no room, or the tree takes no query */
};

enum request_subject { ON_NOTHING, ON_PATH, ON_HANDLE };

struct request_row {
	uint8_t type;
	const char *extension; /* of EXTENDED */
	const char *name;
	enum request_subject subject;
	bool writes;    /* refused without a look at the rest */
	bool tilde;     /* "~" is the home */
	uint32_t reply; /* bytes of the longest answer, at least STATUS_MAX */
	/* What follows the subject. NULL: nothing that matters. SFTP_OK or the answer. */
	enum sftp_status (*parse)(struct sftpd *s, struct request *r, struct unpack *in);
	enum request_step (*start)(struct sftpd *s, struct request *r);
	/* The tree's answer. False: further ones will come. */
	bool (*answer)(struct sftpd *s, struct request *r, const struct tree_answer *a);
};

struct request {
	TAILQ_ENTRY(request) entry; /* of its handle's queue, or of paths or asked */
	struct sftpd *server;
	const struct request_row *row;
	struct handle *handle; /* of ON_HANDLE; of OPEN and OPENDIR: the one to be */
	bool begun;
	uint32_t id;
	uint32_t query; /* 0: none asked */
	size_t reply;   /* bytes of the longest answer */
	size_t owed;    /* bytes of output kept free for it: 0 or reply */
	uint64_t offset, length;
	void *ids;   /* of users-groups-by-id, see on_ids.c */
	bool folder; /* the path means a folder */
	char path[]; /* of ON_PATH */
};

enum handle_state {
	HANDLE_OPENING, /* known to no client yet */
	HANDLE_FILE,
	HANDLE_FOLDER,
};

struct handle {
	unsigned slot;
	uint32_t serial; /* tells it from an earlier one in the same slot */
	enum handle_state state;
	bool closing; /* CLOSE is in the queue: nothing more comes into it */
	struct request_list queue;
	struct tree_attr attr; /* as it was at open */
	char *path;

	struct tree_file *file;
	uint32_t file_number; /* the tree's */
	struct taken taken;

	struct buf entries; /* of a folder: those not yet given out, see on_folder.c */
	uint64_t next;      /* where the list goes on */
	bool last;          /* it does not */
};

enum sftpd_state {
	SFTPD_FRESH, /* nothing but INIT may come */
	SFTPD_RUNNING,
	SFTPD_FAILED,
};

struct sftpd {
	struct sftp_config config;
	/* A job of r has ended, and the client has its answer. */
	void (*job_done)(struct request *r);
	enum sftpd_state state;
	const char *failure;
	bool input_ended;

	struct buf in;
	size_t skip; /* bytes of a packet that are not looked at */
	struct buf out;
	size_t owed; /* bytes of output promised to requests that were begun */

	unsigned requests;         /* all there are */
	struct request_list paths; /* not begun */
	struct request_list asked; /* begun, on no handle */
	uint32_t last_query;
	bool tree_full; /* took no query */
	unsigned jobs;

	struct handle *handles[SFTPD_HANDLES_MAX];
	uint32_t last_serial;
	unsigned turn; /* the slot that comes first next time */
};

/* The files, from the top down: sftpd.c, request.c, rows.c, on_*.c, query.c, handle.c, reply.c.
 */

/* --- request.c --- */

/* One whole packet behind its length. */
void request_take(struct sftpd *s, const uint8_t *packet, size_t len);
/* A packet too long to be looked at. */
void request_refuse_long(struct sftpd *s, uint8_t type, uint32_t id);

/* Begins what waits. */
void request_run_paths(struct sftpd *s);
void request_run_handle(struct sftpd *s, struct handle *h);

/* The client has its answer. */
void request_finish(struct sftpd *s, struct request *r);
struct request *request_find(struct sftpd *s, uint32_t query);
void request_free(struct sftpd *s, struct request *r);

/* --- rows.c --- */

/* NULL: no such request. */
const struct request_row *row_of_type(uint8_t type);
const struct request_row *row_of_extension(const uint8_t *name, size_t len);
/* The extensions that VERSION tells of. */
void row_pack_extensions(struct pack *p);

/* --- on_path.c --- */

enum request_step stat_start(struct sftpd *s, struct request *r);
enum request_step lstat_start(struct sftpd *s, struct request *r);
bool stat_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum request_step realpath_start(struct sftpd *s, struct request *r);
enum request_step readlink_start(struct sftpd *s, struct request *r);
bool readlink_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum sftp_status remove_parse(struct sftpd *s, struct request *r, struct unpack *in);
enum request_step remove_start(struct sftpd *s, struct request *r);
bool remove_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum request_step statvfs_start(struct sftpd *s, struct request *r);
bool statvfs_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);

/* --- on_file.c --- */

enum sftp_status open_parse(struct sftpd *s, struct request *r, struct unpack *in);
enum request_step open_start(struct sftpd *s, struct request *r);
bool open_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum sftp_status read_parse(struct sftpd *s, struct request *r, struct unpack *in);
enum request_step read_start(struct sftpd *s, struct request *r);
bool read_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum request_step fstat_start(struct sftpd *s, struct request *r);
enum request_step fstatvfs_start(struct sftpd *s, struct request *r);
enum request_step close_start(struct sftpd *s, struct request *r);

/* --- on_ranges.c --- */

enum sftp_status ranges_parse(struct sftpd *s, struct request *r, struct unpack *in);
enum request_step ranges_start(struct sftpd *s, struct request *r);

/* --- on_folder.c --- */

enum request_step opendir_start(struct sftpd *s, struct request *r);
bool opendir_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);
enum request_step readdir_start(struct sftpd *s, struct request *r);
bool readdir_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);

/* --- on_ids.c --- */

enum sftp_status ids_parse(struct sftpd *s, struct request *r, struct unpack *in);
enum request_step ids_start(struct sftpd *s, struct request *r);
bool ids_answer(struct sftpd *s, struct request *r, const struct tree_answer *a);

/* --- query.c --- */

/* A new query's number, noted in r. */
uint32_t query_next(struct sftpd *s, struct request *r);
/* After asking: what an operation of the tree returned. A refusal is told to the client. */
enum request_step query_asked(struct sftpd *s, struct request *r, int error);
/* One query with r's path. */
enum request_step query_ask(struct sftpd *s, struct request *r, tree_ask_fn ask);

/* --- handle.c --- */

/* NULL: no room. */
struct handle *handle_create(struct sftpd *s, const char *path);
struct handle *handle_find(struct sftpd *s, const uint8_t *name, size_t len);
/* Its requests are gone already. Tells the tree. */
void handle_destroy(struct sftpd *s, struct handle *h);

/* --- reply.c: all of them fit, since room was kept --- */

/* The client breaks the rules: nothing is said any more. */
void reply_fail(struct sftpd *s, const char *why);

/* Writes the head of a reply of at most max bytes. reply_end gives it its length. */
struct pack reply_begin(struct sftpd *s, size_t max, uint8_t type, uint32_t id);
void reply_end(struct sftpd *s, const struct pack *p);

void reply_status(struct sftpd *s, uint32_t id, enum sftp_status status, const char *text);
/* error is -errno; reason, if any, is what the client is told. */
void reply_error(struct sftpd *s, uint32_t id, int error, const char *reason);
void reply_attrs(struct sftpd *s, uint32_t id, const struct tree_attr *attr);
void reply_handle(struct sftpd *s, uint32_t id, const struct handle *h);
void reply_data(struct sftpd *s, uint32_t id, const uint8_t *data, size_t len);
/* One name without attributes. */
void reply_path(struct sftpd *s, uint32_t id, const char *path, size_t len);
/* NULL: there is no room at all. */
void reply_space(struct sftpd *s, uint32_t id, const struct tree_space *space);
void pack_attrs(struct pack *p, const struct tree_attr *attr);

#endif
