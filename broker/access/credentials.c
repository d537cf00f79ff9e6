/* Task: read the files that logins are judged by. Owner: the access. Knows no login. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/access/credentials.h"
#include "core/text/fnv.h"
#include "core/log.h"

/* --- paths --- */

int credential_paths_copy(const struct config_auth *auth, struct credential_paths *out)
{
	memset(out, 0, sizeof(*out));
	if (config_list_copy(&auth->authorized_keys, &out->keys) == 0 &&
		config_list_copy(&auth->ssh_user_ca, &out->ssh_cas) == 0 &&
		config_list_copy(&auth->vdsm_certificates, &out->certificates) == 0 &&
		config_list_copy(&auth->vdsm_ca, &out->cas) == 0 &&
		config_list_copy(&auth->vdsm_crl, &out->crls) == 0 &&
		config_list_copy(&auth->revoked_keys, &out->revoked) == 0)
		return 0;
	credential_paths_finish(out);
	return -ENOMEM;
}

void credential_paths_finish(struct credential_paths *p)
{
	config_list_finish(&p->keys);
	config_list_finish(&p->ssh_cas);
	config_list_finish(&p->certificates);
	config_list_finish(&p->cas);
	config_list_finish(&p->crls);
	config_list_finish(&p->revoked);
}

/* --- complaints --- */

struct reporter {
	struct reports *now;
	const struct reports *before;
};

static bool has(const struct reports *r, uint64_t hash)
{
	size_t i;

	for (i = 0; r && i < r->count; i++) {
		if (r->told[i] == hash)
			return true;
	}
	return false;
}

static void report(void *arg, const char *file, unsigned line, const char *why)
{
	struct reporter *r = arg;
	uint64_t hash = fnv_add(FNV_BEGIN, file, strlen(file) + 1);

	/* Two that collide cost one line in the log. */
	hash = fnv_add(hash, &line, sizeof(line));
	hash = fnv_add(hash, why, strlen(why));
	if (r->now->count < REPORTS_MAX)
		r->now->told[r->now->count++] = hash;
	if (has(r->before, hash))
		return;
	if (line)
		log_warning("%s:%u: %s", file, line, why);
	else
		log_warning("%s: %s", file, why);
}

/* --- loading --- */

static int load_keys(
	struct key_store *store, const struct config_list *files, struct reporter *reporter)
{
	int r = key_store_load(
		store, (const char *const *)files->items, files->count, report, reporter);

	if (r != -E2BIG)
		return r;
	log_error("more than %d keys: the rest is left out", KEY_STORE_KEYS_MAX);
	return 0;
}

static int load_certificates(
	struct credentials *c, const struct credential_paths *p, struct reporter *reporter)
{
	const struct x509_paths paths = {(const char *const *)p->certificates.items,
		p->certificates.count, (const char *const *)p->cas.items, p->cas.count,
		(const char *const *)p->crls.items, p->crls.count};

	return p->cas.count ? x509_store_create(&paths, report, reporter, &c->x509) : 0;
}

static int load_revoked(
	struct credentials *c, const struct credential_paths *p, struct reporter *reporter)
{
	return p->revoked.count ? revoked_create((const char *const *)p->revoked.items,
					  p->revoked.count, report, reporter, &c->revoked)
				: 0;
}

static int load(struct credentials *c, const struct credential_paths *p, struct reporter *reporter,
	char why[CREDENTIALS_WHY_MAX])
{
	int r = key_store_create(&c->keys);

	snprintf(why, CREDENTIALS_WHY_MAX, "out of memory");
	if (!r)
		r = key_store_create_plain(&c->ssh_cas);
	if (!r)
		r = load_keys(c->keys, &p->keys, reporter);
	if (!r)
		r = load_keys(c->ssh_cas, &p->ssh_cas, reporter);
	if (r < 0)
		return r;
	r = load_certificates(c, p, reporter);
	if (r == -EINVAL)
		snprintf(why, CREDENTIALS_WHY_MAX, "vdsm_ca or vdsm_crl cannot be used");
	if (r < 0)
		return r;
	r = load_revoked(c, p, reporter);
	if (r == -EINVAL)
		snprintf(why, CREDENTIALS_WHY_MAX, "revoked_keys cannot be used");
	return r;
}

int credentials_load(const struct credential_paths *paths, const struct reports *before,
	struct credentials **out, char why[CREDENTIALS_WHY_MAX])
{
	struct credentials *c = calloc(1, sizeof(*c));
	struct reporter reporter = {c ? &c->reports : NULL, before};
	int r = c ? load(c, paths, &reporter, why) : -ENOMEM;

	if (r < 0) {
		credentials_destroy(c);
		return r;
	}
	log_write(before ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, NULL,
		"%zu authorized keys, %zu certificate authorities, %zu X.509 certificates",
		key_store_count(c->keys), key_store_count(c->ssh_cas),
		c->x509 ? x509_store_count(c->x509) : 0);
	*out = c;
	return 0;
}

void credentials_destroy(struct credentials *c)
{
	if (!c)
		return;
	key_store_destroy(c->keys);
	key_store_destroy(c->ssh_cas);
	x509_store_destroy(c->x509);
	revoked_destroy(c->revoked);
	free(c);
}
