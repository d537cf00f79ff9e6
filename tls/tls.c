/* Task: one connection. Owner: whoever speaks over it. Knows no HTTP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tls/tls.h"
#include "tls/tls_private.h"

#define PIECE 16384 /* bytes of one TLS record */

struct tls_connection {
	SSL *ssl;
	struct tls_socket socket;
	uint32_t events;
	const char *why;
	bool is_shaken, is_closed_bare;
};

static int create(struct tls *tls, int fd, struct tls_connection **out)
{
	struct tls_connection *t = calloc(1, sizeof(*t));
	BIO *bio;

	if (!t)
		return -ENOMEM;
	t->socket.fd = fd;
	t->ssl = SSL_new(tls->context);
	bio = t->ssl ? tls_socket_new(tls->method, &t->socket) : NULL;
	if (!bio) {
		tls_free(t);
		return -ENOMEM;
	}
	SSL_set_bio(t->ssl, bio, bio);
	*out = t;
	return 0;
}

int tls_accept(struct tls *tls, int fd, struct tls_connection **out)
{
	int r = create(tls, fd, out);

	if (!r)
		SSL_set_accept_state((*out)->ssl);
	return r;
}

/* An address is looked for among those of the certificate, and told to no server (RFC 6066 §3). */
static bool expect(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name) == 1)
		return true;
	X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(wanted, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

int tls_connect(struct tls *tls, int fd, const char *name, struct tls_connection **out)
{
	int r = create(tls, fd, out);

	if (r < 0)
		return r;
	if (!expect((*out)->ssl, name)) {
		tls_free(*out);
		*out = NULL;
		r = -ENOMEM;
	} else {
		SSL_set_connect_state((*out)->ssl);
	}
	ERR_clear_error();
	return r;
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

const char *tls_why(const struct tls_connection *t)
{
	return t->why ? t->why : "it broke";
}

bool tls_is_closed_bare(const struct tls_connection *t)
{
	return t->is_closed_bare;
}

/* A part of a record that has come is pending. */
static bool is_bare_close(const struct tls_connection *t)
{
	return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING &&
	       t->is_shaken && !SSL_has_pending(t->ssl);
}

/* What is wrong with a certificate says more than that it was not taken. */
static void keep_why(struct tls_connection *t, int error)
{
	long verified = SSL_get_verify_result(t->ssl);

	if (verified != X509_V_OK)
		t->why = X509_verify_cert_error_string(verified);
	else if (ERR_peek_error())
		t->why = ERR_reason_error_string(ERR_peek_error());
	else
		t->why = error ? strerrordesc_np(error) : "unexpected eof while reading";
	ERR_clear_error();
}

static enum tls_result result(struct tls_connection *t, int r)
{
	int error = errno;

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
		t->is_closed_bare = is_bare_close(t);
		keep_why(t, error);
		return TLS_FAILED;
	}
}

enum tls_result tls_handshake(struct tls_connection *t)
{
	int r;

	t->events = 0;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	t->is_shaken = r == 1;
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
		t->socket.more = buf_len(out) > len;
		n = SSL_write(t->ssl, buf_data(out), (int)len);
		if (n <= 0)
			return result(t, n);
		buf_drop(out, (size_t)n);
	}
	return TLS_DONE;
}

enum tls_result tls_end(struct tls_connection *t)
{
	int r;

	ERR_clear_error();
	t->socket.more = false;
	r = SSL_shutdown(t->ssl);
	return r < 0 ? result(t, r) : TLS_DONE;
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
