/* The figures of consoles, one by one and together. */
#ifndef BROKER_METRICS_METRICS_CONSOLES_H
#define BROKER_METRICS_METRICS_CONSOLES_H

#include "broker/metrics/exposition.h"

struct login;

#define METRICS_CONSOLES_MAX 1000 /* that have figures of their own: 1 MiB of text */

/* Of the guests that the login may see, by name. 0 or -ENOMEM. */
int metrics_consoles(struct exposition *e, const struct login *login)
	__attribute__((warn_unused_result));

#endif
