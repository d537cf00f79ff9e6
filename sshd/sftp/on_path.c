/* Task: requests on a path that need one query at most. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sshd/sftp/server.h"

static enum request_step ask_stat(struct sftpd *s, struct request *r, bool follow)
{
	uint32_t query = query_next(s, r);

	return query_asked(s, r, s->config.tree->stat(s->config.tree_arg, query, r->path, follow));
}

enum request_step stat_start(struct sftpd *s, struct request *r)
{
	return ask_stat(s, r, true);
}

/* "link/" is what the link leads to. */
enum request_step lstat_start(struct sftpd *s, struct request *r)
{
	return ask_stat(s, r, r->folder);
}

bool stat_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	if (a->error)
		reply_error(s, r->id, a->error, a->reason);
	else if (r->folder && !S_ISDIR(a->attr.mode))
		reply_error(s, r->id, -ENOTDIR, NULL);
	else
		reply_attrs(s, r->id, &a->attr);
	return true;
}

/* By its text alone: no name on the way has to exist. */
enum request_step realpath_start(struct sftpd *s, struct request *r)
{
	const char *path = r->row->subject == ON_PATH ? r->path : s->config.home;

	reply_path(s, r->id, path, strlen(path));
	return STEP_DONE;
}

enum request_step readlink_start(struct sftpd *s, struct request *r)
{
	if (s->config.tree->readlink)
		return query_ask(s, r, s->config.tree->readlink);
	reply_status(s, r->id, SFTP_FAILURE, "Not a link");
	return STEP_DONE;
}

bool readlink_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	if (!a->error && a->len < TREE_PATH_MAX)
		reply_path(s, r->id, a->data, a->len);
	else
		reply_error(s, r->id, a->error, a->reason);
	return true;
}

enum sftp_status remove_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	return s->config.tree->remove ? SFTP_OK : SFTP_PERMISSION_DENIED;
}

enum request_step remove_start(struct sftpd *s, struct request *r)
{
	if (!r->folder)
		return query_ask(s, r, s->config.tree->remove);
	reply_error(s, r->id, -EISDIR, NULL);
	return STEP_DONE;
}

bool remove_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	if (a->error)
		reply_error(s, r->id, a->error, a->reason);
	else
		reply_status(s, r->id, SFTP_OK, NULL);
	return true;
}

/* Where there is no room to ask for it is asked whether there is such a path. */
enum request_step statvfs_start(struct sftpd *s, struct request *r)
{
	if (s->config.tree->space)
		return query_ask(s, r, s->config.tree->space);
	return ask_stat(s, r, true);
}

bool statvfs_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	if (a->error)
		reply_error(s, r->id, a->error, a->reason);
	else
		reply_space(s, r->id, s->config.tree->space ? &a->space : NULL);
	return true;
}
