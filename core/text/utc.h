/* Moments as they are shown to people and programs: RFC 3339, in UTC. */
#ifndef CORE_TEXT_UTC_H
#define CORE_TEXT_UTC_H

#include <stdint.h>

#define UTC_TEXT 32

/* "2026-11-22T13:40:00Z" of seconds since 1970; "-" of what no calendar holds. Returns out. */
const char *utc_text(int64_t seconds, char out[UTC_TEXT]);

#endif
