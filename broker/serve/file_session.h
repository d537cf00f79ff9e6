/*
 * A file client's channel in the broker: what the door asks for it, answered with the rights that
 * the login has at that moment. It hands out descriptors for reading, never a path.
 *
 * One query at a time: the line is not read until it is answered, so nothing waits here but the
 * answer. A file stays lent until the door says what was given of it, or the channel is closed.
 */
#ifndef BROKER_SERVE_FILE_SESSION_H
#define BROKER_SERVE_FILE_SESSION_H

#include <stddef.h>

struct channel;

#define FILE_LENT_MAX 128    /* of one channel */
#define FILE_REFUSALS_MAX 64 /* of one channel that are recorded one by one */

/* client: enum wire_client; command: that of scp. */
void file_session_begin(struct channel *channel, unsigned client, const char *command, size_t len);

#endif
