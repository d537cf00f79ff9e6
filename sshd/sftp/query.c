/* Task: ask the tree, for a request. Owner: the server. */
#include <errno.h>

#include "sshd/sftp/server.h"

uint32_t query_next(struct sftpd *s, struct request *r)
{
	return r->query = tree_query_next(&s->last_query);
}

enum request_step query_asked(struct sftpd *s, struct request *r, int error)
{
	if (!error)
		return STEP_ASKED;
	r->query = 0;
	if (error == -EAGAIN) {
		s->tree_full = true;
		return STEP_LATER;
	}
	reply_error(s, r->id, error, NULL);
	return STEP_DONE;
}

enum request_step query_ask(struct sftpd *s, struct request *r, tree_ask_fn ask)
{
	return query_asked(s, r, ask(s->config.tree_arg, query_next(s, r), r->path));
}
