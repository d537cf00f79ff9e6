/*
 * A broker without doors, listeners and hypervisors: what a login asks its broker for is there,
 * made of the real parts, in one process and one folder. For tests of logins and what hangs on
 * them.
 */
#ifndef LONE_BROKER_H
#define LONE_BROKER_H

#include "broker/login/login.h"
#include "wire/line.h"

struct lone_broker;

#define LONE_VM "lone-1" /* a guest that was seen once */
#define LONE_VM_UUID "6f1c2d3e-0000-4000-8000-00000000000a"

/* sections: keys of [auth], then further sections. keys: lines of authorized_keys. Whatever cannot
 * be made ends the program. */
struct lone_broker *lone_broker_create(const char *sections, const char *keys);
void lone_broker_destroy(struct lone_broker *b); /* its logins too */

const struct broker_context *lone_broker_context(const struct lone_broker *b);
const char *lone_broker_folder(const struct lone_broker *b);
/* How often somebody had the right to reload it. */
unsigned lone_broker_reloads(const struct lone_broker *b);

/* Reads keys (authorized_keys) again and judges everybody. */
void lone_broker_set_keys(struct lone_broker *b, const char *keys);

/* A connection: line is the other end of it. address: of a door's; NULL: local, of this user. */
void lone_broker_connect(struct lone_broker *b, const char *address, uid_t uid, struct line *line);
void lone_broker_connect_https(struct lone_broker *b, const char *address, struct line *line);
/* Plain http over a unix socket. */
void lone_broker_connect_http(struct lone_broker *b, uid_t uid, struct line *line);

/* Runs the loop while it has something to do, at most rounds turns. */
void lone_broker_turn(struct lone_broker *b, unsigned rounds);
/* Until a message is there (1), the line has ended (0), or seconds are over (-1). */
int lone_broker_receive(
	struct lone_broker *b, struct line *line, struct line_message *m, unsigned seconds);

#endif
