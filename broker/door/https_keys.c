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

/* A file as the configuration names it. */
struct key_file {
	const char *name; /* "upstream_key" */
	const char *path;
	int fd;
};

__attribute__((format(printf, 3, 4))) static int fail(
	char why[HTTPS_KEYS_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, HTTPS_KEYS_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

static int open_file(struct key_file *file, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];
	struct stat st;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0)
		return fail(why, errno, "%s of [https] %s: %s", file->name, file->path,
			error_text(file->path, errno, R_OK, room));
	if (fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= HTTPS_KEYS_FILE_MAX)
		return 0;
	return fail(why, EINVAL, "%s of [https] %s is no file of at most %d bytes", file->name,
		file->path, HTTPS_KEYS_FILE_MAX);
}

static int check_owner(const struct key_file *key, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];
	struct stat st;

	if (fstat(key->fd, &st) < 0)
		return fail(why, errno, "%s of [https] %s: %s", key->name, key->path,
			error_text(key->path, errno, R_OK, room));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(why, EPERM, "%s of [https] %s belongs to another user: chown it",
			key->name, key->path);
	if (st.st_mode & 077)
		return fail(why, EPERM, "%s of [https] %s: others may read it: chmod 600 %s",
			key->name, key->path, key->path);
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

static int check_pair(const struct key_file *key_file, const struct key_file *certificate_file,
	char why[HTTPS_KEYS_WHY_MAX])
{
	EVP_PKEY *key = read_key(key_file->fd);
	X509 *certificate = read_certificate(certificate_file->fd);
	int r = 0;

	if (!key)
		r = fail(why, EINVAL, "%s of [https] %s: no PEM private key without passphrase",
			key_file->name, key_file->path);
	else if (!certificate)
		r = fail(why, EINVAL, "%s of [https] %s: no PEM certificate",
			certificate_file->name, certificate_file->path);
	else if (X509_check_private_key(certificate, key) != 1)
		r = fail(why, EINVAL, "%s %s and %s %s of [https] do not belong together",
			key_file->name, key_file->path, certificate_file->name,
			certificate_file->path);
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

/* --- the file in memory --- */

static int open_pair(
	struct key_file *key, struct key_file *certificate, char why[HTTPS_KEYS_WHY_MAX])
{
	int r = open_file(key, why);

	if (!r)
		r = open_file(certificate, why);
	if (!r)
		r = check_owner(key, why);
	return r ? r : check_pair(key, certificate, why);
}

static int no_memory(int error, char why[HTTPS_KEYS_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];

	return fail(why, -error, "keys of [https] cannot be kept in memory: %s",
		error_text_shortage(-error, room));
}

static int add_pair(
	struct key_file *key, struct key_file *certificate, int to, char why[HTTPS_KEYS_WHY_MAX])
{
	int r = open_pair(key, certificate, why);

	if (!r) {
		r = copy(key->fd, to);
		if (!r)
			r = copy(certificate->fd, to);
		if (r < 0)
			r = no_memory(r, why);
	}
	fd_close(&key->fd);
	fd_close(&certificate->fd);
	return r;
}

/* As blocks of their own kind, so that they are not taken for those of our own certificate. */
static int copy_authorities(int from, int to)
{
	BIO *in = BIO_new_fd(from, BIO_NOCLOSE), *out = BIO_new_fd(to, BIO_NOCLOSE);
	X509 *authority;
	int r = in && out ? -ENOENT : -ENOMEM;

	while (r != -ENOMEM && (authority = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL))) {
		r = PEM_write_bio_X509_AUX(out, authority) == 1 ? 0 : -ENOMEM;
		X509_free(authority);
	}
	BIO_free(in);
	BIO_free(out);
	ERR_clear_error();
	return r;
}

static int add_authorities(const char *path, int to, char why[HTTPS_KEYS_WHY_MAX])
{
	struct key_file file = {"upstream_ca", path, -1};
	int r = open_file(&file, why);

	if (!r) {
		r = copy_authorities(file.fd, to);
		if (r == -ENOENT)
			r = fail(
				why, EINVAL, "upstream_ca of [https] %s: no PEM certificate", path);
		else if (r < 0)
			r = no_memory(r, why);
	}
	fd_close(&file.fd);
	return r;
}

static int add_all(const struct https_key_paths *paths, int to, char why[HTTPS_KEYS_WHY_MAX])
{
	struct key_file key = {paths->ca ? "upstream_key" : "key", paths->key, -1};
	struct key_file certificate = {
		paths->ca ? "upstream_certificate" : "certificate", paths->certificate, -1};
	int r = 0;

	if (*paths->key || *paths->certificate)
		r = add_pair(&key, &certificate, to, why);
	return r || !paths->ca ? r : add_authorities(paths->ca, to, why);
}

int https_keys_memfd(const struct https_key_paths *paths, int *fd, char why[HTTPS_KEYS_WHY_MAX])
{
	int to = memory_file_create("https keys"), r;

	if (to < 0)
		return no_memory(to, why);
	r = add_all(paths, to, why);
	if (!r) {
		r = memory_file_seal(to);
		if (r < 0)
			r = no_memory(r, why);
	}
	if (r < 0)
		fd_close(&to);
	else
		*fd = to;
	return r;
}
