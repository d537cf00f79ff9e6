/* Dump files: their names, whose they are, and that nothing but files is opened. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/files/dump_name.h"
#include "broker/files/dump_open.h"
#include "broker/files/dump_remove.h"
#include "broker/files/dump_scan.h"
#include "broker/files/lives.h"
#include "broker/files/watched.h"
#include "core/io.h"

#define SWAPS 20000 /* openings while a name comes and goes */

static char folder[64];

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/test_dumps.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *path(const char *name)
{
	static _Thread_local char text[512];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static void put(const char *name, const char *data)
{
	assert_int_equal(write_file(path(name), data, strlen(data), 0600), 0);
}

static void a_name_is_taken_apart_from_both_ends(void **state)
{
	static const char *const bad[] = {"", "web", "3-web", "-web-2026-11-28-06:59:26",
		"3--2026-11-28-06:59:26", "3-web-2026-11-28-06:59:26.gz",
		"x3-web-2026-11-28-06:59:26", "99999999999-web-2026-11-28-06:59:26",
		"3-2026-11-28-06:59:26"};
	struct dump_name n;
	size_t i;

	assert_int_equal(dump_name_parse("3-web-2026-11-28-06:59:26", &n), 0);
	assert_int_equal(n.id, 3);
	assert_string_equal(n.guest, "web");
	assert_int_equal(dump_name_parse("12-a-1 b:c-2025-01-01-00:00:00", &n), 0);
	assert_string_equal(n.guest, "a-1 b:c");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dump_name_parse(bad[i], &n), -EINVAL);
}

static void a_short_name_is_whole_or_twenty_characters(void **state)
{
	assert_true(dump_name_is_of("web", "web"));
	assert_false(dump_name_is_of("web", "web-2"));
	assert_true(dump_name_is_of("abcdefghijklmnopqrst", "abcdefghijklmnopqrstuvw"));
	assert_false(dump_name_is_of("abcdefghijklmnopqrs", "abcdefghijklmnopqrstuvw"));
	assert_true(dump_name_is_of("äbcdefghijklmnopqrst", "äbcdefghijklmnopqrstuvw"));
	assert_false(dump_name_is_of("", "web"));
}

static void a_shown_name_needs_no_quotes(void **state)
{
	char out[DUMP_FILE_MAX];

	dump_name_safe("3-my web-2026-11-28-06:59:26", out);
	assert_string_equal(out, "3-my_web-2026-11-28-06-59-26");
	dump_name_safe("latest", out);
	assert_string_equal(out, "_atest");
	dump_name_safe(".hidden\x1b[0m", out);
	assert_string_equal(out, "_hidden__0m");
}

static const struct uuid one = {{1}}, two = {{2}};

static void a_dump_is_whose_the_number_was_then(void **state)
{
	struct loop *loop = loop_create();
	struct lives *l;
	struct uuid found;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "local", 3, &one, "web", 1000);
	lives_running(l, "local", 3, &one, "web", 1500); /* no other life */
	assert_int_equal(lives_find(l, 3, "web", 1200, &found), 0);
	assert_true(uuid_equal(&found, &one));
	assert_int_equal(lives_find(l, 3, "web", 999, &found), -ENOENT);
	assert_int_equal(lives_find(l, 4, "web", 1200, &found), -ENOENT);
	assert_int_equal(lives_find(l, 3, "we", 1200, &found), -ENOENT);
	lives_stopped(l, "local", &one, 2000);
	assert_int_equal(lives_find(l, 3, "web", 2000 + LIVES_LATE_S, &found), 0);
	assert_int_equal(lives_find(l, 3, "web", 2001 + LIVES_LATE_S, &found), -ENOENT);
	/* The host was restarted, and another guest has the number and the name. */
	lives_running(l, "local", 3, &two, "web", 9000);
	assert_int_equal(lives_find(l, 3, "web", 9100, &found), 0);
	assert_true(uuid_equal(&found, &two));
	/* As at another host. */
	lives_running(l, "other", 3, &one, "web", 9000);
	assert_int_equal(lives_find(l, 3, "web", 9100, &found), -ENOTUNIQ);
	lives_destroy(&l);
	loop_destroy(loop);
}

/* At most 250 bytes of a name of QEMU's; of another driver's it is as long as it likes. */
static void a_long_name_is_one_life(void **state)
{
	struct loop *loop = loop_create();
	char name[2 * LIVES_NAME_MAX], file[64];
	struct lives *l;
	struct uuid found;
	size_t i;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(file, sizeof(file), "%.20s", name);
	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "local", 1, &two, "ended", 1000);
	lives_stopped(l, "local", &two, 2000);
	for (i = 0; i < LIVES_MAX; i++)
		lives_running(l, "local", 2, &one, name, 3000);
	assert_int_equal(lives_find(l, 2, file, 3000, &found), 0);
	assert_int_equal(lives_find(l, 1, "ended", 1500, &found), 0); /* not pushed out */
	lives_destroy(&l);
	loop_destroy(loop);
}

/* As many files as are looked at, as many lives as are kept: on the loop, so soon. */
static void a_full_folder_is_told_apart_at_once(void **state)
{
	struct loop *loop = loop_create();
	struct lives *l;
	struct uuid found;
	clock_t begin;
	int i;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	for (i = 0; i < LIVES_MAX; i++) {
		struct uuid uuid = {{0}};
		char host[16];

		memcpy(&uuid, &i, sizeof(i));
		snprintf(host, sizeof(host), "%d", i);
		lives_running(l, host, i, &uuid, "web", 1000);
		lives_stopped(l, host, &uuid, 2000);
	}
	begin = clock();
	for (i = 0; i < DUMP_FILES_MAX; i++)
		assert_int_equal(lives_find(l, i, "web", 1500, &found), 0);
	assert_true(clock() - begin < CLOCKS_PER_SEC / 20);
	/* Numbers keep their places when the oldest go. */
	lives_running(l, "more", 7, &two, "web", 9000);
	assert_int_equal(lives_find(l, 0, "web", 1500, &found), -ENOENT);
	assert_int_equal(lives_find(l, LIVES_MAX - 1, "web", 1500, &found), 0);
	assert_int_equal(lives_find(l, 7, "web", 9000, &found), 0);
	assert_true(uuid_equal(&found, &two));
	lives_destroy(&l);
	loop_destroy(loop);
}

static bool runs_not(void *arg, const struct uuid *uuid)
{
	return false;
}

static bool runs_not_two(void *arg, const struct uuid *uuid)
{
	return !uuid_equal(uuid, &two);
}

static void lives_outlast_a_restart(void **state)
{
	struct loop *loop = loop_create();
	struct lives *l;
	struct uuid found;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "the host", 7, &one, "my web%41", 1000000000000);
	lives_destroy(&l);
	assert_int_equal(lives_create(loop, folder, &l), 0);
	assert_int_equal(lives_find(l, 7, "my web%41", 1000000000001, &found), 0);
	assert_true(uuid_equal(&found, &one));
	/* It ended while nobody looked. */
	lives_review(l, "the host", runs_not, NULL, 1000000000100);
	assert_int_equal(
		lives_find(l, 7, "my web%41", 1000000000101 + LIVES_LATE_S, &found), -ENOENT);
	lives_destroy(&l);
	loop_destroy(loop);
}

/* While nobody looked another guest may have had the number and the name. */
static void a_dump_of_a_time_that_nobody_watched_is_nobodys(void **state)
{
	struct loop *loop = loop_create();
	struct lives *l;
	struct uuid found;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "lost", 3, &one, "web", 1000);
	lives_review(l, "lost", runs_not_two, NULL, 1000);
	assert_int_equal(lives_find(l, 3, "web", 1500, &found), 0);
	lives_lost(l, "lost", 2000);
	assert_int_equal(lives_find(l, 3, "web", 2000, &found), 0);
	assert_int_equal(lives_find(l, 3, "web", 2001, &found), -ENOENT);
	lives_review(l, "lost", runs_not_two, NULL, 3000); /* it runs still */
	assert_int_equal(lives_find(l, 3, "web", 2500, &found), -ENOENT);
	assert_int_equal(lives_find(l, 3, "web", 3001, &found), 0);
	lives_lost(l, "lost", 4000);
	lives_review(l, "lost", runs_not, NULL, 5000); /* it has ended meanwhile */
	assert_int_equal(lives_find(l, 3, "web", 3999, &found), 0);
	assert_int_equal(lives_find(l, 3, "web", 4500, &found), -ENOENT);
	assert_int_equal(lives_find(l, 3, "web", 5001, &found), -ENOENT); /* not late either */
	lives_running(l, "lost", 4, &two, "db", 6000);
	lives_stopped(l, "lost", &two, 7000);
	assert_int_equal(lives_find(l, 4, "db", 7100, &found), 0); /* late, and watched */
	lives_destroy(&l);
	loop_destroy(loop);
}

static void a_dump_of_a_time_before_the_start_is_nobodys(void **state)
{
	struct loop *loop = loop_create();
	int64_t stop = time(NULL), up = stop + 5000;
	struct lives *l;
	struct uuid found;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "kept", 3, &one, "web", stop - 100);
	lives_review(l, "kept", runs_not_two, NULL, stop - 100);
	lives_destroy(&l);
	assert_int_equal(lives_create(loop, folder, &l), 0);
	assert_int_equal(lives_find(l, 3, "web", stop - 50, &found), 0);
	assert_int_equal(lives_find(l, 3, "web", stop + 2000, &found), -ENOENT);
	lives_review(l, "kept", runs_not, NULL, up);
	assert_int_equal(lives_find(l, 3, "web", stop - 50, &found), 0);
	assert_int_equal(lives_find(l, 3, "web", stop + 2000, &found), -ENOENT);
	lives_destroy(&l);
	assert_int_equal(lives_create(loop, folder, &l), 0); /* it is remembered */
	assert_int_equal(lives_find(l, 3, "web", stop + 2000, &found), -ENOENT);
	lives_destroy(&l);
	loop_destroy(loop);
}

static void of_too_many_gaps_the_oldest_become_one(void **state)
{
	struct loop *loop = loop_create();
	struct lives *l;
	struct uuid found;

	assert_int_equal(lives_create(loop, folder, &l), 0);
	lives_running(l, "flaps", 3, &one, "web", 1000);
	for (int i = 0; i < WATCHED_GAPS_MAX + 2; i++) {
		lives_review(l, "flaps", runs_not_two, NULL, 1000 + 100 * i);
		lives_lost(l, "flaps", 1050 + 100 * i);
	}
	assert_int_equal(lives_find(l, 3, "web", 1020, &found), -ENOENT);
	assert_int_equal(lives_find(l, 3, "web", 1320, &found), 0);
	lives_destroy(&l);
	loop_destroy(loop);
}

static void only_regular_files_with_one_name_are_opened(void **state)
{
	int dir = dump_open_folder(folder), fd;
	struct stat st;

	put("file", "bytes");
	assert_int_equal(symlink("file", path("link")), 0);
	assert_int_equal(mkfifo(path("fifo"), 0600), 0);
	assert_int_equal(mkdir(path("dir"), 0700), 0);
	put("dir/inner", "x");
	fd = dump_open_file(dir, "file", &st);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(st.st_size, 5);
	assert_false(dump_is_growing(fd, &st));
	close(fd);
	assert_int_equal(dump_open_file(dir, "link", &st), -ELOOP);
	assert_int_equal(dump_open_file(dir, "fifo", &st), -EINVAL);
	assert_int_equal(dump_open_file(dir, "dir", &st), -EINVAL);
	assert_int_equal(dump_open_file(dir, "../etc/passwd", &st), -EXDEV);
	assert_int_equal(dump_open_file(dir, "/etc/passwd", &st), -EXDEV);
	assert_int_equal(dump_open_file(dir, "gone", &st), -ENOENT);
	assert_int_equal(linkat(dir, "file", dir, "dir/second", 0), 0);
	assert_int_equal(dump_open_file(dir, "file", &st), -EMLINK);
	close(dir);
}

struct swapper {
	pthread_t thread;
	int dir;
	atomic_bool ends;
};

static void *link_and_unlink(void *arg)
{
	struct swapper *s = arg;

	while (!atomic_load(&s->ends)) {
		if (linkat(AT_FDCWD, path("secret"), s->dir, "dump", 0) == 0)
			assert_int_equal(unlinkat(s->dir, "dump", 0), 0);
	}
	return NULL;
}

/* Between the look at the name and at the count of links the second name goes: the count is 1. */
static void a_second_name_that_comes_and_goes_opens_nothing(void **state)
{
	struct swapper s = {.ends = false};
	struct stat st;
	int i, opened = 0;

	put("secret", "bytes");
	assert_int_equal(mkdir(path("dumps"), 0700), 0);
	s.dir = dump_open_folder(path("dumps"));
	assert_int_equal(pthread_create(&s.thread, NULL, link_and_unlink, &s), 0);
	for (i = 0; i < SWAPS; i++) {
		int fd = dump_open_file(s.dir, "dump", &st);

		if (fd >= 0) {
			opened++;
			close(fd);
		}
	}
	atomic_store(&s.ends, true);
	pthread_join(s.thread, NULL);
	close(s.dir);
	assert_int_equal(opened, 0);
}

/* --- a removal that the kernel has begun --- */

/* Of dump: it has taken one off the count of links, and has not taken the name yet. */
static bool removing;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
long __real_syscall(long n, long a, long b, long c, long d);
long __wrap_syscall(long n, long a, long b, long c, long d);

int __wrap_fstat(int fd, struct stat *st)
{
	int r = __real_fstat(fd, st);

	if (removing)
		st->st_nlink--;
	return r;
}

/* Who reads the folder waits for its lock, which the removal has until it is over. */
long __wrap_syscall(long n, long a, long b, long c, long d)
{
	if (removing && n == SYS_getdents64) {
		assert_int_equal(unlink(path("dump")), 0);
		removing = false;
	}
	return __real_syscall(n, a, b, c, d);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void a_second_name_that_is_being_removed_opens_nothing(void **state)
{
	int dir = dump_open_folder(folder), r;
	struct stat st;

	put("secret", "bytes");
	assert_int_equal(linkat(AT_FDCWD, path("secret"), dir, "dump", 0), 0);
	removing = true;
	r = dump_open_file(dir, "dump", &st);
	removing = false;
	close(dir);
	assert_int_equal(r, -ESTALE);
}

static void a_file_that_somebody_writes_is_growing(void **state)
{
	char *folders[] = {folder};
	struct dump_list list;
	int fd;

	put("one", "1");
	fd = open(path("two"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(dump_scan(folders, 1, &list), 0);
	dump_list_sort(&list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.files[0].safe, "one");
	assert_false(list.files[0].growing);
	assert_true(list.files[1].growing);
	dump_list_finish(&list);
	close(fd);
	assert_int_equal(dump_scan(folders, 1, &list), 0);
	assert_false(list.files[0].growing || list.files[1].growing);
	dump_list_finish(&list);
}

/* Whoever may write the folder takes a lease on his file; opening it would wait for him. */
static void a_file_with_a_lease_is_growing(void **state)
{
	char *folders[] = {folder};
	int dir = dump_open_folder(folder), fd;
	struct dump_list list;
	struct stat st;

	fd = open(path("leased"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETSIG, SIGURG), 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		skip(); /* the file system has none */
	assert_int_equal(dump_open_file(dir, "leased", &st), -EAGAIN);
	assert_int_equal(dump_scan(folders, 1, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.files[0].error, 0);
	assert_true(list.files[0].growing);
	dump_list_finish(&list);
	close(fd);
	close(dir);
}

static void what_is_no_file_is_looked_at_up_to_a_number(void **state)
{
	char *folders[] = {folder}, name[32];
	int dir = dump_open_folder(folder), i;
	struct dump_list list;

	for (i = 0; i <= DUMP_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(symlinkat("nowhere", dir, name), 0);
	}
	assert_int_equal(dump_scan(folders, 1, &list), 0);
	assert_int_equal(list.count, 0);
	assert_true(list.cut);
	dump_list_finish(&list);
	close(dir);
}

static void names_that_become_equal_stay_apart(void **state)
{
	char missing[] = "/nonexistent/dumps", *folders[] = {folder, missing};
	struct dump_list list;

	put("a:b", "1");
	put("a-b", "2");
	put("a-c", "3");
	assert_int_equal(dump_scan(folders, 2, &list), 0);
	dump_list_sort(&list);
	assert_int_equal(list.count, 3);
	assert_non_null(dump_list_find(&list, "a-b"));
	assert_non_null(dump_list_find(&list, "a-b~1"));
	assert_string_equal(dump_list_find(&list, "a-c")->name, "a-c");
	assert_null(dump_list_find(&list, "a:b"));
	dump_list_finish(&list);
}

/* One that has its name now is another's. */
static void only_the_file_that_was_seen_is_removed(void **state)
{
	static const char name[] = "w-01000000-0000-0000-0000-000000000000-2026-11-28-06-59-26.elf";
	char *folders[] = {folder}, why[DUMP_WHY_MAX];
	int dir = dump_open_folder(folder);
	struct dump_list list;

	put(name, "dump");
	put("theirs", "other");
	assert_int_equal(dump_scan(folders, 1, &list), 0);
	dump_list_sort(&list);
	assert_int_equal(list.count, 2);
	assert_false(list.files[0].made);
	assert_true(list.files[1].made);
	assert_int_equal(renameat(dir, "theirs", dir, name), 0);
	assert_int_equal(dump_remove(folder, &list.files[1], why), -ESTALE);
	assert_string_equal(why, "another file has its name now");
	assert_int_equal(access(path(name), F_OK), 0);
	assert_int_equal(renameat(dir, name, dir, "theirs"), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(dump_remove(folder, &list.files[0], why), -EPERM);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(dump_remove(folder, &list.files[0], why), 0);
	assert_int_equal(access(path("theirs"), F_OK), -1);
	assert_int_equal(dump_remove(folder, &list.files[0], why), -ENOENT);
	dump_list_finish(&list);
	close(dir);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

static void a_made_name_says_whose_it_is(void **state)
{
	static const char *const bad[] = {"", "web.elf",
		"web-01000000-0000-0000-0000-000000000000.elf",
		"-01000000-0000-0000-0000-000000000000-2026-11-28-06-59-26.elf",
		"w-01000000-0000-0000-0000-000000000000-2026-11-28-06:59:26.elf",
		"w-01000000-0000-0000-0000-000000000000-2026-11-28-06-59-26.gz",
		"w-01000000-0000-0000-0000-00000000000x-2026-11-28-06-59-26.elf",
		"w-01000000-0000-0000-0000-000000000000-2026-11-28-06-59-26elf"};
	char name[DUMP_FILE_MAX];
	struct uuid found;
	size_t i;

	dump_name_make("my web/../x", &one, 1764313166, "elf", name);
	assert_string_equal(
		name, "my_web_.._x-01000000-0000-0000-0000-000000000000-2025-11-28-06-59-26.elf");
	assert_int_equal(dump_name_made(name, &found), 0);
	assert_true(uuid_equal(&found, &one));
	dump_name_make("a-very-long-name-that-is-cut-somewhere", &two, 0, "kdump", name);
	assert_int_equal(dump_name_made(name, &found), 0);
	assert_true(uuid_equal(&found, &two));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dump_name_made(bad[i], &found), -EINVAL);
}

/* Only the store is the service's own: elsewhere anybody may call his file so. */
static void what_is_being_made_is_hidden_and_the_name_counts_in_the_store_only(void **state)
{
	static const char name[] = "w-01000000-0000-0000-0000-000000000000-2026-11-28-06-59-26.elf";
	char other[] = "/nonexistent", *folders[] = {folder, other}, *swapped[] = {other, folder};
	struct dump_list list;

	put(name, "dump");
	put(DUMP_PARTIAL "x", "half");
	assert_int_equal(dump_scan(folders, 2, &list), 0);
	assert_non_null(dump_list_find(&list, name));
	assert_true(dump_list_find(&list, name)->known);
	assert_false(dump_list_find(&list, name)->growing);
	assert_null(dump_list_find(&list, "_making-x"));
	dump_list_finish(&list);
	assert_int_equal(dump_scan(swapped, 2, &list), 0);
	assert_false(dump_list_find(&list, name)->known);
	assert_non_null(dump_list_find(&list, "_making-x"));
	dump_list_finish(&list);
	unlink(path(name));
	unlink(path(DUMP_PARTIAL "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_taken_apart_from_both_ends),
		cmocka_unit_test(a_short_name_is_whole_or_twenty_characters),
		cmocka_unit_test(a_shown_name_needs_no_quotes),
		cmocka_unit_test(a_made_name_says_whose_it_is),
		IN_FOLDER(what_is_being_made_is_hidden_and_the_name_counts_in_the_store_only),
		IN_FOLDER(a_dump_is_whose_the_number_was_then),
		IN_FOLDER(a_long_name_is_one_life),
		IN_FOLDER(a_full_folder_is_told_apart_at_once),
		IN_FOLDER(lives_outlast_a_restart),
		IN_FOLDER(a_dump_of_a_time_that_nobody_watched_is_nobodys),
		IN_FOLDER(a_dump_of_a_time_before_the_start_is_nobodys),
		IN_FOLDER(of_too_many_gaps_the_oldest_become_one),
		IN_FOLDER(only_regular_files_with_one_name_are_opened),
		IN_FOLDER(a_second_name_that_comes_and_goes_opens_nothing),
		IN_FOLDER(a_second_name_that_is_being_removed_opens_nothing),
		IN_FOLDER(a_file_that_somebody_writes_is_growing),
		IN_FOLDER(a_file_with_a_lease_is_growing),
		IN_FOLDER(what_is_no_file_is_looked_at_up_to_a_number),
		IN_FOLDER(names_that_become_equal_stay_apart),
		IN_FOLDER(only_the_file_that_was_seen_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
