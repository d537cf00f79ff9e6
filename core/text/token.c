/* Task: see token.h. Pure but for the system's random numbers. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

#include "core/text/token.h"

#define RANDOM_BYTES (TOKEN_LENGTH * 5 / 8)

_Static_assert(TOKEN_HASH == SHA256_DIGEST_LENGTH, "a hash is a SHA-256");

/* RFC 4648 section 6, in small letters: easier to read aloud and to type. */
static void base32(const uint8_t raw[RANDOM_BYTES], char out[TOKEN_ROOM])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned bits = 0;
	uint32_t word = 0;

	for (size_t i = 0, n = 0; i < RANDOM_BYTES; i++) {
		word = word << 8 | raw[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out[n++] = digits[word >> (bits - 5) & 31];
	}
	out[TOKEN_LENGTH] = 0;
}

int token_make(char text[TOKEN_ROOM])
{
	uint8_t raw[RANDOM_BYTES];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	base32(raw, text);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

/* Longer ones are no tokens; hashing a bounded part of them hides that nowhere. */
void token_hash(const char *text, uint8_t out[TOKEN_HASH])
{
	SHA256((const uint8_t *)text, strnlen(text, TOKEN_LENGTH + 1), out);
}

bool token_is(const char *presented, const uint8_t hash[TOKEN_HASH])
{
	uint8_t seen[TOKEN_HASH];
	bool same;

	token_hash(presented, seen);
	same = CRYPTO_memcmp(seen, hash, TOKEN_HASH) == 0;
	explicit_bzero(seen, sizeof(seen));
	return same;
}
