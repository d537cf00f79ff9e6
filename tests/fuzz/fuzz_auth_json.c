/* ovirt-vmconsole's answers, as either of the two documents. */
#include "auth/ovirt_json.h"

static void ignore(void *arg, const char *file, unsigned line, const char *why)
{
	(void)arg;
	(void)file;
	(void)line;
	(void)why;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovirt_consoles *c;
	struct ovirt_keys *k;
	struct identity *id;
	const char *why;

	if (ovirt_keys_create(span_of(data, size), "f", ignore, NULL, &k, &why) == 0) {
		if (ovirt_keys_login(k, span_of(data, size), &id) == 0)
			identity_destroy(id);
		ovirt_keys_destroy(k);
	}
	if (ovirt_consoles_create(span_of(data, size), &c, &why) == 0) {
		(void)ovirt_consoles_has(c, "6f1c2d3e-0000-4000-8000-00000000000a");
		ovirt_consoles_unref(c);
	}
	return 0;
}
