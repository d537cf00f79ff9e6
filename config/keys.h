/*
 * The one table of sections and keys. Parser, checks, --print-config, sample and the test of the
 * manual are driven by it: a new key is a field in config/config.h, a row in config/keys.c, and an
 * entry in man/vmconsoled.conf.5.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_TEXT_MAX 900 /* bytes of a text or URI whose row says no max */
#define KEY_PATH_MAX 512 /* the same for a path */

/* What the default of a path begins with that stands below the configured folder. */
#define KEY_IN_STATE_DIR "STATE_DIR/"
#define KEY_IN_RUN_DIR "RUN_DIR/"

enum config_section {
	SECTION_DAEMON,
	SECTION_HYPERVISOR,
	SECTION_SSH,
	SECTION_HTTPS,
	SECTION_LISTEN,
	SECTION_AUTH,
	SECTION_AUDIT,
	SECTION_CONSOLE,
	SECTION_HISTORY,
	SECTION_DUMP,
	SECTION_RECORD,
	SECTION_ACCESS,
	SECTION_COUNT
};

/* The type of a value, and of its field. */
enum key_type {
	KEY_BOOL,      /* bool */
	KEY_NUMBER,    /* uint64_t */
	KEY_SIZE,      /* uint64_t, bytes */
	KEY_DURATION,  /* uint64_t, microseconds */
	KEY_WORD,      /* an enum: the index in words */
	KEY_ESCAPE,    /* int, as value_escape */
	KEY_TEXT,      /* char *, %XX decoded */
	KEY_PATH,      /* char *, %XX decoded; absolute, or "" where the default is "" */
	KEY_URI,       /* char *, as it is written: a URI has its own %XX */
	KEY_LIST,      /* struct config_list of any texts */
	KEY_PATHS,     /* struct config_list of absolute paths, globs allowed */
	KEY_WHO,       /* struct config_list of KIND:PATTERN */
	KEY_RIGHTS,    /* unsigned, of enum right */
	KEY_ADDRESSES, /* struct config_addresses */
};

struct section {
	enum config_section section;
	const char *name;
	bool named;      /* [NAME ANYTHING], any number of them */
	bool reloadable; /* named ones: whether they may come, change and go in a running daemon */
	size_t offset;   /* plain ones: of the sub-struct in struct config */
	/* Named ones: where struct config has their array and its length, and how large one is.
	 * Each begins with a struct config_origin. */
	size_t array, count, size;
	const char *example; /* named ones: a name for the sample */
	const char *help;
};

struct key {
	enum config_section section;
	const char *name;
	enum key_type type;
	size_t offset;       /* in the section's struct */
	const char *def;     /* the default as it would be written; NULL: the key is required.
				Paths may begin with KEY_IN_STATE_DIR or KEY_IN_RUN_DIR */
	const char *example; /* for the sample, where def is NULL or "" */
	uint64_t min, max;   /* inclusive; of the number, bytes of a text, items of a list;
				max 0: what the type allows */
	const char *const *words;
	bool reloadable; /* takes effect on reload; else on restart */
	const char *help;
};

extern const struct section config_sections[SECTION_COUNT];
extern const struct key config_keys[];
extern const size_t config_key_count;

/* Kinds of identities, NULL-terminated: those of auth/identity.h. */
extern const char *const config_who_kinds[];

/* NULL if there is none. */
const struct section *section_find(const char *name);
const struct key *key_find(enum config_section section, const char *name);

/* The struct that holds the section's fields; of a named section, its element number i. */
struct config;
void *section_struct(const struct config *c, enum config_section section, size_t i);

/* 1 for a plain section. */
size_t section_instances(const struct config *c, enum config_section section);

#endif
