/* The figures of logins: attempts, and what goes on at this moment. */
#ifndef BROKER_METRICS_METRICS_LOGINS_H
#define BROKER_METRICS_METRICS_LOGINS_H

#include "broker/metrics/exposition.h"

struct verb_call;

/* 0 or -ENOMEM. */
int metrics_logins(struct exposition *e, const struct verb_call *call)
	__attribute__((warn_unused_result));

#endif
