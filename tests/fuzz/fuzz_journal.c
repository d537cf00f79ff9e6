/* A journal's files as somebody else has left them: index lines, packed files, whole folders. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/journal/segment/journal_index.h"
#include "console/journal/segment/journal_pack.h"
#include "console/journal/segment/journal_reserve.h"
#include "console/journal/segment/journal_segment.h"
#include "console/journal/segment/journal_tool.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

static char folder[] = "/tmp/fuzz_journal.XXXXXX";

static void remove_files(void)
{
	const struct dirent *entry;
	DIR *d = opendir(folder);

	CHECK(d);
	while ((entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
}

static void remove_folder(void)
{
	remove_files();
	rmdir(folder);
}

static void put_file(const char *name, const uint8_t *data, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* What is understood is written again in the same words. */
static void fuzz_line(const uint8_t *data, size_t len)
{
	struct journal_index_entry a, b;
	char line[JOURNAL_INDEX_LINE_MAX], again[JOURNAL_INDEX_LINE_MAX];

	if (journal_index_parse((const char *)data, len, &a) < 0)
		return;
	size_t n = journal_index_write(&a, line);

	CHECK(n > 0 && n < sizeof(line) && line[n - 1] == '\n' && !memchr(line, '\n', n - 1));
	CHECK(journal_index_parse(line, n - 1, &b) == 0);
	CHECK(journal_index_write(&b, again) == n && !memcmp(line, again, n));
}

static void fuzz_packed(const uint8_t *data, size_t len)
{
	static uint8_t mem[JOURNAL_PACK_FRAME];
	char path[256];
	uint64_t content, at = 0;

	put_file("x", data, len);
	snprintf(path, sizeof(path), "%s/x", folder);
	if (journal_pack_length(path, &content) < 0)
		return;
	while (at < content) {
		ssize_t n = journal_unpack(path, at, mem, sizeof(mem));

		CHECK(n <= (ssize_t)sizeof(mem));
		if (n <= 0)
			return;
		at += (uint64_t)n;
	}
	CHECK(at == content && journal_unpack(path, at, mem, sizeof(mem)) == 0);
}

/* Packing and unpacking gives the same. */
static void fuzz_pack(const uint8_t *data, size_t len)
{
	static uint8_t mem[JOURNAL_PACK_FRAME];
	char from[256], to[256];
	uint64_t content;

	put_file("x", data, len);
	snprintf(from, sizeof(from), "%s/x", folder);
	snprintf(to, sizeof(to), "%s/y", folder);
	CHECK(journal_pack(from, to, &content) == 0 && content == len);
	CHECK(journal_pack_length(to, &content) == 0 && content == len);
	for (size_t at = 0; at < len;) {
		ssize_t n = journal_unpack(to, at, mem, sizeof(mem));

		CHECK(n > 0 && !memcmp(mem, data + at, (size_t)n));
		at += (size_t)n;
	}
}

/* Makes files of the input: kind, first, end, length, bytes. */
static void make_files(const uint8_t *data, size_t len)
{
	static const char *const formats[] = {
		"%020u.log", "%020u.idx", "%020u-%020u.zst", "offset", "%020u.new", "%u-%u.zst"};

	for (int i = 0; i < 16 && len > 5; i++) {
		unsigned kind = data[0] % 6, start = data[1] * 16U, end = start + data[2] * 16U;
		size_t n = data[3] | (size_t)data[4] << 8;
		char name[64];

		data += 5;
		len -= 5;
		n = n < len ? n : len;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		snprintf(name, sizeof(name), formats[kind], start, end);
#pragma GCC diagnostic pop
		put_file(name, data, n);
		data += n;
		len -= n;
	}
}

static int on_bytes(void *arg, uint64_t offset, const void *data, size_t len)
{
	uint64_t *next = arg;

	/* No byte twice, none left out without a word. */
	CHECK(len > 0 && (offset == *next || *next == UINT64_MAX));
	*next = offset + len;
	return 0;
}

static int on_mark(void *arg, const struct journal_mark *mark)
{
	CHECK(strlen(mark->text) < JOURNAL_TEXT_MAX && mark->kind < JOURNAL_KINDS);
	return 0;
}

static void fuzz_folder(const uint8_t *data, size_t len)
{
	struct journal_segments s;
	struct journal_reserve reserve;
	struct journal_info info;
	enum journal_last_end last;
	uint64_t next = UINT64_MAX, start;

	make_files(data, len);
	CHECK(journal_info(folder, &info) == 0);
	CHECK(info.first + info.bytes + info.missing == info.end);
	CHECK(journal_verify(folder, NULL, NULL) >= 0);
	CHECK(journal_export(folder, 0, UINT64_MAX, on_bytes, &next) == 0);
	CHECK(next == info.end || info.bytes == 0);
	CHECK(journal_export_marks(folder, on_mark, NULL) == 0);
	CHECK(journal_segments_load(&s, folder, true) == 0);
	for (size_t i = 1; i < s.count; i++)
		CHECK(journal_segment_end(&s.list[i - 1]) <= s.list[i].start);
	journal_segments_finish(&s);
	CHECK(journal_reserve_init(&reserve, folder, &start, &last) == 0);
	journal_reserve_finish(&reserve);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int made;

	if (!made) {
		CHECK(mkdtemp(folder));
		atexit(remove_folder);
		made = 1;
	}
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		fuzz_line(data + 1, size - 1);
		return 0;
	case 1:
		fuzz_packed(data + 1, size - 1);
		break;
	case 2:
		fuzz_pack(data + 1, size - 1);
		break;
	case 3:
		fuzz_folder(data + 1, size - 1);
		break;
	}
	remove_files();
	return 0;
}
