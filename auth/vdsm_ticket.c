/*
 * VDSM's tickets.
 * Task: compare in constant time, look at the clock. Owner: nobody, pure. May not know libvirt.
 */
#include "auth/vdsm_ticket.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static bool has_passed(const char *valid_to, int64_t now)
{
	struct tm tm = {0};
	const char *rest;

	if (!valid_to)
		return false;
	rest = strptime(valid_to, "%Y-%m-%dT%H:%M:%S", &tm);
	return !rest || *rest != 0 || now >= (int64_t)timegm(&tm);
}

int vdsm_ticket_check(
	const char *password, const char *valid_to, const char *presented, size_t len, int64_t now)
{
	const char *real = password ? password : "";
	size_t real_len = strlen(real);
	uint8_t want[SHA256_DIGEST_LENGTH];
	uint8_t have[SHA256_DIGEST_LENGTH];
	bool equal;

	if (len > VDSM_PASSWORD_MAX)
		return -EACCES;
	/* Digests are of one length, whatever the passwords are. */
	SHA256((const uint8_t *)real, real_len, want);
	SHA256((const uint8_t *)presented, len, have);
	equal = CRYPTO_memcmp(want, have, sizeof(want)) == 0;
	explicit_bzero(want, sizeof(want));
	explicit_bzero(have, sizeof(have));
	return equal && real_len != 0 && !has_passed(valid_to, now) ? 0 : -EACCES;
}
