/* What is so of a guest, whoever does things to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "console/guest/guest_private.h"

static void it_is_ending_until_the_last_who_wants_its_end_has_given_up(void **state)
{
	static const struct uuid uuid = {{1}};
	struct guest *g = guest_create(NULL, NULL, &uuid);

	assert_non_null(g);
	assert_false(guest_is_ending(g));
	guest_expect_off(g, true);
	guest_expect_off(g, true);
	guest_expect_off(g, false); /* it was told that another order is under way */
	assert_true(guest_is_ending(g));
	guest_expect_off(g, false);
	assert_false(guest_is_ending(g));
	guest_destroy(g);
}

/* Libvirt forgets a transient guest, and has not told of any at the beginning. */
static void the_history_of_a_remembered_guest_is_that_of_its_console(void **state)
{
	static const struct uuid uuid = {{1}};
	static const char *const slots[] = {"serial:0", "serial:1", "virtio:0", "virtio:12"};
	char slot[DEVICE_SLOT_MAX];

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		struct guest *g = guest_create(NULL, NULL, &uuid);

		assert_non_null(g);
		guest_remember(g, "vm", 1, slots[i]);
		assert_int_equal(devices_find(guest_devices(g), NULL), 0);
		device_slot(&guest_devices(g)->list[0], slot);
		assert_string_equal(slot, slots[i]);
		guest_destroy(g);
	}
}

static void a_remembered_console_that_is_none_is_the_usual_one(void **state)
{
	static const struct uuid uuid = {{1}};
	static const char *const slots[] = {"", "serial", "serial:x", "virtio:99999", "usb:1"};
	char slot[DEVICE_SLOT_MAX];

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		struct guest *g = guest_create(NULL, NULL, &uuid);

		assert_non_null(g);
		guest_remember(g, "vm", 1, slots[i]);
		device_slot(&guest_devices(g)->list[0], slot);
		assert_string_equal(slot, "serial:0");
		guest_destroy(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ending_until_the_last_who_wants_its_end_has_given_up),
		cmocka_unit_test(the_history_of_a_remembered_guest_is_that_of_its_console),
		cmocka_unit_test(a_remembered_console_that_is_none_is_the_usual_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
