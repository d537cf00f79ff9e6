/* Revocation lists: the first two bytes choose what is asked, the rest is the list. */
#include "auth/ssh/krl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ssh_cert cert = {0};
	struct krl *k;
	const char *why;

	if (size < 2)
		return 0;
	cert.serial = (uint64_t)data[0] << (data[1] % 64);
	cert.key_id = span_of(data, 1);
	if (krl_create(span_of(data + 2, size - 2), &k, &why) < 0)
		return 0;
	(void)krl_revokes_cert(k, &cert);
	(void)krl_revokes_key(k, span_of(data, size));
	krl_destroy(k);
	return 0;
}
