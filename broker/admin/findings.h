/* What is wrong, and what to do about it: the answer of the verb doctor. A value. */
#ifndef BROKER_ADMIN_FINDINGS_H
#define BROKER_ADMIN_FINDINGS_H

#include <stddef.h>

struct verb_call;
struct channel;

#define FINDINGS_MAX 64
#define FINDING_TEXT_MAX 1024

struct finding {
	const char *check; /* constant: "no-serial-device" */
	char text[FINDING_TEXT_MAX];
	char cure[FINDING_TEXT_MAX]; /* "": the text says it, or there is none */
};

struct findings {
	size_t count;
	struct finding list[FINDINGS_MAX];
};

/* One more is dropped. Both texts may hold foreign bytes. */
void findings_add(struct findings *f, const char *check, const char *cure, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Ends the channel: with 0 when there are none. vm: whose they are; NULL: the host's. */
void findings_answer(const struct findings *f, struct channel *channel, const char *vm, int json);

#endif
