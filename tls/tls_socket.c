/*
 * Task: the socket under a connection, as OpenSSL wants it. Its own one writes each record of 16
 * KiB by itself, and each wakes the other side; this one tells the kernel when another follows at
 * once, so that they go out together. Owner: the process.
 */
#include <errno.h>
#include <sys/socket.h>

#include "tls/tls_private.h"

static int write_record(BIO *bio, const char *data, int len)
{
	const struct tls_socket *s = BIO_get_data(bio);
	ssize_t n = send(s->fd, data, (size_t)len, MSG_NOSIGNAL | (s->more ? MSG_MORE : 0));

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static int read_some(BIO *bio, char *data, int len)
{
	struct tls_socket *s = BIO_get_data(bio);
	ssize_t n = recv(s->fd, data, (size_t)len, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	s->ended = n == 0;
	return (int)n;
}

static long control(BIO *bio, int what, long number, void *arg)
{
	const struct tls_socket *s = BIO_get_data(bio);

	if (what == BIO_CTRL_EOF)
		return s->ended;
	return what == BIO_CTRL_FLUSH; /* nothing is held here; the rest is not for sockets */
}

BIO_METHOD *tls_socket_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");

	if (method && BIO_meth_set_write(method, write_record) == 1 &&
		BIO_meth_set_read(method, read_some) == 1 &&
		BIO_meth_set_ctrl(method, control) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *tls_socket_new(const BIO_METHOD *method, struct tls_socket *s)
{
	BIO *bio = BIO_new(method);

	if (bio) {
		BIO_set_data(bio, s);
		BIO_set_init(bio, 1);
	}
	return bio;
}
