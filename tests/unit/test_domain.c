/* Groups and tickets out of a domain's XML. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "console/domain/graphics.h"
#include "console/domain/groups.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_stand_in_the_metadata),
		cmocka_unit_test(groups_of_somebody_else_do_not_count),
		cmocka_unit_test(ovirts_tags_are_groups),
		cmocka_unit_test(a_name_that_does_not_fit_is_left_out),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(what_is_no_domain_has_no_groups),
		cmocka_unit_test(the_ticket_is_that_of_the_first_graphics),
		cmocka_unit_test(a_time_that_does_not_fit_is_not_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
