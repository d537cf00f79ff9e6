/* What is said of a path that something has failed on: the cause and the cure, for this user. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/io.h"
#include "core/file/error_text.h"

#define STRANGER 4711 /* a uid that nobody has */

static char root[64];

static const char *in_root(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", root, name);
	return path;
}

static int set_up(void **state)
{
	snprintf(root, sizeof(root), "/tmp/test_core_error_text.XXXXXX");
	return mkdtemp(root) && chmod(root, 0755) == 0 && make_dirs(in_root("a/b"), 0755) == 0 &&
			       write_file(in_root("a/b/file"), "", 0, 0600) == 0
		       ? 0
		       : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* AT in wanted stands for the folder. */
static void expect(const char *name, int error, int mode, const char *wanted)
{
	char text[ERROR_TEXT_ROOM], full[ERROR_TEXT_ROOM] = "", *end = full;
	const char *at;

	for (; (at = strstr(wanted, "AT")); wanted = at + 2)
		end += sprintf(end, "%.*s%s", (int)(at - wanted), wanted, root);
	sprintf(end, "%s", wanted);
	error_text(in_root(name), error, mode, text);
	assert_string_equal(text, full);
}

static void what_is_not_there_is_named(void **state)
{
	expect("a/none", ENOENT, R_OK, "No such file or directory: make it, or mend the path");
	expect("none/of/it", ENOENT, R_OK,
		"No such file or directory: there is no folder AT/none: make it, or mend the path");
	expect("a/b/file/x", ENOTDIR, R_OK,
		"Not a directory: AT/a/b/file is a file, where a folder has to be: mend the path");
}

/* As user STRANGER, whom modes bind. */
static void expect_as_stranger(const char *name, int mode, const char *wanted)
{
	assert_int_equal(seteuid(STRANGER), 0);
	expect(name, EACCES, mode, wanted);
	assert_int_equal(seteuid(0), 0);
}

static void what_is_not_allowed_is_named_with_the_cure(void **state)
{
	if (geteuid() != 0)
		skip();
	expect_as_stranger("a/b/file", R_OK,
		"Permission denied: user 4711 may not read AT/a/b/file, which belongs to user "
		"root: chown 4711 AT/a/b/file");
	expect_as_stranger("a/b/new", R_OK | W_OK,
		"Permission denied: user 4711 may not write to AT/a/b, which belongs to user root: "
		"chown 4711 AT/a/b");
	assert_int_equal(chown(in_root("a/b/file"), STRANGER, (gid_t)-1), 0);
	assert_int_equal(chmod(in_root("a/b/file"), 0400), 0);
	expect_as_stranger("a/b/file", R_OK | W_OK,
		"Permission denied: user 4711 may not write to AT/a/b/file (mode 0400): chmod u+rw "
		"AT/a/b/file");
	assert_int_equal(chown(in_root("a/b"), STRANGER, (gid_t)-1), 0);
	assert_int_equal(chmod(in_root("a/b"), 0500), 0);
	expect_as_stranger("a/b/new/one", R_OK | W_OK,
		"Permission denied: user 4711 may not write to AT/a/b (mode 0500): chmod u+wx "
		"AT/a/b");
	assert_int_equal(chmod(in_root("a"), 0700), 0);
	expect_as_stranger("a/b/file", R_OK,
		"Permission denied: user 4711 may not enter the folder AT/a: chmod a+x AT/a");
}

static void a_socket_is_connected_to(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (geteuid() != 0)
		skip();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_root("a/socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(address.sun_path, 0660), 0);
	expect_as_stranger("a/socket", R_OK | W_OK,
		"Permission denied: user 4711 may not connect to it (mode 0660): chmod a+rw "
		"AT/a/socket");
	close(fd);
}

static void a_cure_that_is_not_the_path_s_is_told(void **state)
{
	char text[ERROR_TEXT_ROOM];

	expect("a/b/new/x", ENOSPC, W_OK,
		"No space left on device: make room: df -h AT/a/b; df -i AT/a/b");
	expect("a/b/file", EROFS, W_OK,
		"Read-only file system: mount it for writing, and see ReadWritePaths= of the unit");
	expect("a/b", EISDIR, W_OK,
		"Is a directory: it is a folder: move it away, or name another path");
	assert_string_equal(error_text_shortage(EMFILE, text),
		"Too many open files: as many files are open as one process may have: raise "
		"LimitNOFILE= of the unit, or ulimit -n");
	assert_string_equal(error_text_shortage(EBADF, text), "Bad file descriptor");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(what_is_not_there_is_named),
		EACH(what_is_not_allowed_is_named_with_the_cure),
		EACH(a_socket_is_connected_to),
		EACH(a_cure_that_is_not_the_path_s_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
