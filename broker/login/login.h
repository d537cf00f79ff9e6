/*
 * A login line in the broker: one connection, who it is, what it may, its channels.
 *
 * The door (or vmconsolectl) asks AUTH, gets a VERDICT, and then opens channels. Rights are
 * looked up per guest, and again after a reload. Owned by the broker.
 */
#ifndef BROKER_LOGIN_LOGIN_H
#define BROKER_LOGIN_LOGIN_H

#include <sys/queue.h>
#include <sys/socket.h>
#include <stdbool.h>

#include "auth/rules.h"
#include "broker/channel/channel.h"
#include "broker/login/context.h"
#include "wire/msg.h"

struct guest;
struct span;
struct identity;
struct login;

#define LOGIN_REASON_MAX 256

/* LOGIN_HTTP: without TLS, from this host. */
enum login_kind { LOGIN_SSH, LOGIN_HTTPS, LOGIN_HTTP, LOGIN_LOCAL };
#define LOGIN_KINDS (LOGIN_LOCAL + 1)

struct login_options {
	const struct broker_context *context;
	enum login_kind kind;
	int fd;                           /* taken over */
	uint64_t id;                      /* of the connection */
	const char *address;              /* numeric peer address; NULL over a unix socket */
	const struct ucred *peer;         /* the same; else NULL */
	void (*authenticated)(void *arg); /* once */
	/* The grace time has run out, and it ends. silent: nothing was ever asked. */
	void (*expired)(void *arg, int silent);
	void (*closed)(void *arg); /* the last word */
	void *arg;
};

int login_create(const struct login_options *options, struct login **out) MUST_CHECK;

/* Ends it and all its channels at once. */
void login_close(struct login *login, const char *why);
/* Ends its sessions with a status and a reason, then the connection. */
void login_end(struct login *login, enum status status, const char *reason);
/*
 * After every change of keys, lists, rules or helpers' answers: whether it would be let in now,
 * half done or whole. If not it is ended with STATUS_DENIED; else its rights are looked up again,
 * and sessions that lost theirs are ended by their handlers.
 */
void login_review(struct login *login);
/* Has the helper commands asked again about the entities it came in as. */
void login_ask_again(const struct login *login);

struct loop *login_loop(const struct login *login);
const struct broker_context *login_context(const struct login *login);
const char *login_tag(const struct login *login);
const char *login_name(const struct login *login); /* as the client gave it */
const char *login_who(const struct login *login);  /* identity for people, escaped */
/* NULL before it is known. */
const struct identity *login_identity(const struct login *login);
/* The client certificate, in DER, that it came in by; -ENOENT: by something else. */
int login_certificate(const struct login *login, struct span *der) MUST_CHECK;
/* "local" for the control socket, "uid 1000" for another unix socket. */
const char *login_address(const struct login *login);
bool login_has_address(const struct login *login);
#define LOGIN_LOOPBACK "127.0.0.1" /* what who has none is to who wants one */
enum login_kind login_kind(const struct login *login);
bool login_is_local(const struct login *login);
bool login_is_web(const struct login *login); /* of the https door */
/* Since when, seconds since 1970. */
int64_t login_since(const struct login *login);
struct channel *login_first_channel(const struct login *login);

/* Whether the login name means the host itself. */
bool login_is_host(const struct login *login);

unsigned login_rights(const struct login *login, const struct guest *guest);
unsigned login_host_rights(const struct login *login);
/* Lines of history that a session on a terminal begins with, at most; UINT_MAX: no such limit. */
unsigned login_lines(const struct login *login, const struct guest *guest);

/*
 * What a name means for this login: "VM" or "VM+DEVICE". 0 with *guest and *device (inside name,
 * which is changed; NULL: the main one). -ENOENT and -ENOTUNIQ with a text for the user.
 */
int login_resolve(struct login *login, char *name, struct guest **guest, const char **device,
	char text[512]) MUST_CHECK;

struct login *login_next(const struct login *login);
void login_link(struct login *login, struct login_list *list);

#endif
