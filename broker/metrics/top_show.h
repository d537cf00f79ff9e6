/* A sample of top_sample.h for people, or for programs. */
#ifndef BROKER_METRICS_TOP_SHOW_H
#define BROKER_METRICS_TOP_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "broker/channel/channel.h"

struct top_sample;

#define TOP_ROWS_MAX 1000 /* of either list; who uses most */

/*
 * As text. on_screen: from the top of a terminal that is drawn over, as much as its window holds,
 * and in colour; else whole.
 */
void top_show(FILE *out, const struct top_sample *s, bool on_screen, struct channel_window window);

/* docs/json.md; NULL: no memory. */
json_t *top_json(const struct top_sample *s);

#endif
