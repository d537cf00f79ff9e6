/*
 * Task: the verb deposit: a key for ssh, for who came by a client certificate over https. Owner:
 * nobody; no state.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "auth/deposit.h"
#include "auth/identity.h"
#include "auth/ssh/pubkey.h"
#include "auth/x509_key.h"
#include "auth/x509_store.h"
#include "broker/access/access.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/config.h"
#include "config/values.h"
#include "core/text/span.h"

struct deposit_arguments {
	const char *key; /* NULL: the certificate's own */
};

static int find_key(const struct deposit_arguments *a, struct span der,
	uint8_t mem[PUBKEY_BLOB_MAX], struct span *blob, const char **why)
{
	struct pubkey key;
	int r;

	if (!a->key)
		return x509_der_key_blob(der, mem, PUBKEY_BLOB_MAX, blob, why);
	*why = "a line of a .pub file is wanted";
	r = pubkey_line_blob(a->key, mem, blob);
	return r < 0 ? r : pubkey_parse(*blob, &key, why);
}

/*
 * Whether somebody else comes by it today. A public key is no secret: who has it would come as
 * whoever has deposited it last.
 */
static bool is_of_another(const struct verb_call *call, struct span blob)
{
	const struct broker_context *context = login_context(call->login);
	const struct x509_store *store = context->access->sources.x509;
	char why[X509_STORE_WHY_MAX];
	struct identity *other = NULL;
	int64_t now = time(NULL), until;
	struct span der;
	bool same;

	if (!store || deposits_find(context->deposits, blob, now, &der, &until) < 0 ||
		x509_store_check_der(store, der, now, &other, why) < 0)
		return false;
	same = strcmp(other->text, login_identity(call->login)->text) == 0;
	identity_destroy(other);
	return !same;
}

static void answer(struct verb_call *call, struct span blob, uint64_t time_us)
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM], text[VALUE_NUMBER_TEXT_MAX];

	pubkey_fingerprint(blob, fingerprint);
	if (call->json)
		json_answer(call->channel, json_pack("{s:s,s:I}", "key", fingerprint, "seconds",
						   (json_int_t)(time_us / LOOP_SECOND)));
	channel_exit(call->channel, STATUS_OK, "key %s is good for ssh for %s", fingerprint,
		value_duration_text(time_us, text));
}

static void deposit(struct verb_call *call, struct span blob, struct span der)
{
	const struct broker_context *context = login_context(call->login);
	uint64_t time_us = context->config->https.ssh_key_time;
	int64_t now = time(NULL);
	int r = deposits_add(
		context->deposits, blob, der, now + (int64_t)(time_us / LOOP_SECOND), now);

	if (r == 0)
		answer(call, blob, time_us);
	else if (r == -EDQUOT)
		channel_exit(call->channel, STATUS_BUSY,
			"%d keys of this certificate are good at once, which is the most; try "
			"again when one has ended",
			DEPOSITS_OF_ONE_MAX);
	else if (r == -ENOSPC)
		channel_exit(call->channel, STATUS_BUSY,
			"too many keys are deposited; try again when one has ended");
	else
		channel_exit(call->channel, STATUS_INTERNAL, "the key cannot be kept: %s",
			r == -ENOMEM ? "out of memory" : "ssh_key_time is shorter than 1s");
}

static void run(struct verb_call *call, const void *options)
{
	const struct deposit_arguments *arguments = options;
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span der, blob;
	const char *why;

	if (login_context(call->login)->config->https.ssh_key_time == 0)
		channel_exit(call->channel, STATUS_DENIED,
			"no key can be deposited here: ssh_key_time of [https] is 0");
	else if (login_certificate(call->login, &der) < 0)
		channel_exit(call->channel, STATUS_DENIED,
			"a key is deposited with a client certificate, which this login has not");
	else if (find_key(arguments, der, mem, &blob, &why) < 0)
		channel_exit(call->channel, STATUS_USAGE, "no key for ssh: %s", why);
	else if (arguments->key && is_of_another(call, blob)) /* its own it has shown to have */
		channel_exit(call->channel, STATUS_BUSY,
			"this key is deposited with another certificate: give another key");
	else
		deposit(call, blob, der);
}

static const struct verb_option deposit_options[] = {
	{"key", OPTION_TEXT, offsetof(struct deposit_arguments, key), "LINE",
		.help = "this key, not the certificate's own"},
	VERB_OPTION_JSON,
};

const struct verb verb_deposit = {.name = "deposit",
	.example = "--json",
	.scope = VERB_HOST,
	.caller = VERB_FOR_HTTPS,
	.usage = "deposit [--key LINE] [--json]",
	.summary = "a key for ssh, in the name of a client certificate",
	VERB_OPTIONS(deposit_options, struct deposit_arguments),
	.run = run};
