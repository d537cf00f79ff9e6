/*
 * What a hostile guest prints while run waits for its marks: within bounds, and the same result
 * however the output is cut. Input: one byte of a cut, then output, in which ~ stands for the id.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "broker/script/run_marks.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

#define ID "0123456789abcdef"
#define TEXT_MAX 4096

struct result {
	struct run_marks marks;
	size_t len;
	uint8_t out[TEXT_MAX + RUN_MARK_MAX];
};

static size_t expand(const uint8_t *data, size_t size, uint8_t text[TEXT_MAX])
{
	static const char id[] = ID;
	size_t i, k, len = 0;

	for (i = 0; i < size && len + RUN_ID_LEN <= TEXT_MAX; i++) {
		if (data[i] == '~') {
			for (k = 0; k < RUN_ID_LEN; k++)
				text[len++] = (uint8_t)id[k];
		} else {
			text[len++] = data[i];
		}
	}
	return len;
}

static void take(struct result *r, const uint8_t *text, size_t len)
{
	size_t n;
	/* As big as its room must be, so that a byte more is seen. */
	uint8_t *out = malloc(len + RUN_MARK_MAX);

	if (!out)
		return;
	n = run_marks_take(&r->marks, text, len, out);
	CHECK(n <= len + RUN_MARK_MAX && r->len + n <= sizeof(r->out));
	memcpy(r->out + r->len, out, n);
	r->len += n;
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, cut;
	uint8_t text[TEXT_MAX];
	size_t len, done, part;

	if (size < 1)
		return 0;
	len = expand(data + 1, size - 1, text);
	run_marks_init(&whole.marks, ID);
	run_marks_init(&cut.marks, ID);
	whole.len = cut.len = 0;
	take(&whole, text, len);
	for (done = 0; done < len; done += part) {
		part = data[0] % 50 + 1;
		if (part > len - done)
			part = len - done;
		take(&cut, text + done, part);
	}
	CHECK(whole.marks.state == cut.marks.state && whole.len == cut.len);
	CHECK(memcmp(whole.out, cut.out, cut.len) == 0);
	if (whole.marks.state == RUN_ENDED)
		CHECK(whole.marks.status >= 0 && whole.marks.status <= 255 &&
			whole.marks.status == cut.marks.status);
	return 0;
}
