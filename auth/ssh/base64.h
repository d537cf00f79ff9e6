/* Base64 (RFC 4648 section 4), strict: no blanks, no missing or superfluous padding, no stray bits.
 */
#ifndef AUTH_SSH_BASE64_H
#define AUTH_SSH_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_ROOM(len)                                                                           \
	(((len) + 2) / 3 * 4 + 1)             /* characters for len bytes, terminator included */
#define BASE64_BYTES(chars) ((chars) / 4 * 3) /* room that suffices to decode */

/* Decodes text[0..len) into out. 0, -EINVAL (not base64), -ENOBUFS (out is too small). */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t room, size_t *out_len)
	__attribute__((warn_unused_result));

/* Writes BASE64_ROOM(len) characters at most, always terminated. Returns the length. */
size_t base64_encode(const uint8_t *data, size_t len, char *out);

#endif
