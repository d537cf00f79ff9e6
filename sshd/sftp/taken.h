/*
 * What a client has been given of a file: how much, and which ranges. For the audit. Pure.
 */
#ifndef SSHD_SFTP_TAKEN_H
#define SSHD_SFTP_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAKEN_RANGES_MAX 16 /* kept apart; a client that leaps about gets `more` */

struct taken_range {
	uint64_t from, to; /* to is exclusive */
};

struct taken {
	uint64_t bytes; /* given out; what was given twice counts twice */
	unsigned count;
	bool more;                                   /* ranges were left out */
	struct taken_range ranges[TAKEN_RANGES_MAX]; /* in order, apart from each other */
};

void taken_add(struct taken *t, uint64_t from, uint64_t len);

#endif
