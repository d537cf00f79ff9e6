/* Task: see tls.h. Owner: the door; a connection's own. Knows no HTTP. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "core/log.h"
#include "http/tls.h"

#define PIECE 16384 /* bytes of one TLS record */

struct tls {
	SSL_CTX *context;
};

struct tls_connection {
	SSL *ssl;
	uint32_t events;
};

/* --- the context --- */

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

static int take_key(SSL_CTX *context, BIO *bio)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	int ok = key && SSL_CTX_use_PrivateKey(context, key) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EKEYREJECTED;
}

/* The first certificate is the server's, the others lead to its CA. */
static int take_chain(SSL_CTX *context, BIO *bio)
{
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	int ok = certificate && SSL_CTX_use_certificate(context, certificate) == 1;

	X509_free(certificate);
	while (ok && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		ok = SSL_CTX_add0_chain_cert(context, certificate) == 1;
	return ok && SSL_CTX_check_private_key(context) == 1 ? 0 : -EKEYREJECTED;
}

static int load(SSL_CTX *context, int keys_fd)
{
	BIO *bio = BIO_new_fd(keys_fd, BIO_NOCLOSE), *copy = BIO_new(BIO_s_secmem());
	char piece[4096];
	int n, r = bio && copy ? 0 : -ENOMEM;

	while (!r && (n = BIO_read(bio, piece, sizeof(piece))) > 0)
		if (BIO_write(copy, piece, n) != n)
			r = -ENOMEM;
	OPENSSL_cleanse(piece, sizeof(piece));
	if (!r)
		r = take_key(context, copy);
	if (!r)
		r = take_chain(context, copy);
	BIO_free(copy);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static void set_up(SSL_CTX *context)
{
	static const unsigned char id[] = "vmconsoled";

	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, any_certificate);
	SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
}

/* Connections keep the context that they were made with. */
int tls_renew(struct tls *tls, int keys_fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int r;

	if (!context)
		return -ENOMEM;
	set_up(context);
	r = load(context, keys_fd);
	if (r < 0) {
		SSL_CTX_free(context);
		return r;
	}
	SSL_CTX_free(tls->context);
	tls->context = context;
	return 0;
}

int tls_create(int keys_fd, struct tls **out)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r = tls ? tls_renew(tls, keys_fd) : -ENOMEM;

	if (r < 0)
		free(tls);
	else
		*out = tls;
	return r;
}

/* --- a connection --- */

int tls_accept(struct tls *tls, int fd, struct tls_connection **out)
{
	struct tls_connection *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ssl = SSL_new(tls->context);
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		tls_free(t);
		return -ENOMEM;
	}
	SSL_set_accept_state(t->ssl);
	*out = t;
	return 0;
}

void tls_free(struct tls_connection *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

uint32_t tls_events(const struct tls_connection *t)
{
	return t->events;
}

static enum tls_result result(struct tls_connection *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		t->events |= EPOLLIN;
		return TLS_WAIT;
	case SSL_ERROR_WANT_WRITE:
		t->events |= EPOLLOUT;
		return TLS_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		ERR_clear_error();
		return TLS_FAILED;
	}
}

enum tls_result tls_handshake(struct tls_connection *t)
{
	int r;

	t->events = 0;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	return r == 1 ? TLS_DONE : result(t, r);
}

enum tls_result tls_read(struct tls_connection *t, struct buf *in)
{
	uint8_t piece[PIECE];

	t->events &= ~(uint32_t)EPOLLIN;
	while (buf_room(in) > 0) {
		size_t want = buf_room(in) < sizeof(piece) ? buf_room(in) : sizeof(piece);
		int n;

		ERR_clear_error();
		n = SSL_read(t->ssl, piece, (int)want);
		if (n <= 0)
			return result(t, n);
		if (buf_add(in, piece, (size_t)n) < 0)
			return TLS_FAILED;
	}
	return TLS_DONE;
}

enum tls_result tls_write(struct tls_connection *t, struct buf *out)
{
	t->events &= ~(uint32_t)EPOLLOUT;
	while (buf_len(out) > 0) {
		size_t len = buf_len(out) < PIECE ? buf_len(out) : PIECE;
		int n;

		ERR_clear_error();
		n = SSL_write(t->ssl, buf_data(out), (int)len);
		if (n <= 0)
			return result(t, n);
		buf_drop(out, (size_t)n);
	}
	return TLS_DONE;
}

void tls_end(struct tls_connection *t)
{
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

uint8_t *tls_peer_certificate(const struct tls_connection *t, size_t *len)
{
	X509 *certificate = SSL_get1_peer_certificate(t->ssl);
	unsigned char *der = NULL, *copy = NULL;
	int n = certificate ? i2d_X509(certificate, &der) : -1;

	if (n > 0)
		copy = malloc((size_t)n);
	if (copy) {
		memcpy(copy, der, (size_t)n);
		*len = (size_t)n;
	}
	OPENSSL_free(der);
	X509_free(certificate);
	return copy;
}
