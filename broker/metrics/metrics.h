/* The verbs that count: rows of the table. */
#ifndef BROKER_METRICS_METRICS_H
#define BROKER_METRICS_METRICS_H

#include "broker/verb/verb.h"

extern const struct verb verb_metrics, verb_top;

#endif
