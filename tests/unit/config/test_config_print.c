/* What --print-config and --sample write loads again to the same; what a reload may change. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/ini/prescan.h"
#include "core/io.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Loads text by way of a file. */
static struct config *load_text(const char *text)
{
	char path[] = "/tmp/test_config_XXXXXX";
	char main_file[sizeof(path) + 8];
	struct config_errors errors = {0};
	struct config *c = NULL;
	int rc;

	assert_non_null(mkdtemp(path));
	snprintf(main_file, sizeof(main_file), "%s/m.conf", path);
	assert_int_equal(write_file(main_file, text, strlen(text), 0644), 0);
	rc = config_load(main_file, &c, &errors);
	if (rc != 0) {
		config_errors_print(stderr, &errors);
		fputs(text, stderr);
	}
	config_errors_finish(&errors);
	unlink(main_file);
	rmdir(path);
	assert_int_equal(rc, 0);
	return c;
}

static char *print_text(const struct config *c)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(config_print(out, c), 0);
	fclose(out);
	return text;
}

static char *sample_text(void)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(config_sample(out), 0);
	fclose(out);
	return text;
}

/* Prints what text gives, loads that, prints again: the same. Returns the printed text. */
static char *check_round_trip(const char *text)
{
	struct config *first = load_text(text), *second;
	char *printed = print_text(first), *again;

	second = load_text(printed);
	again = print_text(second);
	assert_string_equal(printed, again);
	config_free(first);
	config_free(second);
	free(again);
	return printed;
}

static void the_defaults_are_printed_and_load_again(void **state)
{
	char *printed = check_round_trip("");

	assert_non_null(strstr(printed, "[ssh]\nlisten = [::]:2222\n"));
	assert_non_null(strstr(printed, "\n[hypervisor local]\nuri = qemu:///system\n"));
	assert_non_null(strstr(printed, "\nbanner =\n"));
	free(printed);
}

static void awkward_values_are_printed_and_load_again(void **state)
{
	static const char text[] =
		"[daemon]\nstate_dir = /a%3Bb/%20c%20/\nrun_dir = /%C3%A4%FF\n"
		"[hypervisor x.y-z_1]\nuri = qemu+unix:///system?socket=/a%20b&x=%25\n"
		"sasl_user = %20me%22\n"
		"[ssh]\nlisten=*:1,127.0.0.1:0\nbanner = %0A%20a, b%5C%0A\n"
		"login_grace = 1500ms\nidle_timeout = 5400\n"
		"[auth]\nauthorized_keys = /a%2Cb,/c d/[x]*\n"
		"[console]\nescape = ^%5C\nhistory_memory = 65537\nwriters = many\n"
		"[access a]\nwho = cert:CN=J%C3%BCrgen%2C\xc3\xa4, ticket\n"
		"vms = %E2%80%AE, a%0Ab\nallow = admin,view\n";
	char *printed = check_round_trip(text);
	struct config *c = load_text(printed);

	assert_string_equal(c->daemon.state_dir, "/a;b/ c ");
	assert_string_equal(c->daemon.run_dir, "/\xc3\xa4\xff");
	assert_string_equal(c->hypervisors[0].uri, "qemu+unix:///system?socket=/a%20b&x=%25");
	assert_string_equal(c->hypervisors[0].sasl_user, " me\"");
	assert_string_equal(c->ssh.banner, "\n a, b\\\n");
	assert_int_equal(c->ssh.login_grace, 1500000);
	assert_string_equal(c->auth.authorized_keys.items[0], "/a,b");
	assert_int_equal(c->console.escape, 0x1c);
	assert_int_equal(c->console.history_memory, 65537);
	assert_string_equal(c->accesses[0].who.items[0], "cert:CN=J\xc3\xbcrgen,\xc3\xa4");
	assert_string_equal(c->accesses[0].vms.items[0], "\xe2\x80\xae");
	assert_string_equal(c->accesses[0].vms.items[1], "a\nb");
	assert_int_equal(c->accesses[0].allow, RIGHT_VIEW | RIGHT_ADMIN);
	config_free(c);
	free(printed);
}

/* A line that just fits, and would not with a blank more. */
static void the_longest_lines_are_printed_and_load_again(void **state)
{
	char text[3 * PRESCAN_LINE_MAX];
	size_t used;
	int items = 0;

	used = (size_t)snprintf(text, sizeof(text), "[access a]\nvms=*\nallow=view\nwho=");
	while (items < CONFIG_LIST_MAX && items < (PRESCAN_LINE_MAX - 4) / 7)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%suser:*", items++ ? "," : "");
	free(check_round_trip(text));

	used = (size_t)snprintf(text, sizeof(text), "[auth]\nauthorized_keys=/");
	while (used < strlen("[auth]\n") + PRESCAN_LINE_MAX)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "a");
	free(check_round_trip(text));
}

static void a_full_disk_is_told(void **state)
{
	struct config *c = load_text("");
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	assert_int_equal(config_print(out, c), -EIO);
	fclose(out);
	config_free(c);
}

static void the_sample_loads_as_the_defaults(void **state)
{
	char *sample = sample_text();
	struct config *c = load_text(sample), *defaults = load_text("");
	char *a = print_text(c), *b = print_text(defaults);

	assert_string_equal(a, b);
	config_free(c);
	config_free(defaults);
	free(a);
	free(b);
	free(sample);
}

/* "#key = value" and "#[section name]" are settings, "# text" is a comment. */
static void the_sample_loads_with_all_settings_uncommented(void **state)
{
	char *sample = sample_text();
	struct config *c;

	for (char *p = sample; *p; p++) {
		if (*p == '#' && (p == sample || p[-1] == '\n') && p[1] != ' ')
			*p = ' ';
	}
	c = load_text(sample);
	assert_int_equal(c->hypervisor_count, 1);
	assert_string_equal(c->hypervisors[0].at.name, "local");
	assert_int_equal(c->access_count, 1);
	assert_string_equal(c->accesses[0].at.name, "guest-owners");
	assert_int_equal(c->ssh.login_grace, 60 * UINT64_C(1000000));
	config_free(c);
	free(sample);
}

static const char running[] = "[daemon]\nstate_dir = /old\n[ssh]\nmax_channels = 3\n"
			      "[hypervisor a]\nuri = qemu:///a\n"
			      "[access x]\nwho = user:*\nvms = *\nallow = view\n";

/* Reloads text into what runs; the result is what is in force then. */
static struct config *reload(const char *text, struct config_errors *warnings)
{
	struct config *old = load_text(running), *new = load_text(text);

	*warnings = (struct config_errors){0};
	assert_int_equal(config_reload_check(old, new, warnings), 0);
	config_free(old);
	return new;
}

static void a_reload_takes_rules_and_limits(void **state)
{
	struct config_errors warnings;
	struct config *c = reload("[daemon]\nstate_dir = /old\nlog_level = debug\n"
				  "[ssh]\nmax_channels = 4\n[hypervisor a]\nuri = qemu:///a\n"
				  "[access y]\nwho = key:*\nvms = *\nallow = type\n",
		&warnings);

	assert_true(config_errors_none(&warnings));
	assert_int_equal(c->daemon.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->ssh.max_channels, 4);
	assert_string_equal(c->accesses[0].at.name, "y");
	config_free(c);
}

static void a_reload_keeps_and_names_what_needs_a_restart(void **state)
{
	struct config_errors warnings;
	struct config *c = reload("[daemon]\nstate_dir = /new\nrun_dir = /new\n"
				  "[ssh]\nlisten = *:1\n[hypervisor a]\nuri = qemu:///b\n"
				  "sasl_user = me\n",
		&warnings);

	assert_int_equal(warnings.count, 4);
	assert_non_null(strstr(warnings.lines[0],
		"m.conf:2: [daemon] state_dir has changed: takes effect on restart"));
	assert_non_null(strstr(warnings.lines[1], "m.conf:3: [daemon] run_dir has changed"));
	assert_non_null(strstr(warnings.lines[2], "m.conf:5: [ssh] listen has changed"));
	assert_string_equal(warnings.lines[3],
		"the [hypervisor] sections have changed: takes effect on restart");
	config_errors_finish(&warnings);

	assert_string_equal(c->daemon.state_dir, "/old");
	assert_string_equal(c->daemon.run_dir, "/run/vmconsoled");
	assert_string_equal(c->ssh.listen.items[0].text, "[::]:2222");
	/* Follows state_dir back. */
	assert_string_equal(c->ssh.host_keys, "/old/hostkeys");
	assert_int_equal(c->hypervisor_count, 1);
	assert_string_equal(c->hypervisors[0].uri, "qemu:///a");
	assert_string_equal(c->hypervisors[0].sasl_user, "");
	assert_int_equal(c->hypervisors[0].at.line, 5);
	/* These are in force: no rule, the default limit. */
	assert_int_equal(c->access_count, 0);
	assert_int_equal(c->ssh.max_channels, 16);
	config_free(c);
}

static void a_reload_sees_hypervisors_come_and_go(void **state)
{
	static const char *const texts[] = {
		"[daemon]\nstate_dir = /old\n",
		"[daemon]\nstate_dir = /old\n[hypervisor b]\nuri = qemu:///a\n",
		("[daemon]\nstate_dir = /old\n[hypervisor a]\nuri = qemu:///a\n"
		 "[hypervisor b]\nuri = qemu:///b\n"),
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct config_errors warnings;
		struct config *c = reload(texts[i], &warnings);

		assert_int_equal(warnings.count, 1);
		assert_int_equal(c->hypervisor_count, 1);
		assert_string_equal(c->hypervisors[0].at.name, "a");
		assert_string_equal(c->hypervisors[0].uri, "qemu:///a");
		config_errors_finish(&warnings);
		config_free(c);
	}
}

static void removing_a_line_that_needs_a_restart_is_named(void **state)
{
	struct config_errors warnings;
	struct config *c = reload("[hypervisor a]\nuri = qemu:///a\n", &warnings);

	assert_int_equal(warnings.count, 1);
	assert_string_equal(
		warnings.lines[0], "[daemon] state_dir has changed: takes effect on restart");
	assert_string_equal(c->daemon.state_dir, "/old");
	config_errors_finish(&warnings);
	config_free(c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_printed_and_load_again),
		cmocka_unit_test(awkward_values_are_printed_and_load_again),
		cmocka_unit_test(the_longest_lines_are_printed_and_load_again),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(the_sample_loads_as_the_defaults),
		cmocka_unit_test(the_sample_loads_with_all_settings_uncommented),
		cmocka_unit_test(a_reload_takes_rules_and_limits),
		cmocka_unit_test(a_reload_keeps_and_names_what_needs_a_restart),
		cmocka_unit_test(a_reload_sees_hypervisors_come_and_go),
		cmocka_unit_test(removing_a_line_that_needs_a_restart_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
