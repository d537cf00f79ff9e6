/*
 * Among the files of tls/.
 */
#ifndef TLS_TLS_PRIVATE_H
#define TLS_TLS_PRIVATE_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct tls {
	SSL_CTX *context;
	BIO_METHOD *method; /* of the sockets */
	bool is_client;
};

/* --- tls_socket.c --- */

struct tls_socket {
	int fd;
	bool more;  /* what is written has more behind it */
	bool ended; /* the other side has shut it down */
};

/* NULL: no memory. */
BIO_METHOD *tls_socket_method(void);
/* NULL: no memory. s is the caller's, and must outlive it. */
BIO *tls_socket_new(const BIO_METHOD *method, struct tls_socket *s);

#endif
