/* Task: see https_keys.h. Owner: nobody, plain values. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "broker/door/https_keys.h"
#include "core/io.h"
#include "core/file/memory_file.h"
#include "core/file/error_text.h"

__attribute__((format(printf, 3, 4))) static int fail(
	char why[HTTPS_KEYS_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, HTTPS_KEYS_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

/* The descriptor, or -errno. */
static int open_file(const char *path, const char *what, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return fail(why, errno, "%s of [https] %s: %s", what, path,
			error_text(path, errno, R_OK, room));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= HTTPS_KEYS_FILE_MAX)
		return fd;
	close(fd);
	return fail(why, EINVAL, "%s of [https] %s is no file of at most %d bytes", what, path,
		HTTPS_KEYS_FILE_MAX);
}

static int check_owner(int fd, const char *path, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(why, errno, "key of [https] %s: %s", path,
			error_text(path, errno, R_OK, room));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(
			why, EPERM, "key of [https] %s belongs to another user: chown it", path);
	if (st.st_mode & 077)
		return fail(why, EPERM, "key of [https] %s: others may read it: chmod 600 %s", path,
			path);
	return 0;
}

static EVP_PKEY *read_key(int fd)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	/* No question at a terminal for a passphrase: a service has none. */
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static X509 *read_certificate(int fd)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return certificate;
}

static int check_pair(int key_fd, const char *key_path, int certificate_fd,
	const char *certificate_path, char why[HTTPS_KEYS_WHY_MAX])
{
	EVP_PKEY *key = read_key(key_fd);
	X509 *certificate = read_certificate(certificate_fd);
	int r = 0;

	if (!key)
		r = fail(why, EINVAL, "key of [https] %s: no PEM private key without passphrase",
			key_path);
	else if (!certificate)
		r = fail(why, EINVAL, "certificate of [https] %s: no PEM certificate",
			certificate_path);
	else if (X509_check_private_key(certificate, key) != 1)
		r = fail(why, EINVAL, "key %s and certificate %s of [https] do not belong together",
			key_path, certificate_path);
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(certificate);
	return r;
}

static int copy(int from, int to)
{
	char piece[4096];
	ssize_t n = lseek(from, 0, SEEK_SET) < 0 ? -1 : 1;
	int r = 0;

	while (r == 0 && n > 0) {
		n = read(from, piece, sizeof(piece));
		if (n > 0)
			r = write_all(to, piece, (size_t)n);
	}
	explicit_bzero(piece, sizeof(piece));
	if (r == 0 && n < 0)
		r = -errno;
	return r ? r : write_all(to, "\n", 1);
}

static int put_together(int key, int certificate, int *fd, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];
	int to = memory_file_create("https keys"), r = to < 0 ? to : copy(key, to);

	if (!r)
		r = copy(certificate, to);
	if (!r)
		r = memory_file_seal(to);
	if (r < 0) {
		fd_close(&to);
		return fail(why, -r, "key of [https] cannot be kept in memory: %s",
			error_text_shortage(-r, room));
	}
	*fd = to;
	return 0;
}

int https_keys_memfd(
	const char *key, const char *certificate, int *fd, char why[HTTPS_KEYS_WHY_MAX])
{
	int key_fd FD_AUTO = open_file(key, "key", why), certificate_fd FD_AUTO = -1, r;

	if (key_fd < 0)
		return key_fd;
	certificate_fd = open_file(certificate, "certificate", why);
	r = certificate_fd < 0 ? certificate_fd : check_owner(key_fd, key, why);
	if (!r)
		r = check_pair(key_fd, key, certificate_fd, certificate, why);
	return r ? r : put_together(key_fd, certificate_fd, fd, why);
}
