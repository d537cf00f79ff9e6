/* The verbs for scripts: functions of rows of the table. */
#ifndef BROKER_SCRIPT_SCRIPT_H
#define BROKER_SCRIPT_SCRIPT_H

struct verb_call;

void verb_wait(struct verb_call *call);
void verb_send(struct verb_call *call);
void verb_run(struct verb_call *call);

#endif
