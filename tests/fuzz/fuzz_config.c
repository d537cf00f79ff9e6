/*
 * Any bytes as a configuration file.
 *
 * - What the scan accepts, iniparser reads in the same way (ini_create compares).
 * - What is refused is refused with a line, in text without control characters.
 * - What loads, prints, and what was printed loads again and prints the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/ini/ini.h"
#include "config/ini/prescan.h"
#include "core/io.h"

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void count_error(void *arg, unsigned line, const char *text)
{
	REQUIRE(line > 0 && text[0] != '\0');
	(*(unsigned *)arg)++;
}

static void check_scan(const char *data, size_t size)
{
	struct prescan p;
	struct ini *ini = NULL;
	unsigned errors = 0;
	size_t bad;
	int rc = prescan(data, size, &p, count_error, &errors);

	REQUIRE((rc == 0) == (errors == 0));
	if (rc == 0)
		REQUIRE(ini_create(data, size, &p, &ini, &bad) == 0);
	ini_destroy(&ini);
	prescan_finish(&p);
}

static char folder[] = "/dev/shm/fuzz_config.XXXXXX", file[64];

static void remove_folder(void)
{
	unlink(file);
	rmdir(folder);
}

static void make_folder(void)
{
	if (file[0])
		return;
	REQUIRE(mkdtemp(folder) && atexit(remove_folder) == 0);
	snprintf(file, sizeof(file), "%s/m.conf", folder);
}

/* Loads bytes by way of a file; NULL when they are refused. */
static struct config *load(const char *data, size_t size)
{
	struct config_errors errors = {0};
	struct config *c = NULL;
	int rc, fd;

	make_folder();
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0 && write_all(fd, data, size) == 0);
	close(fd);
	rc = config_load(file, &c, &errors);
	REQUIRE((rc == 0) == config_errors_none(&errors));
	for (size_t i = 0; i < errors.count; i++) {
		REQUIRE(errors.is_warning[i] || strncmp(errors.lines[i], file, strlen(file)) == 0);
		for (const char *p = errors.lines[i]; *p; p++)
			REQUIRE((unsigned char)*p >= ' ' && *p != 0x7f);
	}
	config_errors_finish(&errors);
	return c;
}

static char *print(const struct config *c, size_t *size)
{
	char *text;
	FILE *out = open_memstream(&text, size);

	REQUIRE(out && config_print(out, c) == 0 && fclose(out) == 0);
	return text;
}

static void check_round_trip(const char *data, size_t size)
{
	struct config *first = load(data, size), *second;
	char *printed, *again;
	size_t printed_size, again_size;

	if (!first)
		return;
	printed = print(first, &printed_size);
	second = load(printed, printed_size);
	REQUIRE(second);
	again = print(second, &again_size);
	REQUIRE(strcmp(printed, again) == 0);
	free(printed);
	free(again);
	config_free(first);
	config_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_scan((const char *)data, size);
	check_round_trip((const char *)data, size);
	return 0;
}
