/* Host keys: made once, read by ssh-keygen, handed over sealed, refused when others may read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/ssh/base64.h"
#include "auth/ssh/pubkey.h"
#include "broker/door/host_key_check.h"
#include "broker/door/host_keys.h"
#include "broker/door/openssh_key.h"
#include "core/io.h"
#include "core/log.h"

struct fixture {
	char root[64], dir[96];
	char log[4096];
	char why[HOST_KEYS_WHY_MAX];
};

static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	struct fixture *f = arg;
	size_t used = strlen(f->log);

	snprintf(f->log + used, sizeof(f->log) - used, "%s\n", text);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->root, sizeof(f->root), "/tmp/test_host_keys.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->dir, sizeof(f->dir), "%s/state/hostkeys", f->root);
	log_set_sink(on_log, f);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	log_set_sink(NULL, NULL);
	nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void path_of(const struct fixture *f, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", f->dir, name);
}

static void read_text(const struct fixture *f, const char *name, char *out, size_t room)
{
	char path[PATH_MAX], *data;
	size_t len;

	path_of(f, name, path);
	assert_int_equal(read_file(path, room - 1, &data, &len), 0);
	memcpy(out, data, len + 1);
	free(data);
}

static void write_text(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];

	path_of(f, name, path);
	assert_int_equal(write_file(path, text, strlen(text), mode), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static unsigned mode_of(const struct fixture *f, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(f, name, path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* The output of ssh-keygen, which must succeed. */
static void keygen(const struct fixture *f, const char *option, const char *name, char out[1024])
{
	char command[PATH_MAX + 64];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "ssh-keygen %s -f %s/%s 2>&1", option, f->dir, name);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	len = fread(out, 1, 1023, pipe);
	out[len] = '\0';
	print_message("%s: %s", command, out);
	assert_int_equal(pclose(pipe), 0);
}

static void load(struct fixture *f, char *out, size_t room)
{
	int fd = -1;
	ssize_t n;

	if (host_keys_memfd(f->dir, &fd, f->why) < 0)
		fail_msg("%s", f->why);
	n = read(fd, out, room - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	close(fd);
}

static void made_at_first_start_and_kept_afterwards(void **state)
{
	static const char *const names[] = {"ssh_host_ed25519_key", "ssh_host_ecdsa_key"};
	struct fixture *f = *state;
	char before[2][2048], after[2048], name[64];
	size_t i;

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	assert_int_equal(mode_of(f, "."), 0700);
	for (i = 0; i < 2; i++) {
		assert_int_equal(mode_of(f, names[i]), 0600);
		snprintf(name, sizeof(name), "%s.pub", names[i]);
		assert_int_equal(mode_of(f, name), 0644);
		read_text(f, names[i], before[i], sizeof(before[i]));
	}
	f->log[0] = '\0';
	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	assert_string_equal(f->log, "");
	for (i = 0; i < 2; i++) {
		read_text(f, names[i], after, sizeof(after));
		assert_string_equal(before[i], after);
	}
}

static void modes_hold_under_any_umask(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	mode_t old = umask(0);

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	assert_int_equal(mode_of(f, "ssh_host_ed25519_key"), 0600);
	umask(0277);
	path_of(f, "ssh_host_ecdsa_key", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	umask(old);
	assert_int_equal(mode_of(f, "ssh_host_ecdsa_key"), 0600);
	assert_int_equal(mode_of(f, "ssh_host_ecdsa_key.pub"), 0644);
}

static void ssh_keygen_reads_them_and_agrees(void **state)
{
	static const struct {
		const char *name, *type, *bits;
	} keys[] = {
		{"ssh_host_ed25519_key", "ssh-ed25519", "256 SHA256:"},
		{"ssh_host_ecdsa_key", "ecdsa-sha2-nistp256", "256 SHA256:"},
	};
	struct fixture *f = *state;
	size_t i;

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	for (i = 0; i < 2; i++) {
		char shown[1024], file[1024], name[64], fingerprint[64];

		keygen(f, "-y", keys[i].name, shown);
		assert_memory_equal(shown, keys[i].type, strlen(keys[i].type));
		snprintf(name, sizeof(name), "%s.pub", keys[i].name);
		read_text(f, name, file, sizeof(file));
		/* the same line, from the private half alone: the public half and the comment */
		assert_string_equal(shown, file);
		keygen(f, "-l", keys[i].name, shown);
		assert_memory_equal(shown, keys[i].bits, strlen(keys[i].bits));
		assert_int_equal(sscanf(shown, "256 %63s", fingerprint), 1);
		assert_non_null(strstr(f->log, fingerprint));
	}
}

/* The binary form of a PEM block. */
static struct span unwrap(const char *text, uint8_t *out, size_t room)
{
	char joined[OPENSSH_KEY_TEXT_MAX];
	size_t used = 0, len = 0;
	const char *p = strchr(text, '\n') + 1, *end = strstr(text, "-----END");

	for (; p < end; p++) {
		if (*p != '\n')
			joined[used++] = *p;
	}
	assert_int_equal(base64_decode(joined, used, out, room, &len), 0);
	return span_of(out, len);
}

/* PROTOCOL.key, field by field; the scalar's length comes back. */
static size_t check_private(const struct openssh_key *key, const char *comment)
{
	uint8_t mem[OPENSSH_KEY_TEXT_MAX], pad, expected = 1;
	struct span file = unwrap(key->private_text, mem, sizeof(mem)), s, secret, scalar, blob;
	uint32_t count, first, second;
	int i;

	assert_int_equal(span_bytes(&file, sizeof("openssh-key-v1"), &s), 0);
	assert_memory_equal(s.at, "openssh-key-v1", s.len);
	for (i = 0; i < 3; i++) {
		assert_int_equal(span_string(&file, &s), 0);
		assert_true(span_is(s, i < 2 ? "none" : ""));
	}
	assert_int_equal(span_u32(&file, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(span_string(&file, &s), 0);
	assert_true(span_equal(s, span_of(key->blob, key->blob_len)));
	assert_int_equal(span_string(&file, &secret), 0);
	assert_int_equal(file.len, 0);

	assert_int_equal(secret.len % 8, 0);
	assert_int_equal(span_u32(&secret, &first), 0);
	assert_int_equal(span_u32(&secret, &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(span_bytes(&secret, key->blob_len, &blob), 0);
	assert_memory_equal(blob.at, key->blob, key->blob_len);
	assert_int_equal(span_mpint(&secret, &scalar), 0);
	assert_int_equal(span_string(&secret, &s), 0);
	assert_true(span_is(s, comment));
	while (span_u8(&secret, &pad) == 0)
		assert_int_equal(pad, expected++);
	return scalar.len;
}

static void keys_of_every_length_keep_their_format(void **state)
{
	int i, short_ones = 0;

	for (i = 0; i < 3000; i++) {
		struct openssh_key key;
		struct pubkey pub;
		const char *why = "";
		char comment[16] = "";

		memset(comment, 'c', (size_t)i % 8);
		assert_int_equal(openssh_key_make(OPENSSH_KEY_ECDSA_P256, comment, &key), 0);
		assert_int_equal(pubkey_parse(span_of(key.blob, key.blob_len), &pub, &why), 0);
		assert_int_equal(pub.type, PUBKEY_ECDSA_P256);
		short_ones += check_private(&key, comment) < 32; /* one of 256 */
		openssh_key_wipe(&key);
	}
	assert_true(short_ones > 0);
}

static void a_wiped_key_is_zeros(void **state)
{
	static const struct openssh_key zeros;
	struct openssh_key key;

	assert_int_equal(openssh_key_make(OPENSSH_KEY_ED25519, "x", &key), 0);
	openssh_key_wipe(&key);
	assert_memory_equal(&key, &zeros, sizeof(key));
}

static void handed_over_as_one_sealed_file(void **state)
{
	struct fixture *f = *state;
	static const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	char text[8192], ed[2048], ecdsa[2048], both[4096];
	int fd = -1;

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	load(f, text, sizeof(text));
	read_text(f, "ssh_host_ed25519_key", ed, sizeof(ed));
	read_text(f, "ssh_host_ecdsa_key", ecdsa, sizeof(ecdsa));
	snprintf(both, sizeof(both), "%s%s", ed, ecdsa); /* Ed25519 first */
	assert_string_equal(text, both);

	assert_int_equal(host_keys_memfd(f->dir, &fd, f->why), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & all, all);
	close(fd);
}

/* passphrase: NULL for none. Takes the key. */
static void make_pem(struct fixture *f, const char *name, EVP_PKEY *key, const char *passphrase)
{
	char path[PATH_MAX];
	FILE *file;

	path_of(f, name, path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_non_null(key);
	assert_int_equal(PEM_write_PrivateKey(file, key, passphrase ? EVP_aes_128_cbc() : NULL,
				 (const unsigned char *)passphrase,
				 passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
		1);
	fclose(file);
	EVP_PKEY_free(key);
	assert_int_equal(chmod(path, 0600), 0);
}

static void strip_newline(struct fixture *f, const char *name)
{
	char text[8192];

	read_text(f, name, text, sizeof(text));
	text[strlen(text) - 1] = '\0';
	write_text(f, name, text, 0600);
}

static void other_key_files_come_along_but_not_their_neighbours(void **state)
{
	struct fixture *f = *state;
	char text[8192];

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	make_pem(f, "ssh_host_rsa_key", EVP_RSA_gen(2048), NULL);
	strip_newline(f, "ssh_host_rsa_key");
	write_text(f, "ssh_host_rsa_key.pub", "public", 0644);
	write_text(f, "ssh_host_rsa_key-cert.pub", "cert", 0644);
	write_text(f, "ssh_host_rsa_key.new", "half", 0644);
	write_text(f, "other", "other", 0644);
	load(f, text, sizeof(text));
	assert_non_null(strstr(text, "-----END PRIVATE KEY-----\n"));
	assert_null(strstr(text, "public"));
	assert_null(strstr(text, "cert"));
	assert_null(strstr(text, "half"));
	assert_null(strstr(text, "other"));
}

static void assert_refused(struct fixture *f, int error, const char *word)
{
	int fd = -1;

	f->why[0] = '\0';
	assert_int_equal(host_keys_memfd(f->dir, &fd, f->why), -error);
	assert_int_equal(fd, -1);
	print_message("%s\n", f->why);
	assert_non_null(strstr(f->why, word));
	assert_null(strchr(f->why, '\n'));
}

static void refused_when_others_may_read_or_write(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	path_of(f, "ssh_host_ecdsa_key", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_refused(f, EPERM, "ssh_host_ecdsa_key: mode 0640 lets others read it: chmod 600 /");
	assert_int_equal(chmod(path, 0604), 0);
	assert_refused(f, EPERM, "ssh_host_ecdsa_key");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(f->dir, 0770), 0);
	assert_refused(f, EPERM, f->dir);
	assert_int_equal(chmod(f->dir, 0755), 0);
	load(f, path, sizeof(path));
}

static void refused_when_it_belongs_to_somebody_else(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	if (geteuid() != 0)
		skip();
	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	path_of(f, "ssh_host_ed25519_key", path);
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_refused(f, EPERM, "ssh_host_ed25519_key: belongs to user 12345");
}

static void refused_when_it_is_no_private_key(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], *big = calloc(1, 20000);

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	write_text(f, "ssh_host_x_key", "ssh-ed25519 AAAA", 0600);
	assert_refused(f, EINVAL, "ssh_host_x_key: it is not a private key");
	write_text(f, "ssh_host_x_key", "", 0600);
	assert_refused(f, EINVAL, "ssh_host_x_key: it is not a private key");
	memset(big, 'a', 19999);
	write_text(f, "ssh_host_x_key", big, 0600);
	free(big);
	assert_refused(f, EFBIG, "ssh_host_x_key: longer");
	path_of(f, "ssh_host_x_key", path);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not hang */
	assert_refused(f, EINVAL, "ssh_host_x_key: not a regular file");
}

static void new_key(struct fixture *f, const char *name, const char *options)
{
	char command[PATH_MAX * 2];

	snprintf(command, sizeof(command), "ssh-keygen -q %s -f %s/%s", options, f->dir, name);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static void keys_of_ssh_keygen_are_taken(void **state)
{
	static const char *const options[] = {"-t ed25519 -N ''", "-t ecdsa -b 256 -N ''",
		"-t ecdsa -b 384 -N ''", "-t ecdsa -b 521 -N ''", "-t rsa -b 2048 -N ''",
		"-t rsa -b 2048 -m PEM -N ''", "-t ecdsa -m PKCS8 -N ''"};
	struct fixture *f = *state;
	char text[8192], path[PATH_MAX];
	size_t i;

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		new_key(f, "ssh_host_x_key", options[i]);
		load(f, text, sizeof(text));
		path_of(f, "ssh_host_x_key", path);
		unlink(path);
	}
}

static void refused_with_the_cure_when_no_door_can_use_it(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	path_of(f, "ssh_host_x_key", path);
	new_key(f, "ssh_host_x_key", "-t ed25519 -N secret");
	assert_refused(f, EINVAL, "ssh_host_x_key: it has a passphrase: take that away with");
	unlink(path);
	make_pem(f, "ssh_host_x_key", EVP_RSA_gen(2048), "secret");
	assert_refused(f, EINVAL, "ssh_host_x_key: it has a passphrase");
	make_pem(f, "ssh_host_x_key", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
	assert_refused(f, EINVAL, "ssh_host_x_key: an Ed25519 key has to be in OpenSSH's form");
	make_pem(f, "ssh_host_x_key", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL);
	assert_refused(f, EINVAL, "ssh_host_x_key: keys of its type are not used: remove it");
}

/* Wherever it is cut off, and whatever letter is wrong in its frame. */
static void a_damaged_key_is_seen(void **state)
{
	enum { FRAME = 52 }; /* base64 of magic, cipher, kdf, its options, count */
	struct fixture *f = *state;
	char text[8192], *at;
	size_t len, i;

	assert_int_equal(host_keys_ensure(f->dir, f->why), 0);
	read_text(f, "ssh_host_ed25519_key", text, sizeof(text));
	len = strlen(text);
	assert_int_equal(host_key_check(text, len, f->why), 0);
	for (i = 0; i < len - 1; i++)
		assert_int_equal(host_key_check(text, i, f->why), -EINVAL);
	at = strchr(text, '\n') + 1;
	for (i = 0; i < FRAME; i++) {
		char kept = at[i];

		at[i] = kept == 'x' ? 'y' : 'x';
		assert_int_equal(host_key_check(text, len, f->why), -EINVAL);
		at[i] = kept;
	}
	write_text(f, "ssh_host_x_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", 0600);
	assert_refused(f, EINVAL, "ssh_host_x_key: it is damaged: restore it, or remove it");
	write_text(f, "ssh_host_x_key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA", 0600);
	assert_refused(f, EINVAL, "ssh_host_x_key: it is damaged: restore it, or remove it");
}

static void an_empty_or_missing_folder_is_named(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, ENOENT, f->dir);
	assert_int_equal(make_dirs(f->dir, 0700), 0);
	assert_refused(f, ENOKEY, f->dir);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	struct fixture *f = *state;

	snprintf(f->dir, sizeof(f->dir), "/proc/no/such");
	assert_true(host_keys_ensure(f->dir, f->why) < 0);
	assert_non_null(strstr(f->why, "/proc/no/such"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(made_at_first_start_and_kept_afterwards),
		TEST(modes_hold_under_any_umask),
		TEST(ssh_keygen_reads_them_and_agrees),
		TEST(keys_of_every_length_keep_their_format),
		TEST(a_wiped_key_is_zeros),
		TEST(handed_over_as_one_sealed_file),
		TEST(other_key_files_come_along_but_not_their_neighbours),
		TEST(refused_when_others_may_read_or_write),
		TEST(refused_when_it_belongs_to_somebody_else),
		TEST(refused_when_it_is_no_private_key),
		TEST(keys_of_ssh_keygen_are_taken),
		TEST(refused_with_the_cure_when_no_door_can_use_it),
		TEST(a_damaged_key_is_seen),
		TEST(an_empty_or_missing_folder_is_named),
		TEST(a_folder_that_cannot_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
