/* Who may have written a path: owner and mode of it, and of every folder above it. */
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
#include "core/file/trust.h"

#define STRANGER 4711 /* a uid that nobody has */

static char root[64]; /* in /tmp, which is sticky and everybody's */

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
	snprintf(root, sizeof(root), "/tmp/test_core_trust.XXXXXX");
	return mkdtemp(root) && make_dirs(in_root("a/b"), 0755) == 0 &&
			       write_file(in_root("a/b/file"), "", 0, 0644) == 0 &&
			       symlink("a/b/file", in_root("link")) == 0
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

static void set_mode(const char *name, mode_t mode)
{
	assert_int_equal(chmod(in_root(name), mode), 0);
}

static void give(const char *name, uid_t uid)
{
	assert_int_equal(chown(in_root(name), uid, (gid_t)-1), 0);
}

__attribute__((format(printf, 3, 4))) static void expect_refusal(
	int r, const char *why, const char *format, ...)
{
	char text[TRUST_WHY_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_int_equal(r, -EPERM);
	assert_string_equal(why, text);
}

static void what_only_we_can_write_is_believed(void **state)
{
	char why[TRUST_WHY_MAX];

	assert_int_equal(trust_path(in_root("a/b/file"), why), 0);
	assert_int_equal(trust_path(in_root("link"), why), 0);
	assert_int_equal(trust_own(in_root("a/b"), why), 0);
	set_mode("a", 01777); /* nobody can replace what is another's there */
	assert_int_equal(trust_path(in_root("a/b/file"), why), 0);
}

static void what_others_can_write_is_not(void **state)
{
	char why[TRUST_WHY_MAX];

	set_mode("a/b/file", 0664);
	expect_refusal(trust_path(in_root("a/b/file"), why), why,
		"others may write to it (mode 0664): chmod go-w %s", in_root("a/b/file"));
	set_mode("a/b/file", 0646);
	expect_refusal(trust_path(in_root("link"), why), why,
		"others may write to it (mode 0646): chmod go-w %s", in_root("link"));
	set_mode("a/b", 0777);
	expect_refusal(trust_own(in_root("a/b"), why), why,
		"others may write to it (mode 0777): chmod go-w %s", in_root("a/b"));
}

static void what_others_can_replace_is_not(void **state)
{
	char why[TRUST_WHY_MAX];

	set_mode("a", 0775);
	expect_refusal(trust_path(in_root("a/b/file"), why), why,
		"others may write to the folder %s above it (mode 0775) and could replace it: "
		"chmod go-w %s",
		in_root("a"), in_root("a"));
	assert_int_equal(trust_path(in_root("link"), why), -EPERM);
}

static void what_belongs_to_others_is_not(void **state)
{
	char why[TRUST_WHY_MAX];

	if (geteuid() != 0)
		skip();
	give("a/b/file", STRANGER);
	expect_refusal(trust_path(in_root("a/b/file"), why), why,
		"it belongs to user 4711, neither to root nor to root: chown root %s",
		in_root("a/b/file"));
	give("a/b", STRANGER);
	expect_refusal(trust_own(in_root("a/b"), why), why,
		"it belongs to user 4711 and not to root: chown root %s", in_root("a/b"));
	give("a/b/file", 0);
	expect_refusal(trust_path(in_root("a/b/file"), why), why,
		"the folder %s above it belongs to user 4711, who could replace it: chown root %s",
		in_root("a/b"), in_root("a/b"));
}

/* Whoever can change where a link leads, or what stands in its place, can have any file read that
 * is fine by itself. */
static void what_leads_there_by_a_strangers_hand_is_not(void **state)
{
	char why[TRUST_WHY_MAX];

	if (geteuid() != 0)
		skip();
	assert_int_equal(symlink(in_root("a/b"), in_root("a/alias")), 0);
	assert_int_equal(trust_path(in_root("a/alias/file"), why), 0);
	assert_int_equal(lchown(in_root("a/alias"), STRANGER, (gid_t)-1), 0);
	expect_refusal(trust_path(in_root("a/alias/file"), why), why,
		"the symbolic link %s on the way to it belongs to user 4711, who could replace it: "
		"chown -h root %s",
		in_root("a/alias"), in_root("a/alias"));
	assert_int_equal(make_dirs(in_root("c"), 0755), 0);
	assert_int_equal(symlink("../a/b/./file", in_root("c/link")), 0);
	assert_int_equal(trust_path(in_root("c/link"), why), 0);
	give("c", STRANGER);
	expect_refusal(trust_path(in_root("c/link"), why), why,
		"the folder %s above it belongs to user 4711, who could replace it: chown root %s",
		in_root("c"), in_root("c"));
	assert_int_equal(trust_path(in_root("c/../a/b/file"), why), -EPERM);
}

static void what_is_opened_is_what_was_checked(void **state)
{
	char why[TRUST_WHY_MAX], text[8] = "";
	int fd = -1;

	assert_int_equal(write_file(in_root("a/b/file"), "right", 5, 0644), 0);
	assert_int_equal(trust_open(in_root("link"), TRUST_OURS, &fd, why), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "right");
	fd_close(&fd);
	set_mode("a/b", 0777);
	assert_int_equal(trust_open(in_root("link"), TRUST_OURS, &fd, why), -EPERM);
	assert_int_equal(trust_open(in_root("link"), TRUST_SHUT, &fd, why), -EPERM);
	assert_int_equal(fd, -1);
	if (geteuid() != 0)
		return;
	set_mode("a/b", 0755);
	give("a/b", STRANGER);
	give("a/b/file", STRANGER);
	assert_int_equal(trust_open(in_root("link"), TRUST_OURS, &fd, why), -EPERM);
	assert_int_equal(trust_open(in_root("link"), TRUST_SHUT, &fd, why), 0);
	fd_close(&fd);
}

static void a_path_without_end_is_refused(void **state)
{
	char why[TRUST_WHY_MAX];

	assert_int_equal(symlink("circle", in_root("circle")), 0);
	assert_int_equal(trust_path(in_root("circle"), why), -ELOOP);
	assert_int_equal(trust_path(in_root("a/b/file/more"), why), -ENOTDIR);
	assert_int_equal(trust_path(in_root("a/b/file/."), why), -ENOTDIR);
	assert_int_equal(chdir(in_root("a")), 0);
	assert_int_equal(trust_path("b/file", why), 0);
	assert_int_equal(trust_path("../a/./b//file", why), 0);
	assert_int_equal(chdir("/"), 0);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_look_leaves_no_descriptor(void **state)
{
	char why[TRUST_WHY_MAX];
	int before = count_descriptors();

	assert_int_equal(trust_path(in_root("link"), why), 0);
	assert_int_equal(trust_path(in_root("a/nothing/x"), why), -ENOENT);
	set_mode("a", 0777);
	assert_int_equal(trust_path(in_root("link"), why), -EPERM);
	assert_int_equal(count_descriptors(), before);
}

static void root_may_have_written_it_but_it_is_not_our_own(void **state)
{
	char why[TRUST_WHY_MAX];

	if (geteuid() != 0)
		skip();
	assert_int_equal(seteuid(STRANGER), 0);
	assert_int_equal(chmod(root, 0755), -1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(seteuid(STRANGER), 0);
	assert_int_equal(trust_path(in_root("a/b/file"), why), 0);
	expect_refusal(trust_own(in_root("a/b"), why), why,
		"it belongs to user root and not to 4711: chown 4711 %s", in_root("a/b"));
	assert_int_equal(seteuid(0), 0);
}

static void what_is_not_there_is_told(void **state)
{
	char why[TRUST_WHY_MAX];

	assert_int_equal(trust_path(in_root("nothing"), why), -ENOENT);
	assert_string_equal(why, "No such file or directory");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(what_only_we_can_write_is_believed),
		EACH(what_others_can_write_is_not),
		EACH(what_others_can_replace_is_not),
		EACH(what_belongs_to_others_is_not),
		EACH(what_leads_there_by_a_strangers_hand_is_not),
		EACH(what_is_opened_is_what_was_checked),
		EACH(a_path_without_end_is_refused),
		EACH(a_look_leaves_no_descriptor),
		EACH(root_may_have_written_it_but_it_is_not_our_own),
		EACH(what_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
