/* What is known of dumps: when a file changes while it is read, how many are read, what is kept. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "broker/files/file_store_private.h"
#include "broker/sidecar/sidecars.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "core/io.h"

#define DEADLINE_US (100 * LOOP_SECOND)
#define VM_UUID "d2b6c2b2-6f4e-4a0a-9f39-6d8c3f6a2a11"
#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WORDS "the-last-words"

struct world {
	char folder[64], store[80];
	struct config config;
	struct console_options options;
	enum console_record record;
	struct loop *loop;
	struct directory *directory;
	struct file_store *files;
	struct sidecars *sidecars;
	struct file_look *look;
	struct dump_file seen; /* the first of the last look */
	bool looked, hashed;
	int error;
};

#define RUN_UNTIL(w, condition)                                                                    \
	for (uint64_t end_ = loop_now((w)->loop) + DEADLINE_US; !(condition);) {                   \
		assert_true(loop_turn((w)->loop, 100 * LOOP_MSEC) >= 0);                           \
		assert_true(loop_now((w)->loop) < end_);                                           \
	}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->folder, sizeof(w->folder), "/tmp/test_sidecars.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->store, sizeof(w->store), "%s/dumps", w->folder);
	assert_int_equal(mkdir(w->store, 0700), 0);
	w->config.dump.store = w->store;
	w->config.daemon.state_dir = w->folder;
	w->loop = loop_create();
	assert_int_equal(file_store_create(w->loop, w->folder, &w->files), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	sidecars_destroy(&w->sidecars);
	directory_destroy(&w->directory);
	file_store_destroy(&w->files);
	loop_destroy(w->loop);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	free(w);
	return system(command);
}

static void path_of(const struct world *w, const char *name, char out[512])
{
	snprintf(out, 512, "%s/%s", w->store, name);
}

static void on_looked(void *arg, int error, struct dump_list *list)
{
	struct world *w = arg;

	assert_int_equal(error, 0);
	assert_true(list->count > 0);
	w->seen = list->files[0];
	w->looked = true;
	w->look = NULL;
}

static void look(struct world *w)
{
	w->looked = false;
	assert_int_equal(file_look(w->files, &w->config, on_looked, w, &w->look), 0);
	RUN_UNTIL(w, w->looked);
}

static void begin(struct world *w)
{
	const struct sidecars_services services = {w->loop, w->files, w->directory};

	assert_int_equal(sidecars_create(&services, &w->config, &w->sidecars), 0);
}

/* --- a host that is short of something --- */

static unsigned shortages; /* to come */

EVP_MD_CTX *__real_EVP_MD_CTX_new(void);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void);

EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void)
{
	if (shortages == 0)
		return __real_EVP_MD_CTX_new();
	shortages--;
	return NULL;
}

static void a_dump_is_read_later_when_memory_was_short(void **state)
{
	struct world *w = *state;
	char path[512];

	path_of(w, "dump", path);
	assert_int_equal(write_file(path, "x", 1, 0600), 0);
	shortages = 1;
	begin(w);
	look(w);
	RUN_UNTIL(w, shortages == 0);
	assert_null(sidecars_find(w->sidecars, &w->seen));
	look(w);
	RUN_UNTIL(w, sidecars_find(w->sidecars, &w->seen));
	assert_int_equal(strlen(sidecars_find(w->sidecars, &w->seen)->sum.sha256), 64);
}

/* --- a file that changes --- */

static void on_hashed(void *arg, int error, const struct hashed *result)
{
	struct world *w = arg;

	w->hashed = true;
	w->error = error;
}

/* Change does something to the descriptor between two turns of the thread. */
static int hash(struct world *w, void (*change)(int fd))
{
	struct job_pool *pool;
	struct hashing *hashing;
	char path[512];
	int fd;

	path_of(w, "dump", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2 * HASHING_TURN), 0);
	look(w);
	assert_int_equal(job_pool_create(w->loop, "hashing", 1, 1, &pool), 0);
	assert_int_equal(
		hashing_begin(w->loop, pool, dup(fd), &w->seen, on_hashed, w, &hashing), 0);
	RUN_UNTIL(w, job_pending(pool) == 1);
	RUN_UNTIL(w, job_pending(pool) == 0);
	assert_false(w->hashed);
	change(fd);
	RUN_UNTIL(w, w->hashed);
	job_pool_destroy(&pool, LOOP_SECOND);
	close(fd);
	return w->error;
}

static void leave_it(int fd)
{
}

static void shorten(int fd)
{
	assert_int_equal(ftruncate(fd, HASHING_TURN), 0);
}

/* What was read before, and not what comes; until the kernel's clock has gone on. */
static void write_into_it(int fd)
{
	struct stat before, after;

	assert_int_equal(fstat(fd, &before), 0);
	do {
		assert_int_equal(pwrite(fd, "x", 1, 0), 1);
		assert_int_equal(fstat(fd, &after), 0);
	} while (memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) == 0);
}

static void a_file_that_stays_has_a_sum(void **state)
{
	assert_int_equal(hash(*state, leave_it), 0);
}

static void a_file_that_is_written_to_while_it_is_read_has_none(void **state)
{
	assert_int_equal(hash(*state, write_into_it), -ESTALE);
}

static void a_file_that_is_shortened_while_it_is_read_has_none(void **state)
{
	assert_int_equal(hash(*state, shorten), -ESTALE);
}

/* --- how many --- */

static void remember(const char *path, FILE *f)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	fprintf(f, "%" PRIu64 " 0 %" PRId64 " " SUM " 0 0 0 -\n", (uint64_t)st.st_ino,
		(int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
}

static unsigned opened;

int __real_file_open(struct file_store *store, const struct config *config,
	const struct dump_file *file, file_opened_fn done, void *arg, struct file_look **out);
int __wrap_file_open(struct file_store *store, const struct config *config,
	const struct dump_file *file, file_opened_fn done, void *arg, struct file_look **out);

int __wrap_file_open(struct file_store *store, const struct config *config,
	const struct dump_file *file, file_opened_fn done, void *arg, struct file_look **out)
{
	opened++;
	return __real_file_open(store, config, file, done, arg, out);
}

/* It would be read again and again, for there is no place for what it came to. */
static void no_more_are_read_than_are_kept(void **state)
{
	struct world *w = *state;
	char path[512], name[16];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sidecars", w->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i <= SIDECARS_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		path_of(w, name, path);
		assert_int_equal(write_file(path, "", 0, 0600), 0);
		if (i < SIDECARS_MAX)
			remember(path, f);
	}
	fclose(f);
	begin(w);
	opened = 0;
	look(w);
	assert_int_equal(opened, 0);
}

/* --- what the console said --- */

static enum console_record record_mode(
	void *arg, const struct guest *g, const struct device *device)
{
	return ((struct world *)arg)->record;
}

/* A guest that printed, crashed or was dumped, and printed more. */
static void make_guest(struct world *w, enum journal_mark_kind kind)
{
	char path[512], name[DUMP_FILE_MAX];
	struct console *console;
	struct uuid uuid;
	FILE *f;

	snprintf(path, sizeof(path), "%s/guests", w->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, VM_UUID " 4000000000 serial:0 web\n");
	fclose(f);
	w->options = (struct console_options){.history_memory = 65536,
		.state_dir = w->folder,
		.record = record_mode,
		.record_arg = w};
	assert_int_equal(directory_create(w->loop, w->folder, &w->options, &w->directory), 0);
	assert_int_equal(uuid_parse(VM_UUID, &uuid), 0);
	assert_int_equal(guest_console(directory_by_uuid(w->directory, &uuid), NULL, &console), 0);
	journal_append(console_journal(console), WORDS "\n", strlen(WORDS "\n"));
	journal_mark(console_journal(console), kind, "why");
	journal_append(console_journal(console), "later\n", strlen("later\n"));
	dump_name_make("web", &uuid, time(NULL), "elf", name);
	path_of(w, name, path);
	assert_int_equal(write_file(path, "x", 1, 0600), 0);
}

/* Whether the words are in the file of the state, behind a stop. */
static bool are_written(struct world *w)
{
	char path[512], *text;
	size_t len;
	bool found;

	sidecars_destroy(&w->sidecars);
	snprintf(path, sizeof(path), "%s/sidecars", w->folder);
	assert_int_equal(read_file(path, 1 << 20, &text, &len), 0);
	assert_non_null(strstr(text, " 1 ")); /* the dump's line, with its size */
	found = strstr(text, WORDS) != NULL;
	free(text);
	return found;
}

static const struct sidecar *find_words(
	struct world *w, enum console_record record, enum journal_mark_kind kind)
{
	w->record = record;
	make_guest(w, kind);
	begin(w);
	look(w);
	RUN_UNTIL(w, sidecars_find(w->sidecars, &w->seen));
	return sidecars_find(w->sidecars, &w->seen);
}

static void the_place_is_where_the_guest_crashed(void **state)
{
	const struct sidecar *found = find_words(*state, CONSOLE_RECORD_ALL, JOURNAL_CRASH);

	assert_int_equal(found->offset, strlen(WORDS "\n"));
	assert_string_equal(found->text, WORDS "\n");
}

static void another_mark_is_none_of_a_dump(void **state)
{
	assert_null(find_words(*state, CONSOLE_RECORD_ALL, JOURNAL_BOOT)->text);
}

static bool keeps_words(struct world *w, enum console_record record)
{
	assert_string_equal(find_words(w, record, JOURNAL_DUMP)->text, WORDS "\n");
	return are_written(w);
}

static void the_last_words_of_a_console_that_is_recorded_are_kept(void **state)
{
	assert_true(keeps_words(*state, CONSOLE_RECORD_ALL));
}

/* Its output may hold what must not lie on a disk. */
static void those_of_one_that_is_not_are_in_memory_only(void **state)
{
	assert_false(keeps_words(*state, CONSOLE_RECORD_NONE));
}

/* A look that was cut says of no dump that it has gone. */
static void behind_a_look_that_was_cut_all_are_kept_and_freed(void **state)
{
	struct world *w = *state;
	const struct sidecar *found = find_words(w, CONSOLE_RECORD_ALL, JOURNAL_CRASH);
	const struct dump_list seen = {.files = &w->seen, .count = 1, .cut = true};
	const struct dump_list others = {.cut = true};

	w->files->watch(w->files->watch_arg, &others);
	w->files->watch(w->files->watch_arg, &seen);
	assert_ptr_equal(sidecars_find(w->sidecars, &w->seen), found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {TEST(a_dump_is_read_later_when_memory_was_short),
		TEST(a_file_that_stays_has_a_sum),
		TEST(a_file_that_is_written_to_while_it_is_read_has_none),
		TEST(a_file_that_is_shortened_while_it_is_read_has_none),
		TEST(no_more_are_read_than_are_kept), TEST(the_place_is_where_the_guest_crashed),
		TEST(another_mark_is_none_of_a_dump),
		TEST(the_last_words_of_a_console_that_is_recorded_are_kept),
		TEST(those_of_one_that_is_not_are_in_memory_only),
		TEST(behind_a_look_that_was_cut_all_are_kept_and_freed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
