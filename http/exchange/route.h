/*
 * Which request asks for which verb: one table, a row each. The door knows no verb: it puts a
 * command together that the broker reads as it reads one that came by ssh. Pure.
 */
#ifndef HTTP_EXCHANGE_ROUTE_H
#define HTTP_EXCHANGE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/parse/request.h"
#include "http/parse/target.h"

#define ROUTE_COMMAND_MAX 8192

enum route_kind {
	ROUTE_HEALTH, /* answered here, for everybody */
	ROUTE_STREAM, /* endless: what has gone out cannot be taken back */
	ROUTE_WHOLE,  /* an answer with an end */
	ROUTE_TYPED,  /* the same, for who says output=no */
	ROUTE_VERB,   /* JSON in and out: its status is that of the whole answer */
	ROUTE_FILE,   /* bytes of a file, of a size that is known */
};

/* By what a client may be known is said for each of these. */
enum route_group { ROUTE_CONSOLE, ROUTE_DUMP, ROUTE_RPC };

struct route {
	enum http_method method;
	const char *path; /* segments; a star is the VM, a question mark a file's name */
	enum route_kind kind;
	bool types;       /* the body is typed into the guest */
	const char *verb; /* with its fixed options; of a file: its path, or that of its folder */
	const char *json; /* the option that gives JSON, where the client accepts it; or NULL */
	const char *parameters; /* of the query that become options, separated by blanks */
	const char *content_type;
	enum route_group group;
};

/*
 * The route of a request. NULL and *allow: a path that is known with these methods, "" for one that
 * is not.
 */
const struct route *route_find(
	enum http_method method, const struct http_target *target, const char **allow);

/* route NULL: the upstream's. */
enum route_group route_group(const struct route *route);

/* The VM that the path names, or NULL. */
const char *route_vm(const struct route *route, const struct http_target *target);

/* Whether a parameter is there, and not "no". */
bool route_wants(const struct http_target *target, const char *parameter);

/*
 * The command for the broker. vm NULL: the login says which. 0; -EINVAL: a parameter is not known
 * to the route, named in *culprit; -E2BIG.
 */
int route_command(const struct route *route, const struct http_target *target, const char *vm,
	bool json, char out[ROUTE_COMMAND_MAX], const char **culprit)
	__attribute__((warn_unused_result));

#define ROUTE_FILE_MAX 1024

/* The file's path in the tree of the login: vm NULL: that of a VM. 0; -ENOENT: there is none. */
int route_file(const struct route *route, const struct http_target *target, const char *vm,
	char out[ROUTE_FILE_MAX + 1]) __attribute__((warn_unused_result));

/* That which asks the broker for a connection to the upstream; so much of the path as a log can
 * use. */
#define ROUTE_PATH_SHOWN 256
int route_forward_command(const struct http_request *request, char out[ROUTE_COMMAND_MAX])
	__attribute__((warn_unused_result));

#endif
