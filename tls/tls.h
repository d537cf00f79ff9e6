/*
 * TLS: OpenSSL, non-blocking, TLS 1.2 and 1.3, no renegotiation, compression or resumption.
 *
 * The server of the https door asks for a client's certificate and does not judge it: the broker
 * does that, with the same rules as for VDSM's certificates over ssh. Its holder has proved that he
 * has the key. A client, which speaks with the upstream, trusts nobody but its authorities.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/loop.h"

struct tls;
struct tls_connection;

enum tls_result {
	TLS_DONE,
	TLS_WAIT,   /* for tls_events */
	TLS_CLOSED, /* the other side has ended in order */
	TLS_FAILED, /* tls_why */
};

/*
 * keys_fd: a file of PEM, read from its offset on: the private key, the certificate chain, and (of
 * a client) as TRUSTED CERTIFICATE the authorities. A client may have no key. 0 or -errno.
 */
int tls_server_create(int keys_fd, struct tls **out) MUST_CHECK;
int tls_client_create(int keys_fd, struct tls **out) MUST_CHECK;
/* The same file, for connections from now on. 0 or -errno: all is as it was. */
int tls_renew(struct tls *tls, int keys_fd) MUST_CHECK;

/* Both: fd stays the caller's, and must outlive it. 0 or -errno. */
int tls_accept(struct tls *tls, int fd, struct tls_connection **out) MUST_CHECK;
/* name: of a host, or an address, that the server's certificate must have. */
int tls_connect(struct tls *tls, int fd, const char *name, struct tls_connection **out) MUST_CHECK;
void tls_free(struct tls_connection *t);

/* TLS_DONE, TLS_WAIT or TLS_FAILED. */
enum tls_result tls_handshake(struct tls_connection *t) MUST_CHECK;
/* Reads what fits into in; TLS_DONE: in is full. */
enum tls_result tls_read(struct tls_connection *t, struct buf *in) MUST_CHECK;
/* Writes all of out; TLS_DONE: it is empty. */
enum tls_result tls_write(struct tls_connection *t, struct buf *out) MUST_CHECK;
/* Says that nothing more will come. TLS_WAIT: it did not fit, and is to be said again; what else
 * happens to it does not matter. */
enum tls_result tls_end(struct tls_connection *t);

/* What the last call that gave TLS_WAIT waits for: EPOLLIN, EPOLLOUT. */
uint32_t tls_events(const struct tls_connection *t);
/* After TLS_FAILED: constant text. */
const char *tls_why(const struct tls_connection *t);

/* After TLS_FAILED of tls_read: the other side has closed its socket between two records, without
 * TLS's own end. What came before is whole, unless somebody on the way has closed it. */
bool tls_is_closed_bare(const struct tls_connection *t);

/* The client's certificate as DER, to be freed with free(); NULL: none. */
uint8_t *tls_peer_certificate(const struct tls_connection *t, size_t *len);

#endif
