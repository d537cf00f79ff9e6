/*
 * What broker.c (beginning and end), broker_config.c and broker_doors.c share. Nobody else includes
 * it.
 */
#ifndef BROKER_BROKER_PRIVATE_H
#define BROKER_BROKER_PRIVATE_H

#include <sys/signalfd.h>

#include "broker/access/auth_services.h"
#include "broker/broker.h"
#include "broker/listen/endpoint.h"
#include "broker/connections/connections.h"
#include "broker/login/context.h"
#include "broker/login/login_counts.h"
#include "broker/connections/ports.h"
#include "console/guest/console.h"
#include "core/shares.h"

enum { ENDPOINT_SSH, ENDPOINT_HTTPS, ENDPOINTS };

enum broker_state { BROKER_RUNNING, BROKER_STOPPING, BROKER_STOPPING_DOORS };

struct broker {
	struct broker_options options;
	enum broker_state state;
	struct broker_context context; /* what is handed down; config and the rest are its names */
	struct config *config;         /* context.config */
	struct auth_services services;
	struct review *review;
	struct record_rules *record_rules;
	struct panic_commands *panic_commands;
	struct virt_loop *virt;
	struct login_list logins;
	struct share_list checks;
	struct login_counts counts;
	struct endpoint *endpoints[ENDPOINTS]; /* NULL: not configured */
	struct connections_port doors_of[ENDPOINTS];
	struct connections_port plain; /* http without TLS, to the https door */
	struct ports *ports;           /* of several protocols; NULL before its time */
	unsigned doors;                /* that have not stopped */
	struct control *control;
	struct loop_signal *on_term, *on_int, *on_hup;
	struct loop_timer *stop;
	int lock_fd;
};

/* broker_config.c: the configuration in force, and another one. */
/* Keys and rules, at the start; what is wrong is printed. 0 or -errno. */
int broker_load(struct broker *b) MUST_CHECK;
/* As broker_context.reload, arg the broker. */
int broker_reload(void *arg, struct config_errors *errors) MUST_CHECK;
void broker_on_reload(void *arg, const struct signalfd_siginfo *info);
void broker_console_options(
	struct broker *b, const struct config *config, struct console_options *o);
/* Logs them one by one, and forgets them. */
void broker_log_errors(struct config_errors *errors);

/* broker_doors.c: the doors, their listeners, the match worker. */
/* Whether the doors' keys can be had. 0, or -errno, which has been logged. */
int broker_check_keys(struct broker *b) MUST_CHECK;
int broker_start_doors(struct broker *b, loop_fn connection_closed) MUST_CHECK;
void broker_stop_doors(struct broker *b);
/* The https door gets its key and certificate as they are now. */
void broker_renew_keys(struct broker *b);
/* What the configuration says to doors and worker. */
void broker_give_settings(struct broker *b);

#endif
