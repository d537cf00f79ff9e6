/*
 * An SFTP server with a client and a tree that do what a test says: the client sends packets and
 * looks at replies, the tree notes queries and answers when told to.
 */
#ifndef TESTS_UNIT_SFTP_WORLD_H
#define TESTS_UNIT_SFTP_WORLD_H

#include "core/buf.h"
#include "sshd/sftp/pack.h"
#include "sshd/sftp/protocol.h"
#include "sshd/sftp/sftpd.h"

#define ASKED_MAX 512
#define FOLDER_MODE 040755
#define FILE_MODE 0100600

enum ask { ASK_STAT, ASK_LIST, ASK_OPEN, ASK_READ, ASK_LINK, ASK_REMOVE, ASK_SPACE, ASK_NAMES };

struct asked {
	enum ask what;
	uint32_t query;
	char path[TREE_PATH_MAX];
	bool follow;
	uint64_t from; /* of a list; the offset of a read */
	uint32_t file, len;
};

struct world {
	struct loop *loop;
	struct job_pool *jobs;
	struct tree_ops ops;
	struct sftp_config config;
	struct sftpd *server;
	struct buf sent; /* by the client, not yet taken */

	struct asked asked[ASKED_MAX];
	size_t count;  /* of queries */
	int ask_error; /* what the next queries return */
	size_t closed; /* files */
	struct taken taken;
	char refused[256]; /* "request path" */
	size_t refusals, wakes;
};

struct reply {
	uint8_t type;
	uint32_t id;
	struct unpack in; /* what follows */
	uint8_t packet[SFTPD_PACKET_MAX];
};

/* A server after INIT and VERSION; world_create_fresh: before. */
struct world *world_create(void);
struct world *world_create_fresh(void);
void world_destroy(struct world *w);

/* --- the client --- */

/* Whatever the server wants of it is given at once, the rest when it wants more. */
void client_send(struct world *w, const void *data, size_t len);
void client_packet(struct world *w, uint8_t type, uint32_t id, const void *body, size_t len);
void client_path(struct world *w, uint8_t type, uint32_t id, const char *path);
void client_open(struct world *w, uint32_t id, const char *path, uint32_t flags);
void client_handle(struct world *w, uint8_t type, uint32_t id, uint64_t handle);
void client_read(struct world *w, uint32_t id, uint64_t handle, uint64_t offset, uint32_t len);
/* An extension with one string. */
void client_extended(struct world *w, uint32_t id, const char *name, const void *arg, size_t len);

/* The next reply must be there; or none may be. */
void next_reply(struct world *w, struct reply *r);
void no_reply(struct world *w);
/* The loop turns until there is some output. */
void wait_reply(struct world *w);
void expect_status(struct world *w, uint32_t id, enum sftp_status status);
uint64_t expect_handle(struct world *w, uint32_t id);
/* DATA of so many bytes, which are pattern(offset). */
void expect_data(struct world *w, uint32_t id, uint64_t offset, size_t len);
/* The one path of a NAME. */
void expect_name(struct world *w, uint32_t id, const char *path);
uint8_t pattern(uint64_t offset);

/* --- the tree --- */

/* The last query, or the n-th from the end (0: the last). */
const struct asked *last_asked(struct world *w, size_t n);
void answer_error(struct world *w, const struct asked *q, int error);
void answer_attr(struct world *w, const struct asked *q, uint32_t mode, uint64_t size);
/* Opens a file that the tree reads. */
void answer_open(struct world *w, const struct asked *q, uint64_t size, int fd);
void answer_bytes(struct world *w, const struct asked *q, uint64_t offset, size_t len, bool last);
/* Names of files and, with a slash behind them, folders; NULL ends them. */
void answer_list(
	struct world *w, const struct asked *q, const char *const *names, uint64_t next, bool last);

/* A handle of a file that the tree reads, or of a descriptor. */
uint64_t open_file(struct world *w, uint64_t size, int fd);

/* A descriptor of size bytes, which are pattern(offset). On a file system, unlinked. */
int make_file(uint64_t size);

#endif
