/*
 * Task: the floor below many viewers: the CPU of encrypting the same bytes for each of them, and of
 * sending them. Owner: bench/run.
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "fan.h"
#include "probe.h"

#define PACKET_MAX 131072
#define LENGTH 4 /* of a packet: authenticated, not encrypted */
#define TAG 16

struct floor {
	size_t count, packet;
	uint64_t bytes; /* for each */
	EVP_CIPHER_CTX *ciphers[FAN_MAX];
	int ours[FAN_MAX];
	struct pollfd theirs[FAN_MAX];
	unsigned char plain[PACKET_MAX], out[LENGTH + PACKET_MAX + TAG];
};

static bool make_cipher(EVP_CIPHER_CTX **cipher)
{
	static const unsigned char key[32], iv[12];

	*cipher = EVP_CIPHER_CTX_new();
	return *cipher && EVP_EncryptInit_ex(*cipher, EVP_aes_256_gcm(), NULL, key, iv) == 1;
}

static bool encrypt(struct floor *f, EVP_CIPHER_CTX *cipher, uint64_t number)
{
	unsigned char iv[12] = {0}, *end = f->out + LENGTH + f->packet;
	int len;

	memcpy(iv, &number, sizeof(number));
	return EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, iv) == 1 &&
	       EVP_EncryptUpdate(cipher, NULL, &len, f->out, LENGTH) == 1 &&
	       EVP_EncryptUpdate(cipher, f->out + LENGTH, &len, f->plain, (int)f->packet) == 1 &&
	       EVP_EncryptFinal_ex(cipher, end, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, end) == 1;
}

/* A connection of 127.0.0.1: one end each. */
static bool make_connection(int *ours, int *theirs)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool made = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
		    listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0;

	*ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	made = made && connect(*ours, (struct sockaddr *)&address, len) == 0;
	*theirs = made ? accept(fd, NULL, NULL) : -1;
	(void)close(fd);
	return *theirs >= 0;
}

/* The viewers' side, which is nobody's cost. */
static void *read_all(void *arg)
{
	struct floor *f = arg;
	static char buffer[65536];
	size_t i, left = f->count;

	while (left > 0 && poll(f->theirs, f->count, -1) > 0) {
		for (i = 0; i < f->count; i++) {
			if (!f->theirs[i].revents ||
				read(f->theirs[i].fd, buffer, sizeof(buffer)) > 0)
				continue;
			(void)close(f->theirs[i].fd);
			f->theirs[i].fd = -1; /* poll leaves it out */
			left--;
		}
	}
	return NULL;
}

static double thread_cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds, or -1. */
static double pass(struct floor *f, bool send_too)
{
	double begun = thread_cpu();
	uint64_t number;
	size_t i;

	for (number = 0; number < f->bytes / f->packet; number++) {
		for (i = 0; i < f->count; i++) {
			if (!encrypt(f, f->ciphers[i], number) ||
				(send_too && write_all(f->ours[i], f->out,
						     LENGTH + f->packet + TAG) < 0))
				return -1;
		}
	}
	return thread_cpu() - begun;
}

static int prepare(struct floor *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		f->theirs[i].events = POLLIN;
		if (!make_cipher(&f->ciphers[i]) || !make_connection(&f->ours[i], &f->theirs[i].fd))
			return -1;
	}
	return 0;
}

static int run(struct floor *f)
{
	double encrypted = pass(f, false), sent;
	pthread_t reader;
	size_t i;

	if (pthread_create(&reader, NULL, read_all, f) != 0)
		return 1;
	sent = pass(f, true);
	for (i = 0; i < f->count; i++)
		(void)close(f->ours[i]);
	(void)pthread_join(reader, NULL);
	(void)printf("%.6f %.6f\n", encrypted, sent);
	return encrypted < 0 || sent < 0;
}

int probe_encrypt(int argc, char **argv)
{
	static struct floor f;
	size_t i;
	int r;

	if (argc != 4)
		return 64;
	f.bytes = strtoull(argv[1], NULL, 10);
	f.packet = strtoul(argv[2], NULL, 10) & ~(size_t)15; /* whole blocks */
	f.count = strtoul(argv[3], NULL, 10);
	if (f.count < 1 || f.count > FAN_MAX || f.packet < 16 || f.packet > PACKET_MAX)
		return 64;
	r = prepare(&f) < 0 ? 1 : run(&f);
	for (i = 0; i < f.count; i++)
		EVP_CIPHER_CTX_free(f.ciphers[i]);
	return r;
}
