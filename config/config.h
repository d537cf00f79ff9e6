/*
 * The configuration of vmconsoled: read-only once loaded, never shared with run-time state.
 *
 * A field's meaning, default and limits are those of its row in config/keys.c and of
 * vmconsoled.conf(5). Durations are microseconds, sizes bytes; texts are never NULL, "" when
 * empty, and hold no %XX any more. Everything belongs to the struct config.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/listen_address.h"
#include "config/ini/errors.h"
#include "config/list.h"
#include "config/rights.h"
#include "config/values.h"
#include "core/log.h"

#define CONFIG_FILE_MAX (1u << 20) /* bytes of one file */
#define CONFIG_DROPINS_MAX 256     /* files in conf.d */
#define CONFIG_SECTIONS_MAX 2000   /* [hypervisor] and [access] sections, each */
#define CONFIG_LISTEN_MAX 16       /* addresses of one listen key */
#define CONFIG_LISTENS_MAX 16      /* [listen] sections */
#define CONFIG_RUN_DIR_MAX 90      /* bytes: the control socket's path must fit sun_path */
#define CONFIG_DUMP_DIRECTORIES_MAX 31
#define CONFIG_FILES_LENT 512      /* files that clients read at once: the ssh door has them */
#define CONFIG_FILES_LENT_USER 256 /* of one identity */
#define CONFIG_DESCRIPTORS_OTHER                                                                   \
	1024 /* beside connections and their channels: consoles, libvirt                           \
	      */

struct config_addresses {
	struct config_address *items;
	size_t count;
};

struct config_daemon {
	char *state_dir; /* absolute, no trailing slash (so are all paths) */
	char *run_dir;
	enum log_level log_level;
	char *door_user; /* "": a number that nobody has */
};

struct config_ssh {
	struct config_addresses listen; /* may be none where a [listen] section has ssh */
	char *host_keys;                /* folder; STATE_DIR/hostkeys if not configured */
	uint64_t login_grace;
	uint64_t max_connections;
	uint64_t max_unauthenticated;
	uint64_t max_unauthenticated_per_source;
	uint64_t max_unauthenticated_per_net;
	uint64_t early_drop;
	uint64_t max_per_source;
	uint64_t max_channels; /* of one connection */
	uint64_t max_auth_tries;
	uint64_t idle_timeout; /* 0: none */
	char *banner;          /* may hold newlines; "" for none */
};

struct config_https {
	struct config_addresses listen; /* config/protocols.h says whether there is https */
	char *certificate, *key;        /* files; "" without https */
	char *upstream;                 /* config/upstream.h reads it; "": nothing is forwarded */
	char *upstream_ca;              /* file; "" unless the upstream speaks TLS */
	char *upstream_certificate, *upstream_key; /* files; "": we have none for it */
	char *upstream_name;                       /* in its certificate; "": its address */
	uint64_t upstream_timeout;
	uint64_t ssh_key_time;                                /* 0: no key can be deposited */
	struct config_list console_auth, dump_auth, rpc_auth; /* config/https_auth.h reads them */
};

struct config_auth {
	struct config_list authorized_keys;   /* absolute paths or globs of them */
	struct config_list vdsm_certificates; /* the same, or folders */
	struct config_list vdsm_ca, vdsm_crl;
	struct config_list ssh_user_ca;
	struct config_list revoked_keys;
	bool vdsm_tickets;
	char *key_command; /* "" or a command line: an absolute path and blank-separated words */
	char *console_command; /* the same */
	uint64_t command_timeout;
	uint64_t command_cache;
	uint64_t penalty; /* 0: nobody is slowed */
	uint64_t penalty_max;
	uint64_t penalty_forget;
	uint64_t penalty_refuse;  /* failures; 0: never */
	uint64_t penalty_sources; /* remembered at once */
};

struct config_audit {
	char *file; /* STATE_DIR/audit.jsonl if not configured */
	uint64_t rotate_size;
	uint64_t rotate_keep; /* older files beside it */
	bool strict;          /* no login without its record */
};

enum config_writers { CONFIG_WRITERS_ONE, CONFIG_WRITERS_MANY };
enum config_take { CONFIG_TAKE_WAIT, CONFIG_TAKE_FORCE };

struct config_console {
	int escape; /* the control character, or VALUE_ESCAPE_NONE */
	uint64_t linger;
	uint64_t linger_max;
	uint64_t history_memory; /* of one console */
	uint64_t keep_open;
	enum config_writers writers;
	enum config_take take;
	struct config_list unix_dirs;      /* absolute paths, as they stand in a domain's XML */
	struct config_list panic_patterns; /* plain texts */
	char *on_panic;                    /* "" for none */
	uint64_t max_waits;
	uint64_t max_waits_per_user;
};

enum config_record {
	CONFIG_RECORD_AUTO,
	CONFIG_RECORD_ALL,
	CONFIG_RECORD_ATTACHED,
	CONFIG_RECORD_NONE
};

struct config_history {
	enum config_record record;
	uint64_t size;  /* files of one console, bytes */
	uint64_t total; /* of all; 0: no limit */
	uint64_t age;   /* 0: for ever */
};

struct config_dump {
	struct config_list directories; /* absolute paths */
	char *store;                    /* STATE_DIR/dumps if not configured */
	uint64_t max_parallel;          /* that are made at once */
	uint64_t size;                  /* of one guest's in store, bytes; 0: no limit */
	uint64_t total;                 /* of all in store; 0: no limit */
	uint64_t age;                   /* of each in store; 0: for ever */
};

/* Where a named section stands. The first field of each of them. */
struct config_origin {
	char *name; /* "local" of [hypervisor local] */
	char *file;
	unsigned line;
};

struct config_hypervisor {
	struct config_origin at;
	char *uri;
	char *sasl_user;
	char *sasl_password_file;
};

/* A port of several protocols, or of plain http for this host. */
struct config_listen {
	struct config_origin at;
	struct config_addresses address; /* at least one */
	struct config_list protocols;    /* "ssh", "https"; or "http" alone */
	char *group;                     /* that may connect to its unix sockets; "": none */
	uint64_t sniff_timeout;
};

struct config_access {
	struct config_origin at;
	struct config_list who; /* KIND:PATTERN, or "ticket"; config/keys.h has the kinds */
	struct config_list vms; /* patterns and UUIDs */
	unsigned allow;         /* enum right, never 0 */
	char *require;          /* "" or factors joined by + */
	uint64_t lines;         /* of history that a session on a terminal begins with, at most */
};

struct config_record_rule {
	struct config_origin at;
	struct config_list vms;
	enum config_record record;
};

struct config_places; /* which line set which key */

struct config {
	struct config_daemon daemon;
	struct config_ssh ssh;
	struct config_https https;
	struct config_auth auth;
	struct config_audit audit;
	struct config_console console;
	struct config_history history;
	struct config_dump dump;
	/* In the order of the files. Never empty: without any, one "local", qemu:///system. */
	struct config_hypervisor *hypervisors;
	size_t hypervisor_count;
	struct config_listen *listens;
	size_t listen_count;
	struct config_access *accesses;
	size_t access_count;
	struct config_record_rule *records;
	size_t record_count;

	struct config_places *places;
};

/*
 * Reads path and, after it, conf.d/NAME.conf beside it in the order of their names. A drop-in may
 * set a key again (the last one counts) and may not repeat a named section.
 * 0, perhaps with warnings in errors; -EINVAL with the mistakes, all of them, in errors and *out
 * untouched; -ENOMEM. errors begins with {0}.
 */
int config_load(const char *path, struct config **out, struct config_errors *errors)
	__attribute__((warn_unused_result));

/* The configuration of an empty file. 0 or -ENOMEM. */
int config_default(struct config **out) __attribute__((warn_unused_result));

void config_free(struct config *c);

/* Where a key of a plain section was set: *file NULL when it has its default. */
void config_place(const struct config *c, const char *section, const char *key, const char **file,
	unsigned *line);

/* Descriptors one process may need when every maximum of c is reached. */
uint64_t config_descriptors(const struct config *c);

/*
 * Whether the maxima fit the hard limit of descriptors (RLIMIT_NOFILE; RLIM_INFINITY fits
 * anything). 0, or -EINVAL with the reason and the keys to lower in errors.
 */
int config_check_descriptors(const struct config *c, uint64_t hard_limit,
	struct config_errors *errors) __attribute__((warn_unused_result));

/* The whole effective configuration in the files' own syntax: loaded again it is the same. 0 or
 * -errno of the stream. */
int config_print(FILE *out, const struct config *c) __attribute__((warn_unused_result));

/* A commented file with every key at its default. */
int config_sample(FILE *out) __attribute__((warn_unused_result));

/*
 * Before new takes the place of old: each key that differs but cannot change in a running daemon
 * is named in warnings and set back in new, so that new is what is in force. 0 or -ENOMEM.
 */
int config_reload_check(const struct config *old, struct config *new,
	struct config_errors *warnings) __attribute__((warn_unused_result));

#endif
