/*
 * The bytes of a client, as they come and go: over TLS, or plain from this host. Answers as
 * tls/tls.h does; knows no HTTP.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "tls/tls.h"

struct client {
	int fd;                     /* the caller's */
	struct tls_connection *tls; /* NULL: plain */
	uint32_t events;            /* plain: what is waited for */
};

/* tls NULL: plain. 0 or -errno. */
int client_init(struct client *c, int fd, struct tls *tls) MUST_CHECK;
void client_finish(struct client *c); /* the socket stays */

static inline bool client_is_plain(const struct client *c)
{
	return !c->tls;
}

/* A plain end of the client's side is as good as one of TLS: it has no other (RFC 9112 §9.6). */
enum tls_result client_read(struct client *c, struct buf *in) MUST_CHECK;
enum tls_result client_write(struct client *c, struct buf *out) MUST_CHECK;
/* EPOLLIN, EPOLLOUT: what the last call that gave TLS_WAIT waits for. */
uint32_t client_events(const struct client *c);
/* Says in TLS that nothing more will come. */
void client_end(struct client *c);
/* As tls_peer_certificate; plain: NULL. */
uint8_t *client_certificate(const struct client *c, size_t *len);

#endif
