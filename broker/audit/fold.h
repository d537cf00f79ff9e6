/*
 * Records that are counted and not written: one record stands for them, with their count and what
 * the last of them was. A value.
 */
#ifndef BROKER_AUDIT_FOLD_H
#define BROKER_AUDIT_FOLD_H

#include <stdbool.h>

#include "broker/audit/audit.h"
#include "core/text/uuid.h"

#define FOLD_TEXT_MAX 256 /* of what is kept of the last one */
#define FOLD_VERB_MAX 64

struct fold {
	uint64_t count;
	const char *event, *method; /* constant texts */
	char source[64], login[FOLD_TEXT_MAX], identity[FOLD_TEXT_MAX], client[FOLD_TEXT_MAX];
	char reason[FOLD_TEXT_MAX], verb[FOLD_VERB_MAX], vm_uuid[UUID_TEXT], vm_name[FOLD_TEXT_MAX];
};

void fold_add(struct fold *f, const struct audit_record *record);

/* Writes what has been counted, and begins anew; whose: "of this source". source: instead of the
 * last one's; NULL. False: nothing was counted. */
bool fold_notify(struct fold *f, struct audit *audit, const char *whose, const char *source);

#endif
