/*
 * Base64 for key lines and fingerprints.
 * Task: text <-> bytes, refusing every second spelling of the same bytes, so that equal keys are
 * equal texts. Owner: nobody, pure functions. May not know what the bytes mean.
 */
#include "auth/ssh/base64.h"

#include <errno.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t len, uint8_t *out, size_t room, size_t *out_len)
{
	size_t pad = 0;
	size_t n = 0;

	if (len % 4 != 0)
		return -EINVAL;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	if (BASE64_BYTES(len) - pad > room)
		return -ENOBUFS;
	for (size_t i = 0; i < len; i += 4) {
		size_t fill = i + 4 == len ? pad : 0;
		uint32_t word = 0;

		for (size_t k = 0; k < 4; k++) {
			int value = k >= 4 - fill ? 0 : digit_value(text[i + k]);

			if (value < 0)
				return -EINVAL;
			word = word << 6 | (uint32_t)value;
		}
		if ((word & ((1U << (8 * fill)) - 1)) != 0)
			return -EINVAL;
		for (size_t k = 0; k < 3 - fill; k++)
			out[n++] = (uint8_t)(word >> (16 - 8 * k));
	}
	*out_len = n;
	return 0;
}

size_t base64_encode(const uint8_t *data, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)data[i] << 16;

		if (have > 1)
			word |= (uint32_t)data[i + 1] << 8;
		if (have > 2)
			word |= data[i + 2];
		for (size_t k = 0; k <= have; k++)
			out[n++] = digits[word >> (18 - 6 * k) & 63];
		for (size_t k = have; k < 3; k++)
			out[n++] = '=';
	}
	out[n] = 0;
	return n;
}
