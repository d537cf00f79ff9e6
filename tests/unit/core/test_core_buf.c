/* The bounded byte queue. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

static void bytes_leave_in_the_order_they_came(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "defg", 4), 0);
	assert_int_equal(buf_len(&b), 7);
	assert_int_equal(buf_room(&b), 93);
	assert_memory_equal(buf_data(&b), "abcdefg", 7);
	buf_drop(&b, 2);
	assert_memory_equal(buf_data(&b), "cdefg", 5);
	buf_drop(&b, 99);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(buf_room(&b), 100);
	buf_finish(&b);
}

static void what_exceeds_the_maximum_is_not_added_in_part(void **state)
{
	static const char data[64];
	struct buf b;

	buf_init(&b, 40);
	assert_int_equal(buf_add(&b, data, 41), -ENOBUFS);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(buf_add(&b, data, 40), 0);
	assert_int_equal(buf_add(&b, data, 1), -ENOBUFS);
	assert_int_equal(buf_add(&b, data, 0), 0);
	buf_drop(&b, 1);
	assert_int_equal(buf_add(&b, data, 2), -ENOBUFS);
	assert_int_equal(buf_add(&b, data, 1), 0);
	assert_int_equal(buf_len(&b), 40);
	buf_finish(&b);
}

static void memory_goes_back_when_it_is_empty(void **state)
{
	char *data = calloc(1, 100000);
	struct buf b;

	buf_init(&b, 200000);
	assert_null(b.mem);
	assert_int_equal(buf_add(&b, data, 100000), 0);
	assert_non_null(b.mem);
	buf_drop(&b, 99999);
	assert_non_null(b.mem);
	buf_drop(&b, 1);
	assert_null(b.mem);
	buf_finish(&b);
	free(data);
}

static void a_steady_flow_does_not_grow_the_memory(void **state)
{
	char data[300];
	struct buf b;
	int i;

	memset(data, 'x', sizeof(data));
	buf_init(&b, 1 << 20);
	assert_int_equal(buf_add(&b, data, 1), 0);
	for (i = 0; i < 10000; i++) {
		assert_int_equal(buf_add(&b, data, sizeof(data)), 0);
		buf_drop(&b, sizeof(data));
		assert_int_equal(buf_len(&b), 1);
	}
	assert_true(b.size <= 4096);
	buf_finish(&b);
}

/* Adding to a null pointer is not defined, not even 0: the sanitizer tells. */
static void an_empty_queue_points_nowhere(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	assert_null(buf_data(&b));
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	buf_drop(&b, 3);
	assert_null(buf_data(&b));
	buf_finish(&b);
}

static void bytes_can_be_written_in_place(void **state)
{
	unsigned char *at;
	struct buf b;

	buf_init(&b, 1000);
	assert_null(buf_data(&b));
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	buf_drop(&b, 2);
	at = buf_space(&b, 999);
	assert_non_null(at);
	memcpy(at, "defgh", 6);           /* its end, too */
	assert_int_equal(buf_len(&b), 1); /* not yet counted */
	buf_grow(&b, 3);
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "cdef", 4);
	assert_null(buf_space(&b, 997));
	assert_non_null(buf_space(&b, 996));
	assert_memory_equal(buf_data(&b), "cdef", 4);
	buf_finish(&b);
}

/* Against a plain array, in random steps. */
static void it_agrees_with_a_plain_array(void **state)
{
	enum { MAX = 3000 };
	unsigned char model[MAX], chunk[MAX];
	size_t len = 0;
	unsigned seed = 5;
	unsigned char next = 0;
	struct buf b;
	int i;

	buf_init(&b, MAX);
	for (i = 0; i < 20000; i++) {
		size_t n = (size_t)rand_r(&seed) % (rand_r(&seed) % 8 ? 64 : MAX + 1), k;

		if (rand_r(&seed) % 2) {
			for (k = 0; k < n; k++)
				chunk[k] = next++;
			if (len + n > MAX) {
				assert_int_equal(buf_add(&b, chunk, n), -ENOBUFS);
			} else {
				assert_int_equal(buf_add(&b, chunk, n), 0);
				memcpy(model + len, chunk, n);
				len += n;
			}
		} else {
			buf_drop(&b, n);
			n = n > len ? len : n;
			memmove(model, model + n, len - n);
			len -= n;
		}
		assert_int_equal(buf_len(&b), len);
		assert_int_equal(buf_room(&b), MAX - len);
		if (len)
			assert_memory_equal(buf_data(&b), model, len);
	}
	buf_finish(&b);
}

static bool holds(const uint8_t *memory, size_t size, const char *text)
{
	return memmem(memory, size, text, strlen(text)) != NULL;
}

static void no_secret_stays_in_memory_when_it_was_dropped(void **state)
{
	struct buf b;

	buf_init_secret(&b, 2000);
	assert_int_equal(buf_add(&b, "secret", 6), 0);
	assert_int_equal(buf_add(&b, "open", 4), 0);
	buf_drop(&b, 6);
	assert_false(holds(b.mem, b.start + b.len, "secret"));
	assert_memory_equal(buf_data(&b), "open", 4);
	/* It moves to the front, and grows. */
	assert_int_equal(buf_add(&b, (char[505]){0}, 505), 0);
	assert_int_equal(b.start, 0);
	assert_false(holds(b.mem + 4, b.size - 4, "open"));
	assert_int_equal(buf_add(&b, (char[1000]){0}, 1000), 0);
	assert_memory_equal(buf_data(&b), "open", 4);
	buf_finish(&b);
	assert_true(b.secret);
	assert_int_equal(b.max, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_leave_in_the_order_they_came),
		cmocka_unit_test(what_exceeds_the_maximum_is_not_added_in_part),
		cmocka_unit_test(memory_goes_back_when_it_is_empty),
		cmocka_unit_test(a_steady_flow_does_not_grow_the_memory),
		cmocka_unit_test(an_empty_queue_points_nowhere),
		cmocka_unit_test(no_secret_stays_in_memory_when_it_was_dropped),
		cmocka_unit_test(bytes_can_be_written_in_place),
		cmocka_unit_test(it_agrees_with_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
