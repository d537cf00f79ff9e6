/* Memory that is not to be had: the linker puts our calloc before the library's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "console/journal/segment/journal_pack.h"

static int refused; /* calls of calloc from now on that get nothing */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	if (refused > 0) {
		refused--;
		return NULL;
	}
	return __real_calloc(count, size);
}

struct files {
	char dir[32], plain[64], packed[64];
};

static void make_files(struct files *f)
{
	static const char content[100000];
	uint64_t len;
	int fd;

	strcpy(f->dir, "/tmp/vmc-no-memory-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->plain, sizeof(f->plain), "%s/plain", f->dir);
	snprintf(f->packed, sizeof(f->packed), "%s/packed", f->dir);
	fd = open(f->plain, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, sizeof(content)), sizeof(content));
	close(fd);
	assert_int_equal(journal_pack(f->plain, f->packed, &len), 0);
	assert_true(len == sizeof(content));
}

static void remove_files(const struct files *f)
{
	unlink(f->plain);
	unlink(f->packed);
	rmdir(f->dir);
}

static void a_packed_segment_whose_table_finds_no_memory_is_an_error(void **state)
{
	struct files f;
	uint64_t len = 1;
	uint8_t byte;

	make_files(&f);
	refused = 1;
	assert_int_equal(journal_pack_length(f.packed, &len), -ENOMEM);
	assert_int_equal(refused, 0);
	assert_true(len == 0);
	refused = 1;
	assert_int_equal(journal_unpack(f.packed, 0, &byte, 1), -ENOMEM);
	assert_int_equal(journal_pack_length(f.packed, &len), 0);
	assert_true(len == 100000);
	remove_files(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_segment_whose_table_finds_no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
