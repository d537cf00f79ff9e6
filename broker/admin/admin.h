/* The verbs for administrators: functions of rows of the table. */
#ifndef BROKER_ADMIN_ADMIN_H
#define BROKER_ADMIN_ADMIN_H

struct verb_call;

void verb_kick(struct verb_call *call);
void verb_explain(struct verb_call *call);
void verb_ticket(struct verb_call *call);
void verb_audit(struct verb_call *call);
void verb_journal(struct verb_call *call);
void verb_reload(struct verb_call *call);
void verb_sources(struct verb_call *call);

#endif
