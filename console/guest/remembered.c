/*
 * Task: keep the list of seen guests on disk. Owner: the directory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <time.h>

#include "console/guest/remembered.h"
#include "core/io.h"
#include "core/log.h"
#include "core/trouble.h"

#define SAVE_DELAY_US (2 * LOOP_SECOND)
#define FILE_MAX ((size_t)8 << 20)
#define PATH_ROOM 4096
#define JOB_WAIT_US LOOP_SECOND

struct remembered {
	struct loop *loop;
	struct directory *directory;
	char path[PATH_ROOM];
	struct loop_timer *timer;
	struct job_pool *pool;
	int writing;
};

struct write_job {
	struct remembered *owner;
	char path[PATH_ROOM];
	char *text;
	size_t len;
	int error;
};

/* --- writing --- */

/* Name bytes that would break a line; %XX as in the configuration. */
static void put_name(FILE *f, const char *name)
{
	const unsigned char *p;

	for (p = (const unsigned char *)name; *p; p++) {
		if (*p <= ' ' || *p == '%' || *p == 0x7f)
			fprintf(f, "%%%02X", *p);
		else
			fputc(*p, f);
	}
}

static int render(struct remembered *r, struct write_job *job)
{
	FILE *f = open_memstream(&job->text, &job->len);
	uint64_t oldest = (uint64_t)time(NULL) - DIRECTORY_REMEMBER_SECONDS;
	size_t cursor = 0, count = 0;
	struct guest *g;

	if (!f)
		return -errno;
	fputs("# vmconsoled: guests that were seen. UUID, last seen, slot, name\n", f);
	while ((g = directory_next(r->directory, &cursor)) && count < DIRECTORY_REMEMBERED_MAX) {
		const struct devices *devices = guest_devices(g);
		char slot[DEVICE_SLOT_MAX] = "serial:0";

		if (guest_last_seen(g) < oldest)
			continue;
		if (devices->main < devices->count)
			device_slot(&devices->list[devices->main], slot);
		fprintf(f, "%s %" PRIu64 " %s ", guest_uuid_text(g), guest_last_seen(g), slot);
		put_name(f, guest_name(g));
		fputc('\n', f);
		count++;
	}
	if (fclose(f) != 0) {
		free(job->text);
		return -ENOMEM;
	}
	return 0;
}

static void write_work(void *arg)
{
	struct write_job *job = arg;

	job->error = write_file(job->path, job->text, job->len, 0600);
}

static void write_done(void *arg)
{
	struct write_job *job = arg;
	char room[TROUBLE_ROOM];

	if (job->error)
		log_error("cannot write %s: %s", job->path,
			trouble_text(job->path, -job->error, W_OK, room));
	job->owner->writing = 0;
	free(job->text);
	free(job);
}

static struct write_job *prepare(struct remembered *r)
{
	struct write_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->owner = r;
	memcpy(job->path, r->path, sizeof(job->path));
	if (render(r, job) < 0) {
		free(job);
		return NULL;
	}
	return job;
}

static void on_save(void *arg)
{
	struct remembered *r = arg;
	struct write_job *job;

	if (r->writing) {
		remembered_changed(r);
		return;
	}
	job = prepare(r);
	if (!job)
		return;
	r->writing = 1;
	if (job_submit(r->pool, write_work, write_done, job) < 0) {
		job->error = -EAGAIN;
		write_done(job);
	}
}

void remembered_changed(struct remembered *r)
{
	if (!loop_timer_armed(r->timer))
		loop_timer_set(r->timer, SAVE_DELAY_US, LOOP_SECOND);
}

/* --- reading --- */

/* Undoes put_name, in place. */
static void get_name(char *name)
{
	char *in, *out = name;

	for (in = name; *in; in++) {
		unsigned byte;

		if (*in == '%' && sscanf(in + 1, "%2x", &byte) == 1 && byte) {
			*out++ = (char)byte;
			in += 2;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

static int load_line(char *line, uint64_t oldest, remembered_fn fn, void *arg)
{
	char uuid_word[UUID_TEXT], slot[DEVICE_SLOT_MAX];
	uint64_t seen;
	struct uuid uuid;
	int at = 0;

	if (*line == '\0' || *line == '#')
		return 0;
	if (sscanf(line, "%36s %" SCNu64 " %23s %n", uuid_word, &seen, slot, &at) != 3 || !at)
		return -EBADMSG;
	if (uuid_parse(uuid_word, &uuid) < 0 || strlen(line + at) >= (size_t)PLACE_NAME_MAX * 3)
		return -EBADMSG;
	get_name(line + at);
	if (seen >= oldest)
		fn(arg, &uuid, line + at, seen, slot);
	return 0;
}

void remembered_load(struct remembered *r, remembered_fn fn, void *arg)
{
	uint64_t oldest = (uint64_t)time(NULL) - DIRECTORY_REMEMBER_SECONDS;
	char *text, *line, *save = NULL, room[TROUBLE_ROOM];
	int bad = 0, error;
	size_t len;

	error = read_file(r->path, FILE_MAX, &text, &len);
	if (error) {
		if (error != -ENOENT)
			log_error("cannot read %s: %s", r->path,
				trouble_text(r->path, -error, R_OK, room));
		return;
	}
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		bad += load_line(line, oldest, fn, arg) < 0;
	if (bad)
		log_warning("%s: %d damaged lines left out", r->path, bad);
	free(text);
}

/* --- life --- */

int remembered_create(
	struct loop *loop, const char *state_dir, struct directory *d, struct remembered **out)
{
	struct remembered *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->directory = d;
	if ((size_t)snprintf(r->path, sizeof(r->path), "%s/guests", state_dir) >= sizeof(r->path)) {
		free(r);
		return -ENAMETOOLONG;
	}
	error = loop_timer_add(loop, &r->timer, on_save, r);
	if (!error)
		error = job_pool_create(loop, "files", 1, 8, &r->pool);
	if (error) {
		loop_timer_del(&r->timer);
		free(r);
		return error;
	}
	*out = r;
	return 0;
}

void remembered_destroy(struct remembered **out)
{
	struct remembered *r = *out;
	struct write_job *job;

	if (!r)
		return;
	*out = NULL;
	job_pool_destroy(&r->pool, JOB_WAIT_US);
	if (loop_timer_armed(r->timer) && (job = prepare(r))) {
		write_work(job);
		write_done(job);
	}
	loop_timer_del(&r->timer);
	free(r);
}
