/* Consoles found in the XML of domains, as virsh dump. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "console/domain/device.h"
#include "core/io.h"

static struct devices parse_file(const char *name)
{
	struct devices devices;
	char path[512], *xml;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/unit/console/domains/%s.xml", getenv("SOURCE_DIR"),
		name);
	assert_int_equal(read_file(path, 1 << 20, &xml, &len), 0);
	assert_int_equal(devices_parse(xml, &devices), 0);
	free(xml);
	return devices;
}

static struct devices parse(const char *inside)
{
	struct devices devices;
	char xml[8192];

	snprintf(xml, sizeof(xml), "<domain><name>x</name><devices>%s</devices></domain>", inside);
	assert_int_equal(devices_parse(xml, &devices), 0);
	return devices;
}

static void the_console_that_mirrors_a_serial_is_no_second_device(void **state)
{
	struct devices d = parse_file("pty-on");
	char slot[DEVICE_SLOT_MAX];

	assert_int_equal(d.count, 1);
	assert_int_equal(d.main, 0);
	assert_int_equal(d.list[0].kind, DEVICE_SERIAL);
	assert_string_equal(d.list[0].alias, "serial0");
	assert_string_equal(d.list[0].type, "pty");
	assert_int_equal(strncmp(d.list[0].path, "/dev/pts/", 9), 0);
	device_slot(&d.list[0], slot);
	assert_string_equal(slot, "serial:0");
}

static void a_guest_that_is_off_is_known_by_the_alias_it_will_get(void **state)
{
	struct devices d = parse_file("pty-off");

	assert_int_equal(d.count, 1);
	assert_string_equal(d.list[0].alias, "");
	assert_int_equal(devices_find(&d, NULL), 0);
	assert_int_equal(devices_find(&d, "ttyS0"), 0);
	assert_int_equal(devices_find(&d, "serial0"), 0);
	assert_int_equal(devices_find(&d, "serial1"), -ENODEV);
	assert_int_equal(devices_find(&d, "console0"), -ENODEV);
	assert_int_equal(devices_find(&d, ""), -ENODEV);
	d = parse_file("ua-unix-hvc-off");
	assert_int_equal(devices_find(&d, "ua-ser0"), 0);
	assert_int_equal(devices_find(&d, "serial0"), -ENODEV);
	assert_int_equal(devices_find(&d, "serial1"), 1);
	assert_int_equal(devices_find(&d, "console1"), 2);
}

static void pty_unix_and_virtio_side_by_side(void **state)
{
	struct devices d = parse_file("ua-unix-hvc-on");
	char slot[DEVICE_SLOT_MAX];

	assert_int_equal(d.count, 3);
	assert_int_equal(devices_find(&d, NULL), 0);
	assert_int_equal(devices_find(&d, "ua-ser0"), 0);
	assert_int_equal(devices_find(&d, "serial0"), -ENODEV);
	assert_int_equal(devices_find(&d, "ttyS1"), 1);
	assert_string_equal(d.list[1].type, "unix");
	assert_int_equal(d.list[1].bind, 1);
	assert_string_equal(d.list[1].path, "/var/run/ovirt-vmconsole-console/"
					    "6dd51c4f-02e8-4912-af12-62e84c670c1d.sock");
	assert_int_equal(devices_find(&d, "hvc0"), 2);
	assert_int_equal(devices_find(&d, "console1"), 2);
	assert_int_equal(d.list[2].kind, DEVICE_VIRTIO);
	device_slot(&d.list[2], slot);
	assert_string_equal(slot, "virtio:0");
	assert_int_equal(parse_file("ua-unix-hvc-off").count, 3);
	assert_int_equal(parse_file("ua-unix-hvc-off").list[2].port, 0);
}

static void a_virtio_console_alone_is_the_main_one(void **state)
{
	struct devices d = parse_file("hvc-on");

	assert_int_equal(d.count, 1);
	assert_int_equal(devices_find(&d, NULL), 0);
	assert_int_equal(devices_find(&d, "hvc0"), 0);
	assert_int_equal(devices_find(&d, "ttyS0"), -ENODEV);
	assert_string_equal(d.list[0].alias, "console0");
}

static void kinds_that_cannot_be_opened_keep_their_type(void **state)
{
	struct devices d = parse_file("file-off");

	assert_int_equal(d.count, 1);
	assert_string_equal(d.list[0].type, "file");
	assert_string_equal(d.list[0].path, "");
	d = parse_file("unix-on");
	assert_int_equal(d.count, 1);
	assert_string_equal(d.list[0].type, "unix");
	assert_string_equal(d.list[0].alias, "serial0");
}

static void no_console_at_all(void **state)
{
	struct devices d = parse_file("none-off");

	assert_int_equal(d.count, 0);
	assert_int_equal(d.main, d.count);
	assert_int_equal(devices_find(&d, NULL), -ENODEV);
	assert_int_equal(devices_find(&d, "ttyS0"), -ENODEV);
}

/* libvirt opens the first <console>, which need not be the first serial. */
static void the_main_one_is_the_first_console(void **state)
{
	struct devices d =
		parse("<console type='pty'><target type='virtio' port='0'/></console>"
		      "<serial type='pty'><target type='isa-serial' port='0'/></serial>");

	assert_int_equal(d.count, 2);
	assert_int_equal(d.list[d.main].kind, DEVICE_VIRTIO);
	d = parse("<serial type='file'><target port='0'/></serial>"
		  "<serial type='pty'><target port='1'/></serial>");
	assert_int_equal(d.main, 0);
}

static void consoles_of_other_machines_are_serials(void **state)
{
	struct devices d = parse("<console type='pty'><target type='sclp' port='0'/>"
				 "<alias name='console0'/></console>");

	assert_int_equal(d.count, 1);
	assert_int_equal(d.list[0].kind, DEVICE_SERIAL);
	assert_int_equal(devices_find(&d, NULL), 0);
}

static void names_of_devices_find_them(void **state)
{
	struct devices d = {.count = 4,
		.main = 2,
		.list = {{.kind = DEVICE_SERIAL, .port = 0, .alias = "serial0"},
			{.kind = DEVICE_SERIAL, .port = 1, .usual = "serial1"},
			{.kind = DEVICE_VIRTIO, .port = 0, .alias = "ua-mine"},
			{.kind = DEVICE_VIRTIO, .port = 7}}};
	char names[DEVICES_NAMES_MAX], *word, *rest = names;
	size_t i;

	devices_names(&d, names);
	assert_string_equal(names, "ua-mine, serial1, serial0, hvc7");
	for (i = 0; (word = strsep(&rest, ",")); i++)
		assert_true(devices_find(&d, word + (i > 0)) >= 0);
	assert_int_equal(i, 4);
	d.main = d.count = 0;
	devices_names(&d, names);
	assert_string_equal(names, "");
}

static void names_of_many_devices_are_cut_with_their_count(void **state)
{
	struct devices d = {.count = DEVICES_MAX, .main = DEVICES_MAX};
	char names[DEVICES_NAMES_MAX];
	size_t i;

	for (i = 0; i < d.count; i++) {
		memset(d.list[i].alias, 'x', DEVICE_ALIAS_MAX - 1);
		d.list[i].alias[0] = (char)('a' + (int)i);
	}
	devices_names(&d, names);
	assert_int_equal(strcspn(names, ","), DEVICE_ALIAS_MAX - 1);
	assert_string_equal(strstr(names, " and "), " and 13 more");
}

static void slots_are_never_shared(void **state)
{
	struct devices d = parse("<serial type='pty'><target port='0'/></serial>"
				 "<serial type='pty'><target port='0'/></serial>"
				 "<serial type='pty'><target port='99999999999'/></serial>");

	assert_int_equal(d.count, 3);
	assert_int_equal(d.list[1].port, 1);
	assert_int_equal(d.list[2].port, 2);
}

static void too_many_and_too_long_are_bounded(void **state)
{
	char many[6000], longer[600];
	size_t len = 0;
	struct devices d;
	int i;

	for (i = 0; i < 40; i++)
		len += (size_t)snprintf(many + len, sizeof(many) - len,
			"<serial type='pty'><target type='isa-serial'/></serial>");
	d = parse(many);
	assert_int_equal(d.count, DEVICES_MAX);
	snprintf(longer, sizeof(longer),
		"<serial type='%0100d'><source path='%0200d'/><alias name='%0100d'/></serial>", 1,
		2, 3);
	d = parse(longer);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.list[0].type, "");
	assert_string_equal(d.list[0].path, "");
	assert_string_equal(d.list[0].alias, "");
}

static void what_is_no_domain_is_refused(void **state)
{
	static const char entity[] = "<!DOCTYPE d [<!ENTITY a 'serial'>]>"
				     "<domain><devices><serial type='&a;'/></devices></domain>";
	static const char *const bad[] = {NULL, "", "<domain>", "<network/>", "domain", "<domain/",
		"<!DOCTYPE domain><domain/>", entity, "<domain>&undeclared;</domain>"};
	struct devices d;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(devices_parse(bad[i], &d), -EBADMSG);
		assert_int_equal(d.count, 0);
	}
}

static void a_huge_document_is_refused(void **state)
{
	int size = 5 << 20;
	char *xml = malloc((size_t)size + 32);
	struct devices d;

	assert_non_null(xml);
	snprintf(xml, (size_t)size + 32, "<domain>%*s</domain>", size, "");
	assert_int_equal(devices_parse(xml, &d), -EBADMSG);
	free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_console_that_mirrors_a_serial_is_no_second_device),
		cmocka_unit_test(a_guest_that_is_off_is_known_by_the_alias_it_will_get),
		cmocka_unit_test(pty_unix_and_virtio_side_by_side),
		cmocka_unit_test(a_virtio_console_alone_is_the_main_one),
		cmocka_unit_test(kinds_that_cannot_be_opened_keep_their_type),
		cmocka_unit_test(no_console_at_all),
		cmocka_unit_test(the_main_one_is_the_first_console),
		cmocka_unit_test(consoles_of_other_machines_are_serials),
		cmocka_unit_test(names_of_devices_find_them),
		cmocka_unit_test(names_of_many_devices_are_cut_with_their_count),
		cmocka_unit_test(slots_are_never_shared),
		cmocka_unit_test(too_many_and_too_long_are_bounded),
		cmocka_unit_test(what_is_no_domain_is_refused),
		cmocka_unit_test(a_huge_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
