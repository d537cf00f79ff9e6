/*
 * What a journal keeps beside the bytes: marks of what happened between them, and states of those
 * who read them. Times are microseconds since 1970.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_MARK_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_MARK_H

#include <stdint.h>

#include "core/loop.h"

#define JOURNAL_MARKS_MAX 256 /* marks kept in memory; the oldest go */
#define JOURNAL_TEXT_MAX 96   /* bytes of a mark's text, terminator included; the rest is cut */

enum journal_mark_kind {
	JOURNAL_BOOT,       /* the guest was started or has rebooted */
	JOURNAL_SHUTDOWN,   /* the guest went off */
	JOURNAL_CRASH,      /* the hypervisor said so */
	JOURNAL_PANIC_TEXT, /* the guest printed something that looks like one */
	JOURNAL_ATTACH,
	JOURNAL_DETACH,
	JOURNAL_TAKEOVER,
	JOURNAL_BREAK, /* line break, sysrq, nmi: the text tells */
	JOURNAL_DUMP,
	JOURNAL_POWER, /* switched on, off, reset...: the text tells */
	JOURNAL_GAP,   /* output may be missing here, or offsets were leapt over */
	JOURNAL_KINDS
};

struct journal_mark {
	uint64_t offset;   /* the byte that came after it */
	uint64_t time;     /* when it was put down */
	uint64_t length;   /* gap: offsets leapt over, ending at offset; 0 else */
	uint64_t duration; /* gap: microseconds it lasted; 0 else or unknown */
	enum journal_mark_kind kind;
	char text[JOURNAL_TEXT_MAX]; /* who, why; foreign bytes escaped. Never a secret */
};

/* The word that names a kind in listings and in files, and back (-EINVAL). */
const char *journal_kind_name(enum journal_mark_kind kind);
int journal_kind_parse(const char *name, enum journal_mark_kind *kind) MUST_CHECK;

#define JOURNAL_WORD_MAX 192 /* bytes of one, terminator included; printable ASCII, no blank */

struct journal_state {
	uint64_t offset; /* of the next byte */
	char word[JOURNAL_WORD_MAX];
};

#endif
