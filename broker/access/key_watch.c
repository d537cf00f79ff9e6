/*
 * Task: notice that a key file has changed. Owner: the broker. Knows no key.
 *
 * Folders are watched, not files: a file is mostly replaced, not written. Of a folder's many events
 * only those count whose name could be one of ours, since others (a log, say) may live there too.
 */
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/access/key_watch.h"
#include "config/protocols.h"
#include "config/values.h"
#include "core/io.h"
#include "core/job.h"
#include "core/log.h"
#include "core/file/error_text.h"

#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |        \
		IN_DELETE_SELF | IN_MOVE_SELF)
#define FOLDER_CHANGED (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW)
#define ITEMS_MAX 4096

/* What a file is of. */
enum subject { OF_LOGINS = 1 << 0, OF_SERVER = 1 << 1 };

/* Of [https]: key and certificate, and those for the upstream, and its authorities. */
#define SERVER_FILES 5

struct item {
	enum subject subject;
	int wd;
	char *name;
	int pattern;
};

struct load_job {
	struct key_watch *watch;
	unsigned generation;
	struct credential_paths paths;
	struct reports reports;
	struct credentials *fresh;
	int error;
	char why[CREDENTIALS_WHY_MAX];
};

struct key_watch {
	struct loop *loop;
	struct key_watch_owner owner;
	struct job_pool *pool;
	struct loop_timer *settle;
	struct loop_io *io;
	int fd;
	struct credential_paths paths;
	char *server[SERVER_FILES]; /* NULL: there is none */
	unsigned changed;           /* enum subject, until it has settled */
	struct item *items;
	size_t item_count;
	unsigned generation;
	int loading, again;
};

/* --- what to watch --- */

static void add_item(struct key_watch *w, enum subject subject, const char *folder,
	const char *name, int pattern)
{
	struct item *more;
	int wd;

	if (w->item_count == ITEMS_MAX)
		return;
	wd = inotify_add_watch(w->fd, folder, EVENTS | IN_ONLYDIR);
	if (wd < 0)
		return; /* it is not there, and the loader has said so */
	more = reallocarray(w->items, w->item_count + 1, sizeof(*more));
	if (!more)
		return;
	w->items = more;
	more[w->item_count] = (struct item){subject, wd, strdup(name), pattern};
	if (more[w->item_count].name)
		w->item_count++;
}

/* The folder may be a pattern itself. */
static void add_in(struct key_watch *w, enum subject subject, const char *folder, const char *name,
	int pattern)
{
	glob_t found;
	size_t i;

	if (!value_is_glob(folder)) {
		add_item(w, subject, folder, name, pattern);
		return;
	}
	if (glob(folder, GLOB_ONLYDIR, NULL, &found) == 0) {
		for (i = 0; i < found.gl_pathc && i < KEY_WATCH_FOLDERS_MAX; i++)
			add_item(w, subject, found.gl_pathv[i], name, pattern);
		globfree(&found);
	}
}

static void add_path(struct key_watch *w, enum subject subject, const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
	struct stat st;

	if (slash) {
		*slash = '\0';
		add_in(w, subject, *folder ? folder : "/", slash + 1, value_is_glob(slash + 1));
	}
	free(folder);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		add_item(w, subject, path, "*", 1);
}

static void add_list(struct key_watch *w, const struct config_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		add_path(w, OF_LOGINS, list->items[i]);
}

static void drop_items(struct key_watch *w)
{
	size_t i;

	for (i = 0; i < w->item_count; i++)
		free(w->items[i].name);
	free(w->items);
	w->items = NULL;
	w->item_count = 0;
	loop_io_del(&w->io);
	fd_close(&w->fd);
}

static void on_events(void *arg, uint32_t revents);

/* A fresh descriptor forgets all old watches at once. */
static void watch_all(struct key_watch *w)
{
	char room[ERROR_TEXT_ROOM];

	drop_items(w);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || loop_io_add(w->loop, &w->io, w->fd, EPOLLIN, on_events, w) < 0) {
		log_warning("changes of key files will not be seen until a reload: inotify: %s",
			errno == EMFILE ? "too many watchers of this user: raise "
					  "fs.inotify.max_user_instances with sysctl"
					: error_text_shortage(errno, room));
		fd_close(&w->fd);
		return;
	}
	add_list(w, &w->paths.keys);
	add_list(w, &w->paths.ssh_cas);
	add_list(w, &w->paths.certificates);
	add_list(w, &w->paths.cas);
	add_list(w, &w->paths.crls);
	add_list(w, &w->paths.revoked);
	for (size_t i = 0; i < SERVER_FILES; i++) {
		if (w->server[i])
			add_path(w, OF_SERVER, w->server[i]);
	}
}

/* --- loading --- */

static void load_work(void *arg)
{
	struct load_job *job = arg;

	job->error = credentials_load(&job->paths, &job->reports, &job->fresh, job->why);
}

static void begin_load(struct key_watch *w);

static void load_done(void *arg)
{
	struct load_job *job = arg;
	struct key_watch *w = job->watch;

	w->loading = 0;
	if (job_cancelled(w->pool) || job->generation != w->generation)
		credentials_destroy(job->fresh);
	else if (job->error < 0)
		log_error("keys are not loaded again: %s; those in force stay", job->why);
	else
		w->owner.loaded(w->owner.arg, job->fresh);
	credential_paths_finish(&job->paths);
	free(job);
	if (w->again)
		begin_load(w);
}

static void copy_back(const struct credential_paths *from, struct config_auth *to)
{
	*to = (struct config_auth){.authorized_keys = from->keys,
		.ssh_user_ca = from->ssh_cas,
		.vdsm_certificates = from->certificates,
		.vdsm_ca = from->cas,
		.vdsm_crl = from->crls,
		.revoked_keys = from->revoked};
}

static void begin_load(struct key_watch *w)
{
	struct load_job *job;
	struct config_auth lists;

	w->again = w->loading;
	if (w->loading)
		return;
	watch_all(w); /* before reading: what changes from now on is seen again */
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->watch = w;
	job->generation = w->generation;
	job->reports = *w->owner.reports(w->owner.arg);
	copy_back(&w->paths, &lists);
	if (credential_paths_copy(&lists, &job->paths) < 0 ||
		job_submit(w->pool, load_work, load_done, job) < 0) {
		credential_paths_finish(&job->paths);
		free(job);
		log_error("keys are not loaded again: out of memory");
		return;
	}
	w->loading = 1;
}

static void on_settled(void *arg)
{
	struct key_watch *w = arg;
	unsigned changed = w->changed;

	w->changed = 0;
	if (changed & OF_LOGINS)
		begin_load(w);
	else
		watch_all(w); /* before reading, here too */
	if (changed & OF_SERVER)
		w->owner.server_changed(w->owner.arg);
}

/* --- events --- */

/* enum subject. */
static unsigned concerned(const struct key_watch *w, const struct inotify_event *e)
{
	unsigned subjects = 0;
	size_t i;

	if (e->mask & FOLDER_CHANGED)
		return OF_LOGINS | OF_SERVER;
	for (i = 0; e->len && i < w->item_count; i++) {
		const struct item *item = &w->items[i];

		if (item->wd != e->wd)
			continue;
		if (item->pattern ? fnmatch(item->name, e->name, FNM_PERIOD) == 0
				  : strcmp(item->name, e->name) == 0)
			subjects |= item->subject;
	}
	return subjects;
}

static void on_events(void *arg, uint32_t revents)
{
	_Alignas(struct inotify_event) char room[8192];
	struct key_watch *w = arg;
	ssize_t len, at;

	while ((len = read(w->fd, room, sizeof(room))) > 0) {
		for (at = 0; at < len;) {
			const struct inotify_event *e = (const void *)(room + at);

			w->changed |= concerned(w, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	if (w->changed && !loop_timer_armed(w->settle))
		loop_timer_set(w->settle, KEY_WATCH_SETTLE_US, LOOP_MSEC);
}

/* --- life --- */

/* Whatever goes wrong, the old ones go. */
static int set_server(struct key_watch *w, const struct config *config)
{
	const struct config_https *https = &config->https;
	const char *paths[SERVER_FILES] = {https->key, https->certificate, https->upstream_key,
		https->upstream_certificate, https->upstream_ca};
	int r = 0;

	for (size_t i = 0; i < SERVER_FILES; i++) {
		bool wanted = config_has_web(config) && *paths[i];

		free(w->server[i]);
		w->server[i] = wanted ? strdup(paths[i]) : NULL;
		if (!w->server[i] && wanted)
			r = -ENOMEM;
	}
	return r;
}

int key_watch_set(struct key_watch *w, const struct config *config)
{
	struct credential_paths paths;
	int r = credential_paths_copy(&config->auth, &paths);

	if (r < 0)
		return r;
	w->generation++;
	credential_paths_finish(&w->paths);
	w->paths = paths;
	r = set_server(w, config);
	watch_all(w);
	/* What changed since the reload read the files would go unseen: they are read once more. */
	w->changed |= OF_LOGINS;
	loop_timer_set(w->settle, KEY_WATCH_SETTLE_US, LOOP_MSEC);
	return r;
}

int key_watch_create(struct loop *loop, const struct key_watch_owner *owner, struct key_watch **out)
{
	struct key_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->owner = *owner;
	w->fd = -1;
	r = loop_timer_add(loop, &w->settle, on_settled, w);
	if (!r)
		r = job_pool_create(loop, "keys", 1, 1, &w->pool);
	if (r < 0) {
		loop_timer_del(&w->settle);
		free(w);
		return r;
	}
	*out = w;
	return 0;
}

void key_watch_destroy(struct key_watch **out)
{
	struct key_watch *w = *out;

	if (!w)
		return;
	*out = NULL;
	w->generation++;
	w->again = 0;
	job_pool_destroy(&w->pool, KEY_WATCH_STOP_US);
	drop_items(w);
	loop_timer_del(&w->settle);
	credential_paths_finish(&w->paths);
	for (size_t i = 0; i < SERVER_FILES; i++)
		free(w->server[i]);
	if (!w->loading) /* else the thread that hangs keeps it */
		free(w);
}
