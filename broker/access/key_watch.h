/*
 * Sees changes of the files and folders that logins are judged by, and loads them again, off the
 * loop; and of the keys and certificates of [https]. Owned by the broker.
 */
#ifndef BROKER_ACCESS_KEY_WATCH_H
#define BROKER_ACCESS_KEY_WATCH_H

#include "broker/access/credentials.h"
#include "core/loop.h"

struct key_watch;

#define KEY_WATCH_FOLDERS_MAX 256
#define KEY_WATCH_SETTLE_US (30 * LOOP_MSEC) /* changes that come together are one */
#define KEY_WATCH_STOP_US LOOP_SECOND

struct key_watch_owner {
	/* What has been told about the credentials in force; looked at at once. */
	const struct reports *(*reports)(void *arg);
	/* Takes fresh over. */
	void (*loaded)(void *arg, struct credentials *fresh);
	/* The server's key or certificate is another one. */
	void (*server_changed)(void *arg);
	void *arg;
};

/* Without inotify nothing is seen, and that is logged. 0, -ENOMEM ... */
int key_watch_create(
	struct loop *loop, const struct key_watch_owner *owner, struct key_watch **out) MUST_CHECK;
void key_watch_destroy(struct key_watch **out);

/* After a (re)load: from now on these are watched; a load under way is of no use any more. */
int key_watch_set(struct key_watch *w, const struct config *config) MUST_CHECK;

#endif
