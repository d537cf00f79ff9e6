/*
 * Task: what all connections of a process have in common: keys, authorities, what is spoken.
 * Owner: the process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tls/tls.h"
#include "tls/tls_private.h"

/* --- what is spoken --- */

/* The broker judges the certificate. Signature checks of the handshake are not its business: that
 * the client has the key is proved whatever is said here. */
static int any_certificate(int ok, X509_STORE_CTX *context)
{
	return 1;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char http[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	if (SSL_select_next_proto(&chosen, out_len, http, sizeof(http) - 1, in, in_len) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void set_up_server(SSL_CTX *context)
{
	static const unsigned char id[] = "vmconsoled";

	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, any_certificate);
	SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
}

static void set_up(SSL_CTX *context, bool is_client)
{
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	if (is_client)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	else
		set_up_server(context);
}

/* --- the file of keys --- */

struct loading {
	SSL_CTX *context;
	unsigned keys, own, authorities; /* what was found */
};

static bool take_key(struct loading *l, const unsigned char *der, long len)
{
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, len);
	bool ok = key && SSL_CTX_use_PrivateKey(l->context, key) == 1;

	EVP_PKEY_free(key);
	l->keys++;
	return ok;
}

/* The first certificate is our own, the others lead to its CA. */
static bool take_own(struct loading *l, const unsigned char *der, long len)
{
	X509 *certificate = d2i_X509(NULL, &der, len);
	bool ok = certificate && (l->own == 0 ? SSL_CTX_use_certificate(l->context, certificate)
					      : SSL_CTX_add1_chain_cert(l->context, certificate));

	X509_free(certificate);
	l->own++;
	return ok;
}

static bool take_authority(struct loading *l, const unsigned char *der, long len)
{
	X509 *certificate = d2i_X509_AUX(NULL, &der, len);
	X509_STORE *store = SSL_CTX_get_cert_store(l->context);
	bool ok = certificate && X509_STORE_add_cert(store, certificate) == 1;

	X509_free(certificate);
	l->authorities++;
	return ok;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool take_block(struct loading *l, const char *name, const unsigned char *der, long len)
{
	if (ends_with(name, PEM_STRING_PKCS8INF)) /* of every kind */
		return take_key(l, der, len);
	if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
		return take_authority(l, der, len);
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
		return take_own(l, der, len);
	return true;
}

static int load(struct loading *l, int keys_fd)
{
	BIO *bio = BIO_new_fd(keys_fd, BIO_NOCLOSE);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool ok = true;
	long len;

	if (!bio)
		return -ENOMEM;
	while (ok && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		ok = take_block(l, name, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	BIO_free(bio);
	if (l->keys > 0 && SSL_CTX_check_private_key(l->context) != 1)
		ok = false;
	ERR_clear_error();
	return ok ? 0 : -EKEYREJECTED;
}

/* --- the context --- */

/* A server has a key; a client knows whom it trusts. */
static bool has_all(const struct loading *l, bool is_client)
{
	return is_client ? l->authorities > 0 : l->keys > 0;
}

/* Connections keep the context that they were made with. */
int tls_renew(struct tls *tls, int keys_fd)
{
	SSL_CTX *context = SSL_CTX_new(tls->is_client ? TLS_client_method() : TLS_server_method());
	struct loading l = {.context = context};
	int r;

	if (!context)
		return -ENOMEM;
	set_up(context, tls->is_client);
	r = load(&l, keys_fd);
	if (!r && !has_all(&l, tls->is_client))
		r = -EKEYREJECTED;
	if (r < 0) {
		SSL_CTX_free(context);
		return r;
	}
	SSL_CTX_free(tls->context);
	tls->context = context;
	return 0;
}

static int create(int keys_fd, bool is_client, struct tls **out)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r = -ENOMEM;

	if (tls) {
		tls->is_client = is_client;
		tls->method = tls_socket_method();
		r = tls->method ? tls_renew(tls, keys_fd) : -ENOMEM;
	}
	if (r < 0 && tls)
		BIO_meth_free(tls->method);
	if (r < 0)
		free(tls);
	else
		*out = tls;
	return r;
}

int tls_server_create(int keys_fd, struct tls **out)
{
	return create(keys_fd, false, out);
}

int tls_client_create(int keys_fd, struct tls **out)
{
	return create(keys_fd, true, out);
}
