/* Shared parts of the tests of logins. */
#include "auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int world_setup(void **state)
{
	if (tools_enter(state) != 0)
		return -1;
	tools_run("for t in ed25519 ecdsa 'rsa -b 2048'; do set -- $t; "
		  "ssh-keygen -q -t $t -N '' -C ca -f ca_$1; "
		  "ssh-keygen -q -t $t -N '' -C user -f user_$1; done; "
		  "ssh-keygen -q -t ed25519 -N '' -C evil -f ca_evil; "
		  "ssh-keygen -q -t ecdsa -b 521 -N '' -C ca -f ca_ecdsa521; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -C ca -f ca_small; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -C user -f user_small; "
		  "cat ca_ed25519.pub ca_ecdsa.pub ca_ecdsa521.pub ca_rsa.pub >cas");
	return 0;
}

void world_open(struct world *w, const char *keys, const char *cas, const char *revoked)
{
	*w = (struct world){0};
	assert_int_equal(key_store_create(&w->keys), 0);
	assert_int_equal(key_store_create_plain(&w->cas), 0);
	if (keys != NULL)
		assert_int_equal(key_store_load(w->keys, &keys, 1, tools_report, &w->report), 0);
	if (cas != NULL)
		assert_int_equal(key_store_load(w->cas, &cas, 1, tools_report, &w->report), 0);
	if (revoked != NULL)
		assert_int_equal(
			revoked_create(&revoked, 1, tools_report, &w->report, &w->revoked), 0);
	w->sources = (struct login_sources){.keys = w->keys,
		.ssh_cas = w->cas,
		.revoked = w->revoked,
		.enforces_command = true};
}

void world_close(struct world *w)
{
	key_store_destroy(w->keys);
	key_store_destroy(w->cas);
	revoked_destroy(w->revoked);
}

int world_try(const struct world *w, const char *pub, const char *address, int64_t now,
	struct identity **id, char why[LOGIN_WHY_MAX])
{
	struct login_proof proof = {.address = address, .now = now};
	size_t len;
	uint8_t *blob = tools_blob_of_file(pub, &len);
	int rc;

	why[0] = 0;
	*id = NULL;
	proof.blob = span_of(blob, len);
	rc = login_by_key(&w->sources, &proof, id, why);
	free(blob);
	return rc;
}

void world_sign(const char *ca, const char *user, const char *args)
{
	tools_run(
		"cp %s.pub user.pub; ssh-keygen -q -s %s -I 'the id' %s user.pub", user, ca, args);
}
