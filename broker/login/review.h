/*
 * After a change of what logins are judged by: all of them are judged again, whole and half done,
 * and with them what goes on in them (broker/login/judge.h), and who has leased a keyboard. Owned
 * by the broker.
 */
#ifndef BROKER_LOGIN_REVIEW_H
#define BROKER_LOGIN_REVIEW_H

#include "core/loop.h"

struct broker_context;
struct review;

/* A file that is written anew is gone for a moment: nobody is put out for that. */
#define REVIEW_SOON_US (2 * LOOP_SECOND)

/* context is looked into at each review. */
int review_create(const struct broker_context *context, struct review **out) MUST_CHECK;
void review_destroy(struct review **out);

/* At once: somebody has asked for it. Helper commands are asked again, too, and what they answer
 * leads to another review. */
void review_now(struct review *r);

/* Within REVIEW_SOON_US; many changes are one. arg is the review. */
void review_soon(void *arg);

#endif
