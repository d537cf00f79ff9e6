/* Task: see deeds.h. Knows nothing of logins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "broker/audit/deeds.h"
#include "broker/audit/fold.h"
#include "core/log.h"

struct deed {
	LIST_ENTRY(deed) entry;
	const char *event; /* constant text */
	char verb[FOLD_VERB_MAX], vm[UUID_TEXT];
	unsigned single, single_max; /* records of their own in this window */
	struct fold fold;
};

LIST_HEAD(deed_list, deed);

struct doer {
	LIST_ENTRY(doer) entry;
	char *identity;
	struct deed_list deeds;
	size_t count;
	unsigned single, single_max; /* of all its deeds */
	struct deed others;
};

struct deeds {
	struct loop *loop;
	struct audit *audit;
	struct loop_timer *window; /* armed while there is somebody */
	uint64_t window_us;
	LIST_HEAD(, doer) list;
	size_t count;
};

/* --- windows --- */

/* False: it has been quiet. */
static bool begin_deed(struct deeds *d, const struct doer *who, struct deed *deed)
{
	unsigned long long count = deed->fold.count;
	bool goes_on = fold_notify(&deed->fold, d->audit, "of this login", NULL);

	deed->single = 0;
	deed->single_max = goes_on ? DEEDS_SINGLE_ON : DEEDS_SINGLE;
	if (goes_on)
		log_info("%s: %llu more of what the audit calls %s%s%s", who->identity, count,
			deed->fold.event, *deed->fold.verb ? " of " : "", deed->fold.verb);
	return goes_on;
}

static bool begin_window(struct deeds *d, struct doer *who)
{
	bool goes_on = begin_deed(d, who, &who->others);
	struct deed *deed, *next;

	for (deed = LIST_FIRST(&who->deeds); deed; deed = next) {
		next = LIST_NEXT(deed, entry);
		if (begin_deed(d, who, deed)) {
			goes_on = true;
			continue;
		}
		LIST_REMOVE(deed, entry);
		who->count--;
		free(deed);
	}
	who->single = 0;
	who->single_max = goes_on ? DEEDS_SINGLE_ALL_ON : DEEDS_SINGLE_ALL;
	return goes_on;
}

static void free_doer(struct deeds *d, struct doer *who)
{
	struct deed *deed;

	while ((deed = LIST_FIRST(&who->deeds))) {
		LIST_REMOVE(deed, entry);
		free(deed);
	}
	LIST_REMOVE(who, entry);
	d->count--;
	free(who->identity);
	free(who);
}

static void on_window(void *arg)
{
	struct deeds *d = arg;
	struct doer *who, *next;

	for (who = LIST_FIRST(&d->list); who; who = next) {
		next = LIST_NEXT(who, entry);
		if (!begin_window(d, who))
			free_doer(d, who);
	}
	if (d->count)
		loop_timer_set(d->window, d->window_us, 0);
}

/* --- who, and what --- */

static struct doer *find_doer(struct deeds *d, const char *identity)
{
	struct doer *who;

	LIST_FOREACH (who, &d->list, entry) {
		if (strcmp(who->identity, identity) == 0)
			return who;
	}
	who = d->count < DEEDS_DOERS ? calloc(1, sizeof(*who)) : NULL;
	if (!who)
		return NULL;
	who->identity = strdup(identity);
	if (!who->identity) {
		free(who);
		return NULL;
	}
	LIST_INIT(&who->deeds);
	who->single_max = DEEDS_SINGLE_ALL;
	who->others.single_max = DEEDS_SINGLE;
	LIST_INSERT_HEAD(&d->list, who, entry);
	d->count++;
	return who;
}

static struct deed *find_deed(struct doer *who, const char *event, const char *verb, const char *vm)
{
	struct deed *deed;

	LIST_FOREACH (deed, &who->deeds, entry) {
		if (strcmp(deed->event, event) == 0 && strcmp(deed->verb, verb) == 0 &&
			strcasecmp(deed->vm, vm) == 0)
			return deed;
	}
	deed = who->count < DEEDS_KINDS ? calloc(1, sizeof(*deed)) : NULL;
	if (!deed)
		return &who->others;
	deed->event = event;
	snprintf(deed->verb, sizeof(deed->verb), "%s", verb);
	snprintf(deed->vm, sizeof(deed->vm), "%s", vm);
	deed->single_max = DEEDS_SINGLE;
	LIST_INSERT_HEAD(&who->deeds, deed, entry);
	who->count++;
	return deed;
}

void deeds_write(struct deeds *d, const struct audit_record *record, bool is_known)
{
	struct doer *who = record->identity ? find_doer(d, record->identity) : NULL;
	struct deed *deed;

	if (!who) {
		audit_write(d->audit, record);
		return;
	}
	if (!loop_timer_armed(d->window))
		loop_timer_set(d->window, d->window_us, 0);
	deed = find_deed(who, record->event, is_known && record->verb ? record->verb : "",
		record->vm_uuid ? record->vm_uuid : "");
	if (deed->single >= deed->single_max || who->single >= who->single_max) {
		fold_add(&deed->fold, record);
		return;
	}
	deed->single++;
	who->single++;
	audit_write(d->audit, record);
}

/* --- life --- */

int deeds_create(struct loop *loop, struct audit *audit, uint64_t window_us, struct deeds **out)
{
	struct deeds *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->audit = audit;
	d->window_us = window_us;
	LIST_INIT(&d->list);
	r = loop_timer_add(loop, &d->window, on_window, d);
	if (r < 0) {
		free(d);
		return r;
	}
	*out = d;
	return 0;
}

void deeds_destroy(struct deeds **out)
{
	struct deeds *d = *out;
	struct doer *who, *next;

	if (!d)
		return;
	*out = NULL;
	for (who = LIST_FIRST(&d->list); who; who = next) {
		next = LIST_NEXT(who, entry);
		(void)begin_window(d, who);
		free_doer(d, who);
	}
	loop_timer_del(&d->window);
	free(d);
}
