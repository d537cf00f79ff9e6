/* The file of a dump that is being made: whose folder it is in, and that nobody swaps it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/dump/partial.h"
#include "core/io.h"
#include "core/text/uuid.h"

#define NAME DUMP_PARTIAL "run-1"

static char folder[64], store[80];
static const struct uuid guest = {{1}};

/* Instead of libc's: a disk, as the program sees it. */
static int syncs_left; /* that succeed; -1: all */

int fsync(int fd)
{
	if (syncs_left == 0) {
		errno = EIO;
		return -1;
	}
	syncs_left -= syncs_left > 0;
	return 0;
}

static int make_folder(void **state)
{
	syncs_left = -1;
	snprintf(folder, sizeof(folder), "/tmp/test_partial.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(store, sizeof(store), "%s/store", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *in_store(const char *name)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s/%s", store, name);
	return text;
}

/* What libvirt does with a file that is there. */
static void write_as_libvirt(const struct partial *p, const char *data)
{
	int fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, data, strlen(data)), 0);
	close(fd);
}

static void a_file_gets_its_name_when_it_is_complete(void **state)
{
	char name[DUMP_FILE_MAX], next[DUMP_FILE_MAX];
	struct partial p;
	uint64_t size;
	struct stat st;

	assert_int_equal(partial_create(&p, store, NAME), 0);
	assert_true(p.free_space > 0);
	write_as_libvirt(&p, "memory");
	assert_int_equal(partial_publish(&p, "web", &guest, 1764313166, "elf", name, &size), 0);
	assert_int_equal(size, 6);
	assert_int_equal(stat(in_store(name), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(in_store(NAME), F_OK), -1);
	partial_remove(&p); /* not what has a name */
	assert_int_equal(access(in_store(name), F_OK), 0);
	partial_finish(&p);
	/* Another one in that second is not put in its place. */
	assert_int_equal(partial_create(&p, store, NAME), 0);
	write_as_libvirt(&p, "memory, later");
	assert_int_equal(partial_publish(&p, "web", &guest, 1764313166, "elf", next, &size), 0);
	assert_string_not_equal(name, next);
	assert_int_equal(stat(in_store(name), &st), 0);
	assert_int_equal(st.st_size, 6);
	partial_finish(&p);
}

static void a_file_has_no_name_before_it_is_on_the_disk(void **state)
{
	char name[DUMP_FILE_MAX];
	struct partial p;
	uint64_t size;

	assert_int_equal(partial_create(&p, store, NAME), 0);
	write_as_libvirt(&p, "memory");
	syncs_left = 0;
	assert_int_equal(partial_publish(&p, "web", &guest, 0, "elf", name, &size), -EIO);
	assert_non_null(strstr(p.why, "store: cannot write"));
	assert_int_equal(access(in_store(NAME), F_OK), 0);
	syncs_left = 1; /* its name is not */
	assert_int_equal(partial_publish(&p, "web", &guest, 0, "elf", name, &size), -EIO);
	partial_finish(&p);
}

static void a_file_that_was_swapped_or_not_written_is_none(void **state)
{
	char name[DUMP_FILE_MAX];
	struct partial p;
	uint64_t size;

	assert_int_equal(partial_create(&p, store, NAME), 0);
	assert_int_equal(partial_publish(&p, "web", &guest, 0, "elf", name, &size), -EIO);
	write_as_libvirt(&p, "memory");
	assert_int_equal(unlink(p.path), 0);
	assert_int_equal(symlink("/etc/passwd", p.path), 0);
	assert_int_equal(partial_publish(&p, "web", &guest, 0, "elf", name, &size), -ESTALE);
	partial_remove(&p);
	partial_finish(&p);
	assert_int_equal(access(in_store(NAME), F_OK), -1);
}

static void a_store_that_is_not_only_ours_is_refused(void **state)
{
	struct partial p;

	assert_int_equal(mkdir(store, 0777), 0);
	assert_int_equal(chmod(store, 0777), 0);
	assert_int_equal(partial_create(&p, store, NAME), -EPERM);
	assert_non_null(strstr(p.why, store));
	partial_finish(&p);
	assert_int_equal(rmdir(store), 0);
	assert_int_equal(write_file(store, "", 0, 0600), 0);
	assert_true(partial_create(&p, store, NAME) < 0);
	partial_finish(&p);
}

static void a_file_that_is_there_is_not_taken(void **state)
{
	struct partial p;

	assert_int_equal(mkdir(store, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", in_store(NAME)), 0);
	assert_int_equal(partial_create(&p, store, NAME), -EEXIST);
	partial_remove(&p);
	partial_finish(&p);
}

static void only_what_earlier_runs_left_is_swept(void **state)
{
	static const char *const kept[] = {DUMP_PARTIAL "run-1", "web.elf", ".other"};
	size_t i;

	assert_int_equal(mkdir(store, 0700), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(write_file(in_store(kept[i]), "x", 1, 0600), 0);
	assert_int_equal(write_file(in_store(DUMP_PARTIAL "before-1"), "x", 1, 0600), 0);
	assert_int_equal(symlink("/etc/passwd", in_store(DUMP_PARTIAL "before-2")), 0);
	partial_sweep(store, "run");
	for (i = 0; i < 3; i++)
		assert_int_equal(access(in_store(kept[i]), F_OK), 0);
	assert_int_equal(access(in_store(DUMP_PARTIAL "before-1"), F_OK), -1);
	assert_int_equal(access(in_store(DUMP_PARTIAL "before-2"), F_OK), -1);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_file_gets_its_name_when_it_is_complete),
		IN_FOLDER(a_file_has_no_name_before_it_is_on_the_disk),
		IN_FOLDER(a_file_that_was_swapped_or_not_written_is_none),
		IN_FOLDER(a_store_that_is_not_only_ours_is_refused),
		IN_FOLDER(a_file_that_is_there_is_not_taken),
		IN_FOLDER(only_what_earlier_runs_left_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
