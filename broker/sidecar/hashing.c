/* Task: see hashing.h. Owner: the sidecars. */
#include <errno.h>
#include <linux/ioprio.h>
#include <openssl/evp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/sidecar/hashing.h"
#include "core/io.h"
#include "core/text/hex.h"

#define PIECE ((size_t)128 << 10) /* bytes that are read at once */

_Static_assert(PIECE >= DUMP_HEAD_MAX, "the first piece holds the head");

struct hashing {
	struct loop *loop;
	struct job_pool *pool;
	struct loop_timer *timer;
	struct dump_file file;
	/* The thread's while it works. */
	int fd;
	EVP_MD_CTX *sum;
	uint64_t at;
	uint8_t piece[PIECE];
	struct hashed result;
	int error;

	uint64_t begun; /* loop time of the turn */
	bool works;
	hashed_fn done; /* NULL: cancelled */
	void *arg;
};

static void hashing_free(struct hashing *h)
{
	loop_timer_del(&h->timer);
	EVP_MD_CTX_free(h->sum);
	fd_close(&h->fd);
	loop_defer(h->loop, free, h);
}

/* --- in the thread --- */

/* Where it may not, it works as others do, and rests all the same. */
static void become_idle(void)
{
	const struct sched_param none = {0};

	(void)!sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(
		SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static bool is_same(const struct hashing *h)
{
	struct stat st;

	return fstat(h->fd, &st) == 0 && dump_is_same(&h->file, &st);
}

/* One piece. 0, -errno. */
static int add_piece(struct hashing *h)
{
	uint64_t left = h->file.size - h->at;
	ssize_t n = pread(h->fd, h->piece, left < PIECE ? (size_t)left : PIECE, (off_t)h->at);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ESTALE;
	if (h->at == 0)
		dump_head_read(h->piece, (size_t)n, &h->result.head);
	h->at += (uint64_t)n;
	return EVP_DigestUpdate(h->sum, h->piece, (size_t)n) == 1 ? 0 : -ENOMEM;
}

static int finish_sum(struct hashing *h)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (EVP_DigestFinal_ex(h->sum, digest, &len) != 1 || 2 * len >= HASHING_TEXT_MAX)
		return -ENOMEM;
	hex_text(digest, len, h->result.sha256);
	return 0;
}

static void work(void *arg)
{
	struct hashing *h = arg;
	uint64_t end = h->file.size - h->at < HASHING_TURN ? h->file.size : h->at + HASHING_TURN;

	become_idle();
	while (!h->error && h->at < end)
		h->error = add_piece(h);
	if (!h->error && !is_same(h))
		h->error = -ESTALE;
	if (!h->error && h->at == h->file.size)
		h->error = finish_sum(h);
}

/* --- on the loop --- */

static void turn_done(void *arg);

static void on_timer(void *arg)
{
	struct hashing *h = arg;

	h->begun = loop_now(h->loop);
	h->works = true;
	if (job_submit(h->pool, work, turn_done, h) == 0)
		return;
	h->error = -EAGAIN;
	turn_done(h);
}

static void turn_done(void *arg)
{
	struct hashing *h = arg;

	h->works = false;
	if (job_cancelled(h->pool))
		h->error = -ECANCELED;
	if (h->done && !h->error && !*h->result.sha256) {
		loop_timer_set(h->timer, HASHING_REST * (loop_now(h->loop) - h->begun), 0);
		return;
	}
	if (h->done)
		h->done(h->arg, h->error, &h->result);
	hashing_free(h);
}

int hashing_begin(struct loop *loop, struct job_pool *pool, int fd, const struct dump_file *file,
	hashed_fn done, void *arg, struct hashing **out)
{
	struct hashing *h = calloc(1, sizeof(*h));

	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	h->loop = loop;
	h->pool = pool;
	h->file = *file;
	h->fd = fd;
	h->done = done;
	h->arg = arg;
	h->sum = EVP_MD_CTX_new();
	if (!h->sum || EVP_DigestInit_ex(h->sum, EVP_sha256(), NULL) != 1 ||
		loop_timer_add(loop, &h->timer, on_timer, h) < 0) {
		hashing_free(h);
		return -ENOMEM;
	}
	loop_timer_set(h->timer, 0, 0);
	*out = h;
	return 0;
}

void hashing_cancel(struct hashing **hashing)
{
	struct hashing *h = *hashing;

	*hashing = NULL;
	if (!h)
		return;
	h->done = NULL;
	if (!h->works)
		hashing_free(h);
}
