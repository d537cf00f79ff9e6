/* What a verb says when its watch has ended. */
#ifndef BROKER_SCRIPT_WAIT_ANSWER_H
#define BROKER_SCRIPT_WAIT_ANSWER_H

#include <stdbool.h>

#include "broker/verb/json.h"
#include "broker/watch/watch.h"

/* The lines that hold the match, to standard output. */
void wait_answer_text(struct channel *channel, const struct matcher_found *found, bool raw);

/* {"pattern":0,"text":"...","start":N,"end":N} of what was found, or with "pattern":null of quiet:
 * added to *object, which is made when NULL. With raw, each character of text is one byte. */
void wait_answer_json(json_t **object, const struct watch_end *end, bool raw);

/* Ends the channel with the watch's status, its reason and the offset. */
void wait_answer_exit(struct channel *channel, const struct watch_end *end);

/* The watch could not begin: -errno of watch_create. */
void wait_answer_refused(struct channel *channel, int error);

#endif
