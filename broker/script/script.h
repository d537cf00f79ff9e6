/* The verbs for scripts: rows of the table. */
#ifndef BROKER_SCRIPT_SCRIPT_H
#define BROKER_SCRIPT_SCRIPT_H

#include "broker/verb/verb.h"

extern const struct verb verb_lease, verb_run, verb_send, verb_wait;

#endif
