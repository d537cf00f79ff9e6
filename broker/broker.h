/*
 * The broker: the trusted process. Listens, supervises the doors, owns hypervisors, guests, rules
 * and logins. Everything in this folder hangs on one struct broker and asks it for its parts.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/access/access.h"
#include "broker/audit/audit.h"
#include "broker/command/external.h"
#include "broker/login/login.h"
#include "config/config.h"
#include "console/guest/directory.h"
#include "core/loop.h"

struct broker;
struct job_pool;
struct matcher;
struct refusals;
struct throttle;
struct tickets;

#define BROKER_STOP_US (4 * LOOP_SECOND) /* sessions are told and flushed; then doors end */

struct broker_options {
	const char *config_path;
	struct config *config;         /* taken over */
	const unsigned char *build_id; /* WIRE_BUILD_ID bytes */
};

/* Runs until SIGTERM; the process's exit status. */
int broker_main(const struct broker_options *options);

struct loop *broker_loop(const struct broker *b);
const struct config *broker_config(const struct broker *b);
struct directory *broker_directory(const struct broker *b);
const struct access *broker_access(const struct broker *b);
struct audit *broker_audit(const struct broker *b);
/* For refused logins. */
struct refusals *broker_refusals(const struct broker *b);
struct external *broker_external(const struct broker *b);
struct throttle *broker_throttle(const struct broker *b);
struct tickets *broker_tickets(const struct broker *b);
struct matcher *broker_matcher(const struct broker *b);
struct connections *broker_connections(const struct broker *b);
/* For reading the audit's files. */
struct job_pool *broker_readers(const struct broker *b);
/* enum wire_methods that can lead anywhere now. */
#define BROKER_TICKETS 2 /* WIRE_CAN_PASSWORD */
unsigned broker_methods(const struct broker *b);
size_t broker_hypervisor_count(const struct broker *b);
struct hypervisor *broker_hypervisor(const struct broker *b, size_t index);

/* All logins, authenticated or not. */
struct login *broker_first_login(const struct broker *b);
struct login_list *broker_logins(struct broker *b);

/* Reads the configuration again. 0, or -EINVAL and the reasons in errors: the old one stays in
 * force. Keys that cannot change while running are named in errors with a 0. */
int broker_reload(struct broker *b, struct config_errors *errors) MUST_CHECK;

#endif
