/*
 * Task: host keys and algorithms. Owner: the door.
 * The lists name what is offered; whatever libssh knows besides is not. Group exchange above all:
 * libssh opens the moduli file in the middle of it, which the sandbox answers with death.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "sshd/bind.h"

/* libssh leaves out of a list what its version does not know. */
static const char key_exchanges[] = "mlkem768x25519-sha256,sntrup761x25519-sha512,"
				    "sntrup761x25519-sha512@openssh.com,"
				    "curve25519-sha256,curve25519-sha256@libssh.org,"
				    "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521";
static const char ciphers[] = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
			      "aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";
static const char macs[] = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
			   "hmac-sha2-256,hmac-sha2-512";
static const char host_key_algorithms[] = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
					  "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
/* Signatures of users; plain keys and certificates. No SHA-1, no DSA. */
static const char user_algorithms[] =
	"ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,"
	"sk-ssh-ed25519@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,"
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384-cert-v01@openssh.com,"
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,"
	"sk-ecdsa-sha2-nistp256@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
	"rsa-sha2-512,rsa-sha2-256,rsa-sha2-512-cert-v01@openssh.com,"
	"rsa-sha2-256-cert-v01@openssh.com";
static const char identification[] = "vmconsoled"; /* libssh puts "SSH-2.0-" before it */

#define REKEY_BYTES (UINT64_C(1) << 30)

static int set_options(ssh_bind bind)
{
	static const struct {
		enum ssh_bind_options_e option;
		const void *value;
	} list[] = {
		{SSH_BIND_OPTIONS_KEY_EXCHANGE, key_exchanges},
		{SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers},
		{SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers},
		{SSH_BIND_OPTIONS_HMAC_C_S, macs},
		{SSH_BIND_OPTIONS_HMAC_S_C, macs},
		{SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, host_key_algorithms},
		{SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, user_algorithms},
		{SSH_BIND_OPTIONS_BANNER, identification},
	};
	bool no = false;
	size_t i;

	/* Or it reads /etc/ssh/libssh_server_config at the first connection. */
	if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK)
		return -EINVAL;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (ssh_bind_options_set(bind, list[i].option, list[i].value) != SSH_OK) {
			log_error("libssh refuses an option: %s", ssh_get_error(bind));
			return -EINVAL;
		}
	}
	return 0;
}

/* The bind owns the key afterwards. */
static int import_key(ssh_bind bind, const char *block)
{
	ssh_key key = NULL;

	if (ssh_pki_import_privkey_base64(block, NULL, NULL, NULL, &key) != SSH_OK)
		return -EINVAL;
	if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
		ssh_key_free(key);
		return -EINVAL;
	}
	return 0;
}

/* Cuts text at each block's end line. */
static int import_all(ssh_bind bind, char *text)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	char *at = text;
	int count = 0;

	while ((at = strstr(at, begin))) {
		char *stop = strstr(at, end), saved;

		if (!stop)
			break;
		stop += strcspn(stop, "\n");
		if (*stop == '\n')
			stop++;
		saved = *stop;
		*stop = '\0';
		count++;
		if (import_key(bind, at) < 0) {
			log_error("host key %d cannot be used: its type is unknown, it has a "
				  "passphrase, or it is damaged",
				count);
			return -EINVAL;
		}
		*stop = saved;
		at = stop;
	}
	return count > 0 ? 0 : -ENOKEY;
}

/* Not by read_file: the bytes must be wiped wherever they lay. */
static ssize_t read_keys(int fd, char *text, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = pread(fd, text + len, room - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	return -E2BIG;
}

int bind_create(int keys_fd, ssh_bind *out)
{
	char *text = calloc(1, HOST_KEYS_MAX + 1);
	ssh_bind bind = ssh_bind_new();
	ssize_t n;
	int r = -ENOMEM;

	if (!text || !bind)
		goto done;
	r = set_options(bind);
	if (r)
		goto done;
	n = read_keys(keys_fd, text, HOST_KEYS_MAX);
	r = n < 0 ? (int)n : import_all(bind, text);
done:
	if (text)
		explicit_bzero(text, HOST_KEYS_MAX);
	free(text);
	if (r && bind)
		ssh_bind_free(bind);
	else if (!r)
		*out = bind;
	return r;
}

static int set_session_options(ssh_session ssh)
{
	uint64_t rekey = REKEY_BYTES;

	/* SSH_OPTIONS_COMPRESSION "no" would still offer zlib@openssh.com. */
	if (ssh_options_set(ssh, SSH_OPTIONS_COMPRESSION_C_S, "none") != SSH_OK ||
		ssh_options_set(ssh, SSH_OPTIONS_COMPRESSION_S_C, "none") != SSH_OK ||
		ssh_options_set(ssh, SSH_OPTIONS_REKEY_DATA, &rekey) != SSH_OK)
		return -EINVAL;
	return 0;
}

ssh_session bind_accept(ssh_bind bind, int fd)
{
	ssh_session ssh = ssh_new();
	int taken;

	if (ssh && set_session_options(ssh) == 0 && ssh_bind_accept_fd(bind, ssh, fd) == SSH_OK) {
		ssh_set_blocking(ssh, 0);
		return ssh;
	}
	/* The socket is libssh's as soon as its session knows the number. */
	taken = ssh && ssh_get_fd(ssh) == fd;
	ssh_free(ssh);
	if (!taken)
		close(fd);
	return NULL;
}
