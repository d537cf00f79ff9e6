/* Groups and tickets out of a domain's XML. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "console/domain/aids.h"
#include "console/domain/graphics.h"
#include "console/domain/groups.h"
#include "console/domain/ram.h"

#define DOMAIN(inside) "<domain type='kvm'>" inside "</domain>"
#define OURS "xmlns:v='https://vmconsoled.org/domain/1.0'"
#define OVIRT "xmlns:ovirt-vm='http://ovirt.org/vm/1.0'"

static void expect_groups(const char *xml, const char *wanted)
{
	char text[GROUPS_MAX * GROUP_NAME_MAX] = "";
	struct groups groups;

	assert_int_equal(groups_parse(xml, &groups), 0);
	for (size_t i = 0; i < groups.count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "", groups.names[i]);
	}
	assert_string_equal(text, wanted);
}

static void groups_stand_in_the_metadata(void **state)
{
	expect_groups(DOMAIN("<name>x</name>"), "");
	expect_groups(DOMAIN("<metadata/>"), "");
	expect_groups(DOMAIN("<metadata><v:groups " OURS "><v:group>web</v:group><v:group> a-b \n"
			     "</v:group></v:groups></metadata>"),
		"web a-b");
	/* As libvirt stores what virsh metadata was given: the children have the namespace too. */
	expect_groups(DOMAIN("<metadata><groups xmlns='https://vmconsoled.org/domain/1.0'>"
			     "<group>web</group></groups></metadata>"),
		"web");
}

static void groups_of_somebody_else_do_not_count(void **state)
{
	expect_groups(DOMAIN("<metadata><v:groups xmlns:v='https://example.com/'>"
			     "<v:group>web</v:group></v:groups></metadata>"),
		"");
	expect_groups(DOMAIN("<metadata><groups><group>web</group></groups></metadata>"), "");
	expect_groups(DOMAIN("<description>&lt;metadata</description><devices><v:groups " OURS
			     "><v:group>web</v:group></v:groups></devices>"),
		"");
}

static void ovirts_tags_are_groups(void **state)
{
	expect_groups(DOMAIN("<metadata><ovirt-vm:vm " OVIRT "><ovirt-vm:tag>one</ovirt-vm:tag>"
			     "<ovirt-vm:tags><ovirt-vm:tag>two</ovirt-vm:tag></ovirt-vm:tags>"
			     "<ovirt-vm:custom><ovirt-vm:tag>no</ovirt-vm:tag></ovirt-vm:custom>"
			     "</ovirt-vm:vm></metadata>"),
		"one two");
}

static void a_name_that_does_not_fit_is_left_out(void **state)
{
	char xml[4096], name[GROUP_NAME_MAX + 1];

	memset(name, 'x', GROUP_NAME_MAX);
	name[GROUP_NAME_MAX] = '\0';
	snprintf(xml, sizeof(xml),
		DOMAIN("<metadata><v:groups " OURS "><v:group>%s</v:group><v:group>%s</v:group>"
		       "<v:group>a b</v:group><v:group></v:group></v:groups></metadata>"),
		name, name + 1);
	expect_groups(xml, name + 1);
}

static void groups_are_bounded(void **state)
{
	char xml[8192];
	struct groups groups;
	int len = snprintf(xml, sizeof(xml), "<domain><metadata><v:groups " OURS ">");

	for (int i = 0; i < 100; i++)
		len += snprintf(xml + len, sizeof(xml) - (size_t)len, "<v:group>g%d</v:group>", i);
	snprintf(xml + len, sizeof(xml) - (size_t)len, "</v:groups></metadata></domain>");
	assert_int_equal(groups_parse(xml, &groups), 0);
	assert_int_equal(groups.count, GROUPS_MAX);
}

static void what_is_no_domain_has_no_groups(void **state)
{
	struct groups groups;

	assert_int_equal(groups_parse("<metadata>", &groups), -EBADMSG);
	assert_int_equal(groups.count, 0);
	assert_int_equal(
		groups_parse("<!DOCTYPE d [<!ENTITY e 'x'>]><domain><metadata/></domain>", &groups),
		-EBADMSG);
}

static void expect_ticket(const char *xml, int result, const char *password, const char *valid_to)
{
	struct graphics_ticket ticket;

	assert_int_equal(graphics_parse(xml, &ticket), result);
	assert_string_equal(ticket.password, password);
	assert_string_equal(ticket.valid_to, valid_to);
}

static void the_ticket_is_that_of_the_first_graphics(void **state)
{
	expect_ticket(DOMAIN("<devices><graphics type='spice' passwd='one' "
			     "passwdValidTo='2026-01-02T03:04:05'/><graphics passwd='two'/>"
			     "</devices>"),
		0, "one", "2026-01-02T03:04:05");
	expect_ticket(
		DOMAIN("<devices><graphics type='vnc' passwd='one'/></devices>"), 0, "one", "");
	expect_ticket(DOMAIN("<devices><graphics type='vnc'/><graphics passwd='two'/></devices>"),
		-ENOENT, "", "");
	expect_ticket(DOMAIN("<devices><graphics passwd=''/></devices>"), -ENOENT, "", "");
	expect_ticket(DOMAIN("<devices/>"), -ENOENT, "", "");
	expect_ticket(
		"<network><devices><graphics passwd='x'/></devices></network>", -EBADMSG, "", "");
}

static void a_time_that_does_not_fit_is_not_no_time(void **state)
{
	struct graphics_ticket ticket;

	assert_int_equal(graphics_parse(DOMAIN("<devices><graphics passwd='one' passwdValidTo='"
					       "2026-01-02T03:04:05 and much more than fits'/>"
					       "</devices>"),
				 &ticket),
		0);
	assert_string_not_equal(ticket.valid_to, "");
}

/* --- what is left in memory --- */

#define SECRET_LEN 32
#define MASK 0x5a
#define REGION_MAX (256UL << 20) /* a sanitizer's own are larger */

/* Only ever masked, so that what is found is not this. */
static unsigned char masked[SECRET_LEN];

static size_t count_in(const unsigned char *at, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i + SECRET_LEN <= len; i++) {
		size_t k = 0;

		while (k < SECRET_LEN && (at[i + k] ^ MASK) == masked[k])
			k++;
		count += k == SECRET_LEN;
	}
	return count;
}

/* By way of the kernel: what is mapped may be a sanitizer's, or gone. */
static size_t count_in_region(int memory, unsigned long from, unsigned long to)
{
	unsigned char piece[4096 + SECRET_LEN - 1];
	size_t count = 0;

	for (; from < to; from += 4096) {
		ssize_t n = pread(memory, piece, sizeof(piece), (off_t)from);

		if (n > 0)
			count += count_in(piece, (size_t)n);
	}
	explicit_bzero(piece, sizeof(piece));
	return count;
}

/* Copies of the secret in the heap and in anonymous memory. */
static size_t count_copies(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512], path[256], mode[8];
	unsigned long from, to;
	size_t count = 0;

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		path[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, mode, path) < 3)
			continue;
		if (strncmp(mode, "rw", 2) == 0 && to - from <= REGION_MAX &&
			(path[0] == '\0' || strcmp(path, "[heap]") == 0))
			count += count_in_region(memory, from, to);
	}
	fclose(maps);
	close(memory);
	return count;
}

static void unmask(char *out)
{
	for (size_t i = 0; i < SECRET_LEN; i++)
		out[i] = (char)(masked[i] ^ MASK);
}

static void a_password_does_not_stay_in_memory(void **state)
{
	static const char before[] = "<domain><devices><graphics passwd='",
			  after[] = "'/></devices></domain>";
	const size_t len = sizeof(before) - 1 + SECRET_LEN + sizeof(after);
	struct graphics_ticket ticket;
	char *xml = calloc(1, len);

	assert_non_null(xml);
	for (size_t i = 0; i < SECRET_LEN; i++)
		masked[i] = (unsigned char)(('a' + (int)(i * 7 % 26)) ^ MASK);
	memcpy(xml, before, sizeof(before) - 1);
	unmask(xml + sizeof(before) - 1);
	memcpy(xml + sizeof(before) - 1 + SECRET_LEN, after, sizeof(after));
	assert_true(count_copies() >= 1);
	assert_int_equal(graphics_parse(xml, &ticket), 0);
	assert_int_equal(strlen(ticket.password), SECRET_LEN);
	explicit_bzero(&ticket, sizeof(ticket));
	explicit_bzero(xml, len);
	free(xml);
	assert_int_equal(count_copies(), 0);
}

/* --- memory --- */

static void expect_ram(const struct ram *ram, const char *wanted)
{
	char text[200] = "";

	for (size_t i = 0; i < ram->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%llx-%llx",
			i ? " " : "", (unsigned long long)ram->ranges[i].from,
			(unsigned long long)ram->ranges[i].to);
	assert_string_equal(text, wanted);
}

static void memory_lies_around_the_holes_for_devices(void **state)
{
	static const struct {
		uint64_t mib;
		bool q35;
		const char *wanted;
	} rows[] = {
		{192, false, "0-a0000 100000-c000000"},
		{3583, false, "0-a0000 100000-dff00000"},
		{3584, false, "0-a0000 100000-c0000000 100000000-120000000"},
		{8192, false, "0-a0000 100000-c0000000 100000000-240000000"},
		{2815, true, "0-a0000 100000-aff00000"},
		{2816, true, "0-a0000 100000-80000000 100000000-130000000"},
		{8192, true, "0-a0000 100000-80000000 100000000-280000000"},
	};
	struct ram ram;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ram_of_pc(rows[i].mib << 20, rows[i].q35, &ram);
		expect_ram(&ram, rows[i].wanted);
	}
	ram_of_pc(512 << 10, false, &ram);
	expect_ram(&ram, "0-80000");
}

#define MACHINE(arch, machine, memory)                                                             \
	DOMAIN(memory "<os><type arch='" arch "' machine='" machine "'>hvm</type></os>")

static void memory_is_that_of_the_domain(void **state)
{
	struct ram ram;

	assert_int_equal(
		ram_parse(MACHINE("x86_64", "pc-q35-7.2", "<memory unit='KiB'>8388608</memory>"),
			&ram),
		0);
	expect_ram(&ram, "0-a0000 100000-80000000 100000000-280000000");
	assert_int_equal(
		ram_parse(MACHINE("x86_64", "pc-i440fx-7.2", "<memory>2048</memory>"), &ram), 0);
	expect_ram(&ram, "0-a0000 100000-200000");
	assert_int_equal(
		ram_parse(MACHINE("aarch64", "virt", "<memory>2048</memory>"), &ram), -EOPNOTSUPP);
	assert_int_equal(ram_parse(MACHINE("x86_64", "pc", ""), &ram), -EBADMSG);
	assert_int_equal(ram_parse(MACHINE("x86_64", "pc", "<memory unit='GiB'>2</memory>"), &ram),
		-EBADMSG);
	assert_int_equal(ram_parse(MACHINE("x86_64", "pc", "<memory>-2</memory>"), &ram), -EBADMSG);
	assert_int_equal(ram_parse("<x/>", &ram), -EBADMSG);
}

static void expect_aids(const char *xml, bool panic, bool vmcoreinfo)
{
	struct aids aids;

	assert_int_equal(aids_parse(xml, &aids), 0);
	assert_int_equal(aids.panic, panic);
	assert_int_equal(aids.vmcoreinfo, vmcoreinfo);
}

static void what_helps_on_the_day_of_a_crash(void **state)
{
	struct aids aids;

	expect_aids(DOMAIN("<devices/>"), false, false);
	expect_aids(DOMAIN("<devices><panic model='isa'/></devices>"), true, false);
	expect_aids(DOMAIN("<features><acpi/><vmcoreinfo state='on'/></features>"), false, true);
	expect_aids(DOMAIN("<features><vmcoreinfo/></features>"), false, true);
	expect_aids(DOMAIN("<features><vmcoreinfo state='off'/></features>"), false, false);
	/* Where somebody else's words stand it is none of ours. */
	expect_aids(DOMAIN("<metadata><panic/><vmcoreinfo/></metadata>"), false, false);
	assert_int_equal(aids_parse("<x/>", &aids), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_stand_in_the_metadata),
		cmocka_unit_test(groups_of_somebody_else_do_not_count),
		cmocka_unit_test(ovirts_tags_are_groups),
		cmocka_unit_test(what_helps_on_the_day_of_a_crash),
		cmocka_unit_test(a_name_that_does_not_fit_is_left_out),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(what_is_no_domain_has_no_groups),
		cmocka_unit_test(the_ticket_is_that_of_the_first_graphics),
		cmocka_unit_test(a_password_does_not_stay_in_memory),
		cmocka_unit_test(a_time_that_does_not_fit_is_not_no_time),
		cmocka_unit_test(memory_lies_around_the_holes_for_devices),
		cmocka_unit_test(memory_is_that_of_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
