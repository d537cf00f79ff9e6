/*
 * Among the files of tls/.
 */
#ifndef TLS_TLS_PRIVATE_H
#define TLS_TLS_PRIVATE_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct tls {
	SSL_CTX *context;
	bool is_client;
};

#endif
