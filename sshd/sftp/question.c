/* Task: ask the tree, for a request. Owner: the server. */
#include <errno.h>

#include "sshd/sftp/server.h"

uint32_t question_next(struct sftpd *s, struct request *r)
{
	r->question = ++s->last_question;
	if (r->question == 0) /* none */
		r->question = ++s->last_question;
	return r->question;
}

enum request_step question_asked(struct sftpd *s, struct request *r, int error)
{
	if (!error)
		return STEP_ASKED;
	r->question = 0;
	if (error == -EAGAIN) {
		s->tree_full = true;
		return STEP_LATER;
	}
	reply_error(s, r->id, error, NULL);
	return STEP_DONE;
}

enum request_step question_ask(struct sftpd *s, struct request *r, tree_ask_fn ask)
{
	return question_asked(s, r, ask(s->config.tree_arg, question_next(s, r), r->path));
}
