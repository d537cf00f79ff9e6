/* Shared parts of the tests of auth/. Knows the stock programs, not what is tested. */
#include "auth_tools.h"

#include "auth/ssh/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/vmc-auth-XXXXXX";

int tools_enter(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? chdir(folder) : -1;
}

int tools_leave(void **state)
{
	(void)state;
	if (chdir("/") < 0)
		return -1;
	tools_run("rm -rf %s", folder);
	return 0;
}

void tools_run(const char *format, ...)
{
	char command[4096];
	va_list args;
	int rc;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 misses va_start */
	rc = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_true(rc > 0 && (size_t)rc < sizeof(command));
	rc = system(command);
	if (!WIFEXITED(rc) || WEXITSTATUS(rc) != 0)
		fail_msg("command failed: %s", command);
}

char *tools_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = (char *)calloc(1, 1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	*len = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

void tools_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

uint8_t *tools_blob(const char *line, size_t *len)
{
	const char *text = strchr(line, ' ') + 1;
	size_t chars = strcspn(text, " \n");
	uint8_t *blob = (uint8_t *)malloc(BASE64_BYTES(chars) + 1);

	assert_non_null(blob);
	assert_int_equal(base64_decode(text, chars, blob, BASE64_BYTES(chars), len), 0);
	return blob;
}

uint8_t *tools_blob_of_file(const char *path, size_t *len)
{
	size_t chars;
	char *line = tools_read(path, &chars);
	uint8_t *blob = tools_blob(line, len);

	free(line);
	return blob;
}

void tools_report(void *arg, const char *file, unsigned line, const char *why)
{
	struct tools_report *r = (struct tools_report *)arg;

	(void)file;
	r->count++;
	r->line = line;
	snprintf(r->why, sizeof(r->why), "%s", why);
}

void tools_expect(size_t row, int rc, const char *why, const char *want)
{
	if (want == NULL) {
		if (rc != 0)
			fail_msg("row %zu: %d %s", row, rc, why);
		return;
	}
	if (rc != -EACCES || strstr(why, want) == NULL)
		fail_msg("row %zu: %d %s", row, rc, why);
}
