/*
 * Packing segments with zstd, and reading from the middle of packed ones.
 *
 * Owner: job threads of the journal. May not know offsets of consoles. A packed file may have
 * been changed by anybody who can write the folder: sizes in it are checked before use.
 */
#include "console/journal/segment/journal_pack.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "core/io.h"

#define TABLE_MAGIC 0x184D2A5EU
#define FOOTER_MAGIC 0x8F92EAB1U
#define FOOTER_LEN 9 /* number of frames, descriptor, magic */
#define TABLE_HEAD 8 /* magic, length */
#define ENTRY_LEN 8  /* compressed and content size */
#define ENTRY_SUM 4  /* more, with the checksum flag in the descriptor */
#define SUM_FLAG 0x80

struct frame {
	uint32_t packed, content;
};

struct table {
	struct frame *frames;
	uint32_t count;
};

static void put32(uint8_t *p, uint32_t value)
{
	value = htole32(value);
	memcpy(p, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

/* Reads len bytes at offset, all of them or -EBADMSG. */
static int read_at(int fd, void *buf, size_t len, off_t offset)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		p += n;
		offset += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Packing
 */
struct packer {
	ZSTD_CCtx *zstd;
	int in, out;
	uint8_t *content, *packed;
	size_t room; /* of packed */
	struct table table;
	uint64_t len;
};

/* Packs the next frame. 1 packed, 0 at the end, -errno. */
static int pack_frame(struct packer *p)
{
	size_t have = 0;

	while (have < JOURNAL_PACK_FRAME) {
		ssize_t n = read(p->in, p->content + have, JOURNAL_PACK_FRAME - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	if (!have)
		return 0;
	if (p->table.count == JOURNAL_PACK_FRAMES_MAX)
		return -EFBIG;
	size_t size = ZSTD_compress2(p->zstd, p->packed, p->room, p->content, have);
	if (ZSTD_isError(size))
		return -EIO;
	struct frame *frames =
		reallocarray(p->table.frames, p->table.count + 1, sizeof(*p->table.frames));
	if (!frames)
		return -ENOMEM;
	frames[p->table.count++] = (struct frame){(uint32_t)size, (uint32_t)have};
	p->table.frames = frames;
	p->len += have;
	int r = write_all(p->out, p->packed, size);

	return r < 0 ? r : 1;
}

static int write_table(const struct packer *p)
{
	size_t len = TABLE_HEAD + (size_t)p->table.count * ENTRY_LEN + FOOTER_LEN;
	uint8_t *mem = malloc(len), *at = mem;

	if (!mem)
		return -ENOMEM;
	put32(at, TABLE_MAGIC);
	put32(at + 4, (uint32_t)(len - TABLE_HEAD));
	at += TABLE_HEAD;
	for (uint32_t i = 0; i < p->table.count; i++, at += ENTRY_LEN) {
		put32(at, p->table.frames[i].packed);
		put32(at + 4, p->table.frames[i].content);
	}
	put32(at, p->table.count);
	at[4] = 0;
	put32(at + 5, FOOTER_MAGIC);
	int r = write_all(p->out, mem, len);

	free(mem);
	return r;
}

/* Keeps the time of the last output; brings all to the disk before the original may go. */
static int update(const struct packer *p)
{
	struct stat st;

	if (fstat(p->in, &st) < 0)
		return -errno;
	struct timespec times[2] = {st.st_atim, st.st_mtim};

	if (futimens(p->out, times) < 0 || fsync(p->out) < 0)
		return -errno;
	return 0;
}

static int pack_all(struct packer *p)
{
	int r;

	p->room = ZSTD_compressBound(JOURNAL_PACK_FRAME);
	p->zstd = ZSTD_createCCtx();
	p->content = malloc(JOURNAL_PACK_FRAME);
	p->packed = malloc(p->room);
	if (!p->zstd || !p->content || !p->packed)
		return -ENOMEM;
	if (ZSTD_isError(
		    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, JOURNAL_PACK_LEVEL)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1)))
		return -EIO;
	while ((r = pack_frame(p)) > 0)
		;
	if (!r)
		r = write_table(p);
	if (!r)
		r = update(p);
	return r;
}

int journal_pack(const char *from, const char *to, uint64_t *len)
{
	struct packer p = {.in = -1, .out = -1};
	int r = 0;

	p.in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (p.in < 0)
		return -errno;
	p.out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p.out < 0)
		r = -errno;
	else
		r = pack_all(&p);
	if (r && p.out >= 0)
		unlink(to);
	*len = p.len;
	ZSTD_freeCCtx(p.zstd);
	free(p.content);
	free(p.packed);
	free(p.table.frames);
	fd_close(&p.in);
	fd_close(&p.out);
	return r;
}

/*
 * Unpacking
 */
static int load_table(int fd, struct table *table)
{
	uint8_t footer[FOOTER_LEN], *mem;
	off_t size = lseek(fd, 0, SEEK_END);

	memset(table, 0, sizeof(*table));
	if (size < TABLE_HEAD + FOOTER_LEN)
		return size < 0 ? -errno : -EBADMSG;
	int r = read_at(fd, footer, sizeof(footer), size - FOOTER_LEN);
	if (r < 0)
		return r;
	uint32_t count = get32(footer);
	size_t entry = ENTRY_LEN + (footer[4] & SUM_FLAG ? ENTRY_SUM : 0);
	size_t len = count * entry;

	if (get32(footer + 5) != FOOTER_MAGIC || count > JOURNAL_PACK_FRAMES_MAX ||
		(uint64_t)size < TABLE_HEAD + len + FOOTER_LEN)
		return -EBADMSG;
	mem = malloc(len + 1);
	table->frames = calloc(count + 1, sizeof(*table->frames));
	r = mem && table->frames ? read_at(fd, mem, len, size - FOOTER_LEN - (off_t)len) : -ENOMEM;
	for (uint32_t i = 0; i < count && !r; i++) {
		table->frames[i].packed = get32(mem + i * entry);
		table->frames[i].content = get32(mem + i * entry + 4);
		if (table->frames[i].content > JOURNAL_PACK_FRAME ||
			table->frames[i].packed > ZSTD_compressBound(JOURNAL_PACK_FRAME))
			r = -EBADMSG;
	}
	table->count = r ? 0 : count; /* without memory there are no frames to count */
	free(mem);
	return r;
}

/* Decodes frame at place in the file; returns the bytes from skip on. */
static ssize_t unpack_frame(
	int fd, const struct frame *frame, off_t place, size_t skip, void *buf, size_t room)
{
	uint8_t *packed = malloc(frame->packed + 1), *content = malloc(frame->content + 1);
	ssize_t r = packed && content ? read_at(fd, packed, frame->packed, place) : -ENOMEM;

	if (!r) {
		size_t n = ZSTD_decompress(content, frame->content, packed, frame->packed);

		r = ZSTD_isError(n) || n != frame->content ? -EBADMSG : 0;
	}
	if (!r) {
		r = (ssize_t)(frame->content - skip < room ? frame->content - skip : room);
		memcpy(buf, content + skip, (size_t)r);
	}
	free(packed);
	free(content);
	return r;
}

ssize_t journal_unpack(const char *path, uint64_t at, void *buf, size_t room)
{
	struct table table = {NULL, 0};
	off_t place = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	ssize_t r = load_table(fd, &table);

	for (uint32_t i = 0; i < table.count && !r; i++) {
		const struct frame *frame = &table.frames[i];

		if (at < frame->content) {
			r = unpack_frame(fd, frame, place, (size_t)at, buf, room);
			break;
		}
		at -= frame->content;
		place += frame->packed;
	}
	free(table.frames);
	close(fd);
	return r;
}

int journal_pack_length(const char *path, uint64_t *len)
{
	struct table table = {NULL, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	int r = load_table(fd, &table);

	*len = 0;
	for (uint32_t i = 0; i < table.count; i++)
		*len += table.frames[i].content;
	free(table.frames);
	close(fd);
	return r;
}
