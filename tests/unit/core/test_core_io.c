/* Descriptors and files. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/io.h"

static char root[64];

static int set_up(void **state)
{
	snprintf(root, sizeof(root), "/tmp/test_core_io.XXXXXX");
	assert_non_null(mkdtemp(root));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_root(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void closing_leaves_minus_one_behind(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	fd_close(&fd);
	assert_int_equal(fd, -1);
}

static void nonblock_keeps_other_flags(void **state)
{
	int fd = open(in_root("f"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(fd_nonblock(fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), O_NONBLOCK | O_APPEND);
	close(fd);
	assert_int_equal(fd_nonblock(fd), -EBADF);
}

static void files_come_back_as_written(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
	char *data = malloc(100000), *back;
	size_t i, len;

	memset(data, 'x', 100000);
	data[77] = '\0';
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(write_file(in_root("f"), data, sizes[i], 0640), 0);
		assert_int_equal(read_file(in_root("f"), 100000, &back, &len), 0);
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(back, data, len);
		assert_int_equal(back[len], '\0');
		free(back);
	}
	free(data);
}

static void a_file_longer_than_the_maximum_is_refused(void **state)
{
	char data[5000] = "", *back;
	size_t len;

	assert_int_equal(write_file(in_root("f"), data, sizeof(data), 0600), 0);
	assert_int_equal(read_file(in_root("f"), 4999, &back, &len), -EFBIG);
	assert_int_equal(read_file(in_root("f"), 0, &back, &len), -EFBIG);
	assert_int_equal(read_file(in_root("f"), 5000, &back, &len), 0);
	free(back);
	assert_int_equal(read_file(in_root("none"), 10, &back, &len), -ENOENT);
	assert_int_equal(read_file(root, 10, &back, &len), -EISDIR);
}

static void replacing_a_file_leaves_one_whole_file(void **state)
{
	struct stat before, after;
	char *back;
	size_t len;

	assert_int_equal(write_file(in_root("f"), "old", 3, 0600), 0);
	assert_int_equal(stat(in_root("f"), &before), 0);
	assert_int_equal(write_file(in_root("f"), "newer", 5, 0600), 0);
	assert_int_equal(stat(in_root("f"), &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino); /* never written in place */
	assert_int_equal(read_file(in_root("f"), 10, &back, &len), 0);
	assert_string_equal(back, "newer");
	free(back);
	assert_int_equal(access(in_root("f.new"), F_OK), -1);
	assert_int_equal(mode_of(in_root("f")), 0600);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
	char *back;
	size_t len;

	assert_int_equal(write_file(in_root("f"), "old", 3, 0600), 0);
	/* a link in the temporary file's place is not followed */
	assert_int_equal(symlink("/dev/null", in_root("f.new")), 0);
	assert_int_equal(write_file(in_root("f"), "new", 3, 0600), -ELOOP);
	assert_int_equal(read_file(in_root("f"), 10, &back, &len), 0);
	assert_string_equal(back, "old");
	free(back);
	assert_int_equal(write_file(in_root("no/f"), "x", 1, 0600), -ENOENT);
	if (access("/dev/full", W_OK) == 0) {
		int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

		assert_int_equal(write_all(fd, "x", 1), -ENOSPC);
		close(fd);
	}
}

static void folders_are_made_with_all_above_them(void **state)
{
	char file[PATH_MAX];
	mode_t old = umask(022);

	assert_int_equal(make_dirs(in_root("a/b/c"), 0700), 0);
	umask(old);
	assert_int_equal(mode_of(in_root("a")), 0700);
	assert_int_equal(mode_of(in_root("a/b")), 0700);
	assert_int_equal(mode_of(in_root("a/b/c")), 0700);
	assert_int_equal(make_dirs(in_root("a/b/c"), 0755), 0);
	assert_int_equal(mode_of(in_root("a/b/c")), 0700); /* what is there stays as it is */
	snprintf(file, sizeof(file), "%s", in_root("f"));
	assert_int_equal(write_file(file, "", 0, 0600), 0);
	assert_int_equal(make_dirs(in_root("f/x"), 0700), -ENOTDIR);
	old = umask(077);
	assert_int_equal(make_dirs(in_root("run/d"), 0755), 0);
	umask(old);
	assert_int_equal(mode_of(in_root("run")), 0755);
	assert_int_equal(mode_of(in_root("run/d")), 0755);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(closing_leaves_minus_one_behind),
		TEST(nonblock_keeps_other_flags),
		TEST(files_come_back_as_written),
		TEST(a_file_longer_than_the_maximum_is_refused),
		TEST(replacing_a_file_leaves_one_whole_file),
		TEST(a_failed_write_leaves_the_old_file),
		TEST(folders_are_made_with_all_above_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
