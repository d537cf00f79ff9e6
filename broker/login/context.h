/*
 * What the parts of the broker work with, by name. broker/broker.c makes it and hands it down: to
 * connections and logins, and from them to verbs and sessions. The functions lead upwards, to what
 * these parts must not know.
 */
#ifndef BROKER_LOGIN_CONTEXT_H
#define BROKER_LOGIN_CONTEXT_H

#include <stddef.h>
#include <sys/queue.h>

struct access;
struct audit;
struct channel;
struct config;
struct config_errors;
struct connections;
struct deeds;
struct deposits;
struct directory;
struct external;
struct file_store;
struct hypervisor;
struct job_pool;
struct keeping;
struct login;
struct login_counts;
struct loop;
struct makings;
struct worker;
struct refusals;
struct share_list;
struct sidecars;
struct throttle;
struct tickets;
struct tokens;

LIST_HEAD(login_list, login);

/* Everything is borrowed. A reload replaces config and access: nobody keeps them over a turn. */
struct broker_context {
	struct loop *loop;
	const struct config *config;
	const char *config_path; /* where it was read from */
	struct access *access;   /* keys and rules in force */
	struct directory *directory;
	struct hypervisor **hypervisors;
	size_t hypervisor_count;
	struct connections *connections;
	struct login_list *logins; /* all, authenticated or not */
	struct login_counts *counts;

	struct audit *audit;
	struct deeds *deeds;       /* what those who are in do, for the audit */
	struct refusals *refusals; /* refused logins for the audit */
	struct external *external; /* helper commands */
	struct throttle *throttle;
	struct tickets *tickets;
	struct deposits *deposits; /* keys that certificates have deposited for ssh */
	struct worker *matcher;    /* patterns in output */
	struct worker *dmesg;      /* kernels' logs */
	struct worker *upstream;   /* TLS with the upstream */
	struct worker *screens;    /* what terminals show */
	struct file_store *files;  /* dumps, and what is lent to file clients */
	struct keeping *keeping;   /* how long those of the store are kept */
	struct sidecars *sidecars; /* what is known of each: checksums and the like */
	struct makings *makings;   /* dumps that are being made */
	struct job_pool *readers;  /* reads the audit's and journals' files */
	struct share_list *checks; /* of the configuration, by doctor */

	/* What a client asks; command NULL: a shell. Answers on the channel, and ends it. */
	void (*asked)(struct channel *channel, const char *command, size_t len);
	/* A file client has come: sftp, or (scp) with this command. */
	void (*files_asked)(
		struct channel *channel, unsigned client, const char *command, size_t len);
	/* What a login that is held to this command can never do: those rights are put to *denied.
	 * 0, or -EINVAL: it is no command. */
	int (*ceiling)(const struct tokens *command, unsigned *denied);
	/* Reads the configuration again. 0, or -EINVAL and the reasons in errors: the old one stays
	 * in force. Keys that cannot change while running are named in errors with a 0. */
	int (*reload)(void *arg, struct config_errors *errors);
	void *reload_arg;
};

#endif
