/*
 * What a login is known as: a set of facts, each of which an [access] section may name in `who`.
 * A certificate, say, is known by its subject, its organisation and the address it came from.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ovirt_consoles;

#define IDENTITY_FACTS_MAX 320

enum fact_kind {
	FACT_KEY,       /* key:SHA256:..., an SSH public key */
	FACT_CERT,      /* cert:CN=alice,O=acme, an X.509 subject (RFC 2253) or one part of it */
	FACT_PRINCIPAL, /* principal:web-team, from an OpenSSH certificate */
	FACT_USER,      /* user:alice, a local user (peer credentials) */
	FACT_TICKET,    /* ticket, a one-time password; its value names who made it */
	FACT_ENTITY,    /* entity:admin@internal, from the external key command */
	FACT_ENTITY_ID, /* entity-id:..., the same by its identifier */
	FACT_ADDRESS,   /* address:192.0.2.1, where the connection comes from */
	FACT_ACCESS,    /* access:NAME, the key's line says access="NAME" */
};
#define FACT_KINDS 9
#define FACT_BIT(kind) (1u << (kind))

struct fact {
	enum fact_kind kind;
	char *value;
};

/* Owns everything in it. */
struct identity {
	char *text;        /* "key:SHA256:...": for people and the audit; foreign bytes */
	char *comment;     /* the key's comment or certificate's key id, or ""; foreign bytes */
	char *fingerprint; /* of the key that proved it, or "" */
	struct fact *facts;
	size_t fact_count;
	bool everything; /* root and the daemon's own user: all rights on all guests */

	/* What narrows it, whatever rules give. Copies and joins keep all of it. */
	bool pty_allowed;
	char *command;          /* the only verb this login may run, or NULL */
	unsigned denied;        /* enum right bits that it never has, because of the command */
	char *access;           /* the only [access] section that counts, or NULL */
	char *only_vm;          /* UUID of the only guest this login may see, or NULL (tickets) */
	struct identity *maker; /* who made its ticket, as he would be let in now; or NULL. He may
				   have come by one himself, and so on: each of them counts */
	struct ovirt_consoles *consoles; /* the only guests, a reference; or NULL (entities) */
	int64_t until; /* seconds since 1970 from which what proved it is no longer good */
};

#define IDENTITY_FOREVER INT64_MAX

/* Makes one with a first fact, which also gives its text. 0, -ENOMEM. */
int identity_create(enum fact_kind kind, const char *value, struct identity **out)
	__attribute__((warn_unused_result));
void identity_destroy(struct identity *id);

/* A deep copy, makers and all. 0, -ENOMEM. */
int identity_copy(const struct identity *from, struct identity **out)
	__attribute__((warn_unused_result));

/*
 * Puts more's facts to those of to, and more's limits: one that only one of them has holds, two
 * must say the same. 0; -EACCES: they contradict each other; -ENOMEM, -E2BIG. After a failure to is
 * only good for identity_destroy.
 */
int identity_join(struct identity *to, const struct identity *more)
	__attribute__((warn_unused_result));

/* The value of the first fact of this kind, or NULL. */
const char *identity_fact(const struct identity *id, enum fact_kind kind);

/* Whether it may see this guest at all; NULL asks about the host itself. */
bool identity_may_see(const struct identity *id, const char *uuid);

/* It is good until then at most. */
void identity_until(struct identity *id, int64_t until);

/* Adds a fact. 0, -ENOMEM, -E2BIG. */
int identity_add(struct identity *id, enum fact_kind kind, const char *value)
	__attribute__((warn_unused_result));

/* Frees what *field holds and puts a copy of value (or NULL) there. 0, -ENOMEM. */
int identity_set(char **field, const char *value) __attribute__((warn_unused_result));

/* The FACT_BITs of the kinds it has. */
unsigned identity_kinds(const struct identity *id);

/* "key", "cert" ... of a kind, and back: 0, or -ENOENT. */
const char *fact_kind_name(enum fact_kind kind);
int fact_kind_parse(const char *name, size_t len, enum fact_kind *out)
	__attribute__((warn_unused_result));

#endif
