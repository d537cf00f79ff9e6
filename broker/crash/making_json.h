/* A dump that is being made, as JSON: for dumps and status. */
#ifndef BROKER_CRASH_MAKING_JSON_H
#define BROKER_CRASH_MAKING_JSON_H

#include <jansson.h>

struct making_info;

json_t *making_json(const struct making_info *info);

#endif
