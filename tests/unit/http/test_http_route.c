/* Requests and the commands they become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/text/tokenize.h"
#include "http/exchange/authorization.h"
#include "http/exchange/route.h"

static struct http_target target;

static const struct route *find(enum http_method method, const char *path, const char **allow)
{
	assert_int_equal(http_target_parse(&target, path), 0);
	*allow = "";
	return route_find(method, &target, allow);
}

static const char *command(enum http_method method, const char *path, bool json)
{
	static char text[ROUTE_COMMAND_MAX];
	const char *allow, *culprit;
	const struct route *route = find(method, path, &allow);

	assert_non_null(route);
	assert_int_equal(
		route_command(route, &target, route_vm(route, &target), json, text, &culprit), 0);
	return text;
}

static void a_request_becomes_the_command_of_its_row(void **state)
{
	assert_string_equal(command(HTTP_METHOD_GET, "/vms", true), "list --json");
	assert_string_equal(command(HTTP_METHOD_HEAD, "/vms", false), "list");
	assert_string_equal(
		command(HTTP_METHOD_GET, "/consoleStream/web-1?from=12&device=serial0", true),
		"attach 'web-1' --read-only --no-input --no-wait --from='12' --device='serial0'");
	assert_string_equal(command(HTTP_METHOD_POST, "/consoleStream/web-1?force", false),
		"attach 'web-1' --no-wait --force");
	assert_string_equal(command(HTTP_METHOD_POST, "/consoleStream/web-1?force=no", false),
		"attach 'web-1' --no-wait");
	assert_string_equal(
		command(HTTP_METHOD_POST, "/consoleStream/a?notices=yes&output=yes", false),
		"attach 'a' --no-wait");
	assert_string_equal(
		command(HTTP_METHOD_POST, "/consoleStream/a?output=no&force=yes", false),
		"send 'a' --json --force");
	assert_true(route_wants(&target, "force"));
	assert_false(route_wants(&target, "output"));
	assert_string_equal(command(HTTP_METHOD_GET, "/vm/a/status", true), "status 'a' --json");
}

/* Whatever stands in a path or a parameter is one word of the command. */
static void nothing_in_a_request_makes_another_word(void **state)
{
	struct tokens words;
	const char *text = command(
		HTTP_METHOD_GET, "/consoleLog/a%27%20--from=0%20%22%5C?lines=1%27%20x", false);

	assert_int_equal(tokenize(text, strlen(text), &words), 0);
	assert_int_equal(words.count, 3);
	assert_string_equal(words.list[0], "log");
	assert_string_equal(words.list[1], "a' --from=0 \"\\");
	assert_string_equal(words.list[2], "--lines=1' x");
	tokens_finish(&words);
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
	const char *allow;

	assert_null(find(HTTP_METHOD_GET, "/", &allow));
	assert_string_equal(allow, "");
	assert_null(find(HTTP_METHOD_GET, "/consoleStream/", &allow));
	assert_null(find(HTTP_METHOD_GET, "/consoleStream/a/b", &allow));
	assert_null(find(HTTP_METHOD_GET, "/vms/", &allow));
	assert_string_equal(allow, "");
	assert_null(find(HTTP_METHOD_PUT, "/consoleStream/a", &allow));
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_null(find(HTTP_METHOD_GET, "/vm/a/nmi", &allow));
	assert_string_equal(allow, "POST");
}

static const char *file(const char *path, const char *vm)
{
	static char text[ROUTE_FILE_MAX + 1];
	const char *allow;
	const struct route *route = find(HTTP_METHOD_GET, path, &allow);

	assert_non_null(route);
	assert_int_equal(route->kind, ROUTE_FILE);
	return route_file(route, &target, vm, text) ? NULL : text;
}

static void files_are_paths_of_the_tree(void **state)
{
	const char *allow;

	assert_string_equal(file("/crashDump/web%201/1-web", "web 1"), "/web 1/dumps/1-web");
	assert_string_equal(file("/crashDump/web/latest", NULL), "/dumps/latest");
	assert_string_equal(file("/consoleLog/web", "web"), "/web/console.log");
	assert_null(file("/crashDump/web/a%2fb", "web"));
	assert_null(file("/crashDump/a%2fb/c", "a/b"));
	assert_string_equal(command(HTTP_METHOD_GET, "/crashDump/a/", true), "dumps 'a' --json");
	assert_string_equal(command(HTTP_METHOD_GET, "/crashDump/a", false), "dumps 'a'");
	assert_int_equal(find(HTTP_METHOD_GET, "/consoleLog/a?lines=1", &allow)->kind, ROUTE_WHOLE);
	assert_int_equal(find(HTTP_METHOD_GET, "/crashDump/a/b?x=1", &allow)->kind, ROUTE_FILE);
	assert_null(find(HTTP_METHOD_GET, "/crashDump/a/b/", &allow));
	assert_string_equal(allow, "");
}

static void unknown_parameters_are_named(void **state)
{
	char text[ROUTE_COMMAND_MAX];
	const char *allow, *culprit = "";
	const struct route *route = find(HTTP_METHOD_GET, "/consoleStream/a?frm=1", &allow);

	assert_int_equal(route_command(route, &target, "a", false, text, &culprit), -EINVAL);
	assert_string_equal(culprit, "frm");
	route = find(HTTP_METHOD_GET, "/consoleStream/a?force=yes", &allow);
	assert_int_equal(route_command(route, &target, "a", false, text, &culprit), -EINVAL);
	route = find(HTTP_METHOD_POST, "/consoleStream/a?output=maybe", &allow);
	assert_int_equal(route_command(route, &target, "a", false, text, &culprit), -EINVAL);
	route = find(HTTP_METHOD_POST, "/consoleStream/a?output=no&from=1", &allow);
	assert_int_equal(route_command(route, &target, "a", false, text, &culprit), -EINVAL);
	route = find(HTTP_METHOD_POST, "/consoleStream/a?force=maybe", &allow);
	assert_int_equal(route_command(route, &target, "a", false, text, &culprit), -EINVAL);
}

static void basic_credentials_are_a_user_and_a_password(void **state)
{
	struct authorization given;

	/* web-1:se:cret */
	assert_int_equal(authorization_parse("basic d2ViLTE6c2U6Y3JldA==", "a", &given), 0);
	assert_string_equal(given.user, "web-1");
	assert_string_equal(given.password, "se:cret");
	assert_int_equal(authorization_parse("Basic d2ViLTE6c2U6Y3JldA==", NULL, &given), 0);
}

static void a_bearers_ticket_is_for_the_vm_of_the_path(void **state)
{
	char most[AUTHORIZATION_MAX + 8];
	struct authorization given;

	assert_int_equal(authorization_parse("bearer  se:cret==", "web-1", &given), 0);
	assert_string_equal(given.user, "web-1");
	assert_string_equal(given.password, "se:cret==");
	assert_int_equal(authorization_parse("Bearer abc", NULL, &given), -EDESTADDRREQ);

	memset(most, 'x', sizeof(most));
	memcpy(most, "Bearer ", 7);
	most[7 + AUTHORIZATION_MAX - 1] = '\0';
	assert_int_equal(authorization_parse(most, "v", &given), 0);
	assert_int_equal(authorization_parse(most, "vm", &given), -EINVAL);
}

static void malformed_credentials_are_refused(void **state)
{
	static const char *const bad[] = {"", "Basic", "Basic ", "Basic abc",
		"Basic d2ViLTE=", "Basic ====", "Basic @@@@", "Basic AAAA", "Basic OgA6", "Bearer",
		"Bearer ", "Bearer a b", "Bearer a\tb", "Digest abcd", "Basicd2ViLTE6c2U6Y3JldA=="};
	struct authorization given;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (authorization_parse(bad[i], "web-1", &given) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(authorization_parse("Bearer abc", "", &given), -EINVAL);
}

static void requests_for_dumps_are_a_group_of_their_own(void **state)
{
	static const struct {
		enum http_method method;
		const char *target;
		enum route_group group;
	} rows[] = {{HTTP_METHOD_GET, "/crashDump/a/b", ROUTE_DUMP},
		{HTTP_METHOD_GET, "/crashDump/a", ROUTE_DUMP},
		{HTTP_METHOD_GET, "/crashDump/a/", ROUTE_DUMP},
		{HTTP_METHOD_POST, "/vm/a/dump", ROUTE_DUMP},
		{HTTP_METHOD_GET, "/consoleLog/a", ROUTE_CONSOLE},
		{HTTP_METHOD_GET, "/consoleStream/a", ROUTE_CONSOLE},
		{HTTP_METHOD_POST, "/vm/a/send", ROUTE_CONSOLE},
		{HTTP_METHOD_GET, "/vms", ROUTE_CONSOLE}};
	const char *allow;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			route_group(find(rows[i].method, rows[i].target, &allow)), rows[i].group);
	assert_int_equal(route_group(NULL), ROUTE_RPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_becomes_the_command_of_its_row),
		cmocka_unit_test(nothing_in_a_request_makes_another_word),
		cmocka_unit_test(unknown_paths_and_methods_are_told_apart),
		cmocka_unit_test(files_are_paths_of_the_tree),
		cmocka_unit_test(unknown_parameters_are_named),
		cmocka_unit_test(basic_credentials_are_a_user_and_a_password),
		cmocka_unit_test(a_bearers_ticket_is_for_the_vm_of_the_path),
		cmocka_unit_test(malformed_credentials_are_refused),
		cmocka_unit_test(requests_for_dumps_are_a_group_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
