/* The verbs about crash dumps: rows of the table. */
#ifndef BROKER_CRASH_CRASH_H
#define BROKER_CRASH_CRASH_H

#include "broker/verb/verb.h"

extern const struct verb verb_dmesg, verb_dump, verb_dumps;

#endif
