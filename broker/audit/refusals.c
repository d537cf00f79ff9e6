/* Task: see refusals.h. Knows nothing of logins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "broker/audit/fold.h"
#include "broker/audit/refusals.h"
#include "core/text/fnv.h"
#include "core/log.h"
#include "core/text/net_address.h"

#define V6_BITS 64

struct refuser {
	LIST_ENTRY(refuser) entry;
	char key[REFUSALS_KEY_MAX];
	unsigned single, single_max; /* records of their own in this window */
	struct fold fold;
};

/* A text that has been said, by its hash: two that collide cost one line in the log. */
struct said {
	uint64_t hash, at;
};

struct refusals {
	struct loop *loop;
	struct audit *audit;
	struct loop_timer *window; /* armed while there is somebody */
	uint64_t window_us;
	LIST_HEAD(, refuser) list;
	size_t count;
	unsigned single; /* of all, in this window */
	struct refuser others;
	struct said said[REFUSALS_SAID]; /* a ring */
	size_t next_said;
};

/* --- what stands for many --- */

/* False: it has been quiet. */
static bool tell(struct refusals *r, struct refuser *who)
{
	int is_others = who == &r->others;
	unsigned long long count = who->fold.count;

	if (!fold_notify(&who->fold, r->audit, "of this source", is_others ? "several" : NULL))
		return false;
	log_info("%llu more logins from %s refused; the last one as %s: %s", count,
		is_others ? "several sources" : who->key, who->fold.login, who->fold.reason);
	return true;
}

static bool begin_window(struct refusals *r, struct refuser *who)
{
	bool goes_on = tell(r, who);

	who->single = 0;
	who->single_max = goes_on ? 1 : REFUSALS_SINGLE;
	return goes_on;
}

static void on_window(void *arg)
{
	struct refusals *r = arg;
	struct refuser *who, *next;
	bool somebody = begin_window(r, &r->others);

	r->single = 0;
	for (who = LIST_FIRST(&r->list); who; who = next) {
		next = LIST_NEXT(who, entry);
		if (begin_window(r, who)) {
			somebody = true;
			continue;
		}
		LIST_REMOVE(who, entry);
		r->count--;
		free(who);
	}
	if (somebody)
		loop_timer_set(r->window, r->window_us, 0);
}

/* --- who it is --- */

static void source_key(const char *key, char out[REFUSALS_KEY_MAX])
{
	struct net_address address;
	char text[ADDRESS_TEXT_MAX];

	if (address_parse(key, &address) < 0 || address.size != 16) {
		snprintf(out, REFUSALS_KEY_MAX, "%s", key);
		return;
	}
	address_mask(&address, V6_BITS);
	address_text(&address, text);
	snprintf(out, REFUSALS_KEY_MAX, "%s/%d", text, V6_BITS);
}

static struct refuser *find(struct refusals *r, const char *key)
{
	char wanted[REFUSALS_KEY_MAX];
	struct refuser *who;

	source_key(key, wanted);
	LIST_FOREACH (who, &r->list, entry) {
		if (strcmp(who->key, wanted) == 0)
			return who;
	}
	who = r->count < REFUSALS_SOURCES ? calloc(1, sizeof(*who)) : NULL;
	if (!who)
		return &r->others;
	memcpy(who->key, wanted, sizeof(who->key));
	who->single_max = REFUSALS_SINGLE;
	LIST_INSERT_HEAD(&r->list, who, entry);
	r->count++;
	return who;
}

bool refusals_add(struct refusals *r, const char *key, const struct audit_record *record)
{
	struct refuser *who = find(r, key);

	if (!loop_timer_armed(r->window))
		loop_timer_set(r->window, r->window_us, 0);
	if (who->single >= who->single_max || r->single >= REFUSALS_SINGLE_ALL) {
		fold_add(&who->fold, record);
		return false;
	}
	who->single++;
	r->single++;
	audit_write(r->audit, record);
	return true;
}

/* --- what has been said --- */

bool refusals_is_new(struct refusals *r, const char *key, const char *text)
{
	uint64_t now = loop_now(r->loop), hash;
	char source[REFUSALS_KEY_MAX];

	source_key(key, source);
	hash = fnv_add(FNV_BEGIN, source, strlen(source) + 1);
	hash = fnv_add(hash, text, strlen(text));
	for (size_t i = 0; i < REFUSALS_SAID; i++) {
		const struct said *s = &r->said[i];

		if (s->hash == hash && s->at && now - s->at < REFUSALS_SAID_US)
			return false;
	}
	r->said[r->next_said] = (struct said){hash, now};
	r->next_said = (r->next_said + 1) % REFUSALS_SAID;
	return true;
}

/* --- life --- */

int refusals_create(
	struct loop *loop, struct audit *audit, uint64_t window_us, struct refusals **out)
{
	struct refusals *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->audit = audit;
	r->window_us = window_us;
	r->others.single_max = REFUSALS_SINGLE;
	LIST_INIT(&r->list);
	error = loop_timer_add(loop, &r->window, on_window, r);
	if (error < 0) {
		free(r);
		return error;
	}
	*out = r;
	return 0;
}

void refusals_destroy(struct refusals **out)
{
	struct refusals *r = *out;
	struct refuser *who;

	if (!r)
		return;
	*out = NULL;
	(void)tell(r, &r->others);
	while ((who = LIST_FIRST(&r->list))) {
		LIST_REMOVE(who, entry);
		(void)tell(r, who);
		free(who);
	}
	loop_timer_del(&r->window);
	free(r);
}
