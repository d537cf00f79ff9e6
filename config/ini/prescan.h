/*
 * Reads the bytes of a configuration file before iniparser does, and refuses, with the line
 * number, whatever iniparser would silently mangle (cut values at ; and #, fold names to lower
 * case, lose sections with a colon, let the last of two keys win, join lines, give up at 1024
 * bytes) and whatever no person could see. Pure.
 *
 * The grammar that is left:
 *	line    = blank* [ comment | section | entry ] blank* "\n"
 *	comment = ( "#" | ";" ) text		text does not end in a backslash
 *	section = "[" KIND [ " " NAME ] "]"	KIND: a-z0-9_ ; NAME: a-z0-9._- ; lower case
 *	entry   = KEY blank* "=" blank* value	KEY: a-z0-9_ ; value without ; # " ' and backslash
 * in printable UTF-8, a line no longer than PRESCAN_LINE_MAX, each section once, each key once in
 * its section.
 */
#ifndef CONFIG_INI_PRESCAN_H
#define CONFIG_INI_PRESCAN_H

#include <stddef.h>

#define PRESCAN_LINE_MAX 1000    /* bytes without the newline; iniparser gives up at 1023 */
#define PRESCAN_NAME_MAX 64      /* bytes of a section header's inside, and of a key */
#define PRESCAN_ENTRIES_MAX 8192 /* sections and keys of one file */

/*
 * A section header (key and value NULL) or a key of the section before it. After mistakes only,
 * section may be "": a header that was refused, and the keys below it.
 */
struct prescan_entry {
	const char *section;
	const char *key;
	const char *value;
	unsigned line; /* from 1 */
};

/* In the order of the file. Strings belong to the prescan. */
struct prescan {
	struct prescan_entry *entries;
	size_t count;
	char *text;
};

/* Told once per mistake. */
typedef void (*prescan_error_fn)(void *arg, unsigned line, const char *text);

/*
 * 0; -EINVAL after at least one call of error, with what could be understood in out all the same;
 * -ENOMEM. In each case out is to be finished.
 */
int prescan(const char *data, size_t len, struct prescan *out, prescan_error_fn error, void *arg)
	__attribute__((warn_unused_result));

void prescan_finish(struct prescan *p);

#endif
