/* Task: see state_file.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "core/file/state_file.h"
#include "core/file/error_text.h"

#define SAVE_DELAY_US (2 * LOOP_SECOND)
#define JOB_WAIT_US LOOP_SECOND
#define PATH_ROOM 4096

struct state_file {
	struct state_file_options o;
	char path[PATH_ROOM];
	struct loop_timer *timer;
	struct job_pool *pool;
	bool writing;
};

struct write_job {
	struct state_file *owner;
	char path[PATH_ROOM];
	char *text;
	size_t len;
	int error;
};

/* --- names --- */

void state_file_put_name(FILE *f, const char *name)
{
	const unsigned char *p;

	for (p = (const unsigned char *)name; *p; p++) {
		if (*p <= ' ' || *p == '%' || *p == 0x7f)
			fprintf(f, "%%%02X", *p);
		else
			fputc(*p, f);
	}
}

void state_file_get_name(char *name)
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

/* --- writing --- */

static void write_work(void *arg)
{
	struct write_job *job = arg;

	job->error = write_file(job->path, job->text, job->len, 0600);
}

static void write_done(void *arg)
{
	struct write_job *job = arg;
	char room[ERROR_TEXT_ROOM];

	if (job->error)
		log_error("cannot write %s: %s", job->path,
			error_text(job->path, -job->error, W_OK, room));
	job->owner->writing = false;
	free(job->text);
	free(job);
}

static struct write_job *prepare(struct state_file *s)
{
	struct write_job *job = calloc(1, sizeof(*job));
	FILE *f = job ? open_memstream(&job->text, &job->len) : NULL;

	if (!f) {
		free(job);
		return NULL;
	}
	job->owner = s;
	memcpy(job->path, s->path, sizeof(job->path));
	s->o.render(s->o.arg, f);
	if (fclose(f) != 0) {
		free(job->text);
		free(job);
		return NULL;
	}
	return job;
}

static void on_save(void *arg)
{
	struct state_file *s = arg;
	struct write_job *job;

	if (s->writing) {
		state_file_changed(s);
		return;
	}
	job = prepare(s);
	if (!job)
		return;
	s->writing = true;
	if (job_submit(s->pool, write_work, write_done, job) < 0) {
		job->error = -EAGAIN;
		write_done(job);
	}
}

void state_file_changed(struct state_file *s)
{
	if (!loop_timer_armed(s->timer))
		loop_timer_set(s->timer, SAVE_DELAY_US, LOOP_SECOND);
}

/* --- reading --- */

void state_file_load(struct state_file *s, int (*fn)(void *arg, char *line), void *arg)
{
	char *text, *line, *save = NULL, room[ERROR_TEXT_ROOM];
	int bad = 0, error;
	size_t len;

	error = read_file(s->path, s->o.max, &text, &len);
	if (error) {
		if (error != -ENOENT)
			log_error("cannot read %s: %s", s->path,
				error_text(s->path, -error, R_OK, room));
		return;
	}
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != '#')
			bad += fn(arg, line) < 0;
	}
	if (bad)
		log_warning("%s: %d damaged lines left out", s->path, bad);
	free(text);
}

/* --- life --- */

int state_file_create(const struct state_file_options *o, struct state_file **out)
{
	struct state_file *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	if ((size_t)snprintf(s->path, sizeof(s->path), "%s/%s", o->folder, o->name) >=
		sizeof(s->path))
		r = -ENAMETOOLONG;
	if (!r)
		r = loop_timer_add(o->loop, &s->timer, on_save, s);
	if (!r)
		r = job_pool_create(o->loop, o->thread, 1, 8, &s->pool);
	if (r) {
		loop_timer_del(&s->timer);
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void state_file_destroy(struct state_file **pointer)
{
	struct state_file *s = *pointer;
	struct write_job *job;

	if (!s)
		return;
	*pointer = NULL;
	job_pool_destroy(&s->pool, JOB_WAIT_US);
	if (loop_timer_armed(s->timer) && (job = prepare(s))) {
		write_work(job);
		write_done(job);
	}
	loop_timer_del(&s->timer);
	free(s);
}
