/* Numbers and times as users write them in the options of verbs. Pure but for the clock. */
#ifndef BROKER_VERB_TEXT_VALUE_H
#define BROKER_VERB_TEXT_VALUE_H

#include <stdint.h>

/* Decimal digits only. 0 or -EINVAL. */
int text_number(const char *text, uint64_t *out) __attribute__((warn_unused_result));

/*
 * A time, to microseconds since 1970: RFC 3339 ("2026-11-22T13:40:00Z", with +HH:MM too),
 * "2026-11-22 13:40[:00]" and "2026-11-22" in UTC, "@SECONDS", or a duration ("10m": so long ago).
 * Seconds may have a fraction.
 */
int text_time(const char *text, uint64_t *out) __attribute__((warn_unused_result));

#endif
