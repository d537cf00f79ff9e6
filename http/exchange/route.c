/* Task: the table of routes, and commands from it. Pure; bytes of strangers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/exchange/command.h"
#include "http/exchange/route.h"

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define BYTES "application/octet-stream"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

/* Its options and arguments are in the body. */
#define VERB(v, g) {HTTP_METHOD_POST, "vm/*/" v, ROUTE_VERB, false, v, "--json", "", JSON, g}

static const struct route table[] = {
	{HTTP_METHOD_GET, "healthz", ROUTE_HEALTH, false, NULL, NULL, "", TEXT, ROUTE_CONSOLE},
	{HTTP_METHOD_POST, "sshKey", ROUTE_VERB, false, "deposit", "--json", "", JSON,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "ssh/known_hosts", ROUTE_WHOLE, false, "hostkeys", NULL, "host", TEXT,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "ssh/sshfp", ROUTE_WHOLE, false, "hostkeys --sshfp", NULL, "host", TEXT,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "metrics", ROUTE_WHOLE, false, "metrics", NULL, "", METRICS,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "vms", ROUTE_WHOLE, false, "list", "--json", "", TEXT, ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "consoleStream/*", ROUTE_STREAM, false,
		"attach --read-only --no-input --no-wait", NULL, "device from lines notices", BYTES,
		ROUTE_CONSOLE},
	{HTTP_METHOD_POST, "consoleStream/*", ROUTE_TYPED, true, "send --json", NULL,
		"device force output", JSON, ROUTE_CONSOLE},
	{HTTP_METHOD_POST, "consoleStream/*", ROUTE_STREAM, true, "attach --no-wait", NULL,
		"device from lines force notices output", BYTES, ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "consoleLog/*", ROUTE_FILE, false, "/console.log", NULL, "", BYTES,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "consoleLog/*", ROUTE_WHOLE, false, "log", NULL,
		"device from lines since boot timestamps", BYTES, ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "crashDump/*/?", ROUTE_FILE, false, "/dumps/", NULL, "", BYTES,
		ROUTE_DUMP},
	{HTTP_METHOD_GET, "crashDump/*", ROUTE_WHOLE, false, "dumps", "--json", "", TEXT,
		ROUTE_DUMP},
	{HTTP_METHOD_GET, "crashDump/*/", ROUTE_WHOLE, false, "dumps", "--json", "", TEXT,
		ROUTE_DUMP},
	{HTTP_METHOD_GET, "vm/*/status", ROUTE_WHOLE, false, "status", "--json", "", TEXT,
		ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "vm/*/who", ROUTE_WHOLE, false, "who", "--json", "", TEXT, ROUTE_CONSOLE},
	{HTTP_METHOD_GET, "vm/*/screen", ROUTE_WHOLE, false, "screen", "--json", "device size at",
		TEXT, ROUTE_CONSOLE},
	VERB("break", ROUTE_CONSOLE),
	VERB("dump", ROUTE_DUMP),
	VERB("lease", ROUTE_CONSOLE),
	VERB("nmi", ROUTE_CONSOLE),
	VERB("power", ROUTE_CONSOLE),
	VERB("send", ROUTE_CONSOLE),
	VERB("status", ROUTE_CONSOLE),
	VERB("sysrq", ROUTE_CONSOLE),
	VERB("ticket", ROUTE_CONSOLE),
	VERB("wait", ROUTE_CONSOLE),
};
#define ROUTES (sizeof(table) / sizeof(table[0]))

/* Options without a value; in a query: "force", "force=" or "force=yes". */
static const char flags[] = "force timestamps notices output";
/* Those of them that are for the door, and no option of a verb. */
static const char kept[] = "notices output";

/* --- words in a list separated by blanks --- */

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word), item;

	while (*list) {
		item = strcspn(list, " ");
		if (item == len && memcmp(list, word, len) == 0)
			return true;
		list += item + (list[item] == ' ');
	}
	return false;
}

/* --- finding --- */

struct parts {
	const char *vm, *name; /* NULL: the route has none */
};

static bool segment_is(const char *path, size_t len, const char *segment, struct parts *parts)
{
	if (len == 1 && (*path == '*' || *path == '?')) {
		*(*path == '*' ? &parts->vm : &parts->name) = segment;
		return *segment != '\0';
	}
	return strlen(segment) == len && memcmp(segment, path, len) == 0;
}

/* Whether the path is the route's. A slash at its end is one more segment, which is empty. */
static bool path_is(const char *path, const struct http_target *t, struct parts *parts)
{
	size_t i;

	*parts = (struct parts){NULL, NULL};
	for (i = 0; i < t->segment_count && path; i++) {
		size_t len = strcspn(path, "/");

		if (!segment_is(path, len, t->segments[i], parts))
			return false;
		path = path[len] ? path + len + 1 : NULL;
	}
	return i == t->segment_count && !path;
}

static bool says_no(const struct http_target *target, const char *parameter)
{
	const char *value = http_target_parameter(target, parameter);

	return value && strcmp(value, "no") == 0;
}

bool route_wants(const struct http_target *target, const char *parameter)
{
	return http_target_parameter(target, parameter) && !says_no(target, parameter);
}

const struct route *route_find(
	enum http_method method, const struct http_target *target, const char **allow)
{
	bool get = false, post = false;
	const struct route *file = NULL;
	struct parts parts;
	size_t i;

	for (i = 0; i < ROUTES; i++) {
		const struct route *r = &table[i];

		if (!path_is(r->path, target, &parts) ||
			(r->kind == ROUTE_TYPED && !says_no(target, "output")))
			continue;
		if (r->method == method ||
			(r->method == HTTP_METHOD_GET && method == HTTP_METHOD_HEAD)) {
			/* What has parameters is another answer, if there is one. */
			if (r->kind != ROUTE_FILE || target->parameter_count == 0)
				return r;
			file = r;
		}
		get |= r->method == HTTP_METHOD_GET;
		post |= r->method == HTTP_METHOD_POST;
	}
	if (file)
		return file;
	*allow = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : "";
	return NULL;
}

enum route_group route_group(const struct route *route)
{
	return route ? route->group : ROUTE_RPC;
}

const char *route_vm(const struct route *route, const struct http_target *target)
{
	struct parts parts;

	return path_is(route->path, target, &parts) ? parts.vm : NULL;
}

/* --- the command --- */

static int add_option(struct command *t, const struct http_parameter *p)
{
	bool is_flag = has_word(flags, p->name);
	int r;

	if (is_flag && *p->value && strcmp(p->value, "yes") != 0)
		return strcmp(p->value, "no") == 0 ? 0 : -EINVAL;
	if (has_word(kept, p->name))
		return 0;
	r = command_add(t, " --", 3);
	if (!r)
		r = command_add(t, p->name, strlen(p->name));
	if (r || is_flag)
		return r;
	r = command_add(t, "=", 1);
	return r ? r : command_add_quoted(t, p->value);
}

static int add_vm(struct command *t, const char *verb, size_t verb_len, const char *vm)
{
	int r = command_add(t, verb, verb_len);

	if (!r && vm)
		r = command_add(t, " ", 1);
	return r || !vm ? r : command_add_quoted(t, vm);
}

int route_command(const struct route *route, const struct http_target *target, const char *vm,
	bool json, char out[ROUTE_COMMAND_MAX], const char **culprit)
{
	struct command t = {out, ROUTE_COMMAND_MAX};
	size_t verb = strcspn(route->verb, " "), i;
	int r = add_vm(&t, route->verb, verb, vm);

	if (!r)
		r = command_add(&t, route->verb + verb, strlen(route->verb + verb));
	if (!r && json && route->json) {
		r = command_add(&t, " ", 1);
		if (!r)
			r = command_add(&t, route->json, strlen(route->json));
	}
	for (i = 0; !r && i < target->parameter_count; i++) {
		const struct http_parameter *p = &target->parameters[i];

		*culprit = p->name;
		r = has_word(route->parameters, p->name) ? add_option(&t, p) : -EINVAL;
	}
	return r;
}

/* Names that would be two in the tree are none in it. */
int route_file(const struct route *route, const struct http_target *target, const char *vm,
	char out[ROUTE_FILE_MAX + 1])
{
	struct parts parts;
	int n;

	if (!path_is(route->path, target, &parts) || (vm && strchr(vm, '/')) ||
		(parts.name && strchr(parts.name, '/')))
		return -ENOENT;
	n = snprintf(out, ROUTE_FILE_MAX + 1, "%s%s%s%s", vm ? "/" : "", vm ? vm : "", route->verb,
		parts.name ? parts.name : "");
	return n > 0 && n <= ROUTE_FILE_MAX ? 0 : -ENOENT;
}

int route_forward_command(const struct http_request *request, char out[ROUTE_COMMAND_MAX])
{
	struct command t = {out, ROUTE_COMMAND_MAX};
	char path[ROUTE_PATH_SHOWN];
	size_t len = strcspn(request->target, "?");
	int r = command_add(&t, "forward ", strlen("forward "));

	if (len >= sizeof(path))
		len = sizeof(path) - 1;
	memcpy(path, request->target, len);
	path[len] = '\0';
	if (!r)
		r = command_add_quoted(&t, request->method_name);
	if (!r)
		r = command_add(&t, " ", 1);
	return r ? r : command_add_quoted(&t, path);
}
