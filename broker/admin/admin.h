/* The verbs for administrators: rows of the table. */
#ifndef BROKER_ADMIN_ADMIN_H
#define BROKER_ADMIN_ADMIN_H

#include "broker/verb/verb.h"

extern const struct verb verb_audit, verb_doctor, verb_explain, verb_hostkeys, verb_journal,
	verb_kick, verb_reload, verb_sources, verb_ticket;

#endif
