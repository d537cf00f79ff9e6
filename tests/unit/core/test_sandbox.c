/*
 * The sandbox of a door: what must fail in it fails, what a door does works in it.
 * Every case runs in a child process of its own: there is no way back out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/loop.h"
#include "core/sandbox.h"
#include "core/sandbox_probe.h"

static int confine(void)
{
	struct sandbox_report report;
	int r;

	sandbox_preload();
	r = sandbox_enter(&report, NULL, NULL);
	return r ? r : report.seccomp == 1 ? 0 : -ENOSYS;
}

static int stay_free(void)
{
	return 0;
}

static void every_forbidden_thing_is_refused(void **state)
{
	char text[64];
	int bad = 0;
	size_t i;

	for (i = 0; sandbox_probe_name(i); i++) {
		int r = sandbox_probe_run(i, confine, text, sizeof(text));

		if (r != 1) {
			print_error("%s: %s (%d)\n", sandbox_probe_name(i), text, r);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
	assert_true(i > 40);
}

/* Or the test above would say nothing. Only what anybody may do on any kernel. */
static void tries_succeed_outside(void **state)
{
	static const char *const names[] = {"open", "openat2", "stat", "access", "memfd_create",
		"socket-inet", "socket-unix", "socketpair-datagram", "connect", "bind", "listen",
		"accept", "accept4", "ioctl", "execve", "execveat", "fork", "kill", "tgkill",
		"mmap-exec", "mprotect-exec", "fchmod", "ftruncate", "setuid", "pidfd_open"};
	char text[64];
	size_t i, n;

	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (i = 0; sandbox_probe_name(i) && strcmp(sandbox_probe_name(i), names[n]) != 0;
			i++)
			;
		assert_non_null(sandbox_probe_name(i));
		if (sandbox_probe_run(i, stay_free, text, sizeof(text)) != 0)
			fail_msg("%s: %s", names[n], text);
	}
}

/* Runs fn in a confined child; it returns 0 when all went well, or the line that did not. */
static int run_prepared(int (*prepare)(void *), int (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int line;

		if ((prepare && prepare(arg) != 0) || confine() < 0)
			_exit(255);
		line = fn(arg);
		if (line)
			fprintf(stderr, "line %d: %s\n", line, strerror(errno));
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int run_inside(int (*fn)(void *), void *arg)
{
	return run_prepared(NULL, fn, arg);
}

#define NEED(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			return __LINE__;                                                           \
	} while (0)

static int pass_a_descriptor(int over, int fd)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(over, &header, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int lines_work(void *arg)
{
	int fds[2], size = 65536;
	struct pollfd p;
	char room[16];

	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	NEED(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	NEED(pass_a_descriptor(fds[0], STDERR_FILENO) == 0);
	p = (struct pollfd){.fd = fds[1], .events = POLLIN};
	NEED(poll(&p, 1, 1000) == 1);
	NEED(recv(fds[1], room, sizeof(room), 0) == 1);
	NEED(send(fds[0], "abc", 3, MSG_NOSIGNAL) == 3);
	NEED(read(fds[1], room, sizeof(room)) == 3);
	NEED(shutdown(fds[0], SHUT_WR) == 0);
	NEED(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	NEED(close(fds[0]) == 0 && close(fds[1]) == 0);
	return 0;
}

static void lines_work_inside(void **state)
{
	assert_int_equal(run_inside(lines_work, NULL), 0);
}

static void count_fired(void *arg)
{
	++*(int *)arg;
}

struct warm_loop {
	struct loop *loop;
	struct loop_timer *timer;
	int fired;
};

static int timers_work(void *arg)
{
	struct warm_loop *w = arg;
	int i;

	loop_timer_set(w->timer, 1000, 1000);
	for (i = 0; i < 100 && !w->fired; i++)
		NEED(loop_turn(w->loop, 100000) == 0);
	NEED(w->fired);
	return 0;
}

static int warm_up(void *arg)
{
	struct warm_loop *w = arg;

	w->loop = loop_create();
	NEED(w->loop && loop_timer_add(w->loop, &w->timer, count_fired, &w->fired) == 0);
	loop_timer_set(w->timer, 1000, 1000);
	while (!w->fired)
		NEED(loop_turn(w->loop, 100000) == 0);
	w->fired = 0;
	return 0;
}

static void a_loop_made_before_works_inside(void **state)
{
	struct warm_loop w = {0};

	assert_int_equal(run_prepared(warm_up, timers_work, &w), 0);
}

static int memory_works(void *arg)
{
	char *small[1000], *big = malloc(64 << 20);
	size_t i;

	NEED(big);
	memset(big, 1, 64 << 20);
	big = realloc(big, 96 << 20);
	NEED(big);
	for (i = 0; i < 1000; i++)
		NEED(small[i] = malloc(9000));
	for (i = 0; i < 1000; i++)
		free(small[i]);
	free(big);
	malloc_trim(0);
	return 0;
}

static void memory_works_inside(void **state)
{
	assert_int_equal(run_inside(memory_works, NULL), 0);
}

static int agree(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char secret[128];
	size_t len = sizeof(secret);

	NEED(key && ctx);
	NEED(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, key) == 1);
	NEED(EVP_PKEY_derive(ctx, secret, &len) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return 0;
}

static int sign(EVP_PKEY *key, const char *digest)
{
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	NEED(key && ctx);
	NEED(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1);
	NEED(EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1) == 1);
	EVP_MD_CTX_reset(ctx);
	NEED(EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1);
	NEED(EVP_DigestVerify(ctx, sig, len, (const unsigned char *)"x", 1) == 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return 0;
}

static int seal(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char key[64] = {0}, iv[16] = {0}, out[64];
	int len;

	NEED(cipher && ctx);
	NEED(EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) == 1);
	NEED(EVP_EncryptUpdate(ctx, out, &len, key, 16) == 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return 0;
}

static int cryptography_works(void *arg)
{
	unsigned char random[32];
	int r;

	NEED(RAND_bytes(random, sizeof(random)) == 1);
	NEED((r = agree(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"))) == 0);
	NEED((r = agree(EVP_EC_gen("P-256"))) == 0);
	NEED((r = agree(EVP_EC_gen("P-384"))) == 0);
	NEED((r = agree(EVP_EC_gen("P-521"))) == 0);
	NEED((r = sign(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL)) == 0);
	NEED((r = sign(EVP_EC_gen("P-256"), "SHA256")) == 0);
	NEED((r = sign(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), "SHA512")) == 0);
	NEED((r = seal("AES-128-GCM")) == 0);
	NEED((r = seal("AES-256-CTR")) == 0);
	NEED((r = seal("ChaCha20")) == 0);
	return 0;
}

static void cryptography_works_inside(void **state)
{
	assert_int_equal(run_inside(cryptography_works, NULL), 0);
}

static int passed_files_can_be_read(void *arg)
{
	int fd = *(int *)arg;
	char room[8];
	struct iovec iov = {room, sizeof(room)};

	NEED(pread(fd, room, 4, 1) == 4 && memcmp(room, "assw", 4) == 0);
	NEED(lseek(fd, 2, SEEK_SET) == 2);
	NEED(preadv2(fd, &iov, 1, 0, 0) == 8);
	return 0;
}

static void a_passed_file_can_be_read_inside(void **state)
{
	int fd = (int)syscall(SYS_memfd_create, "passed", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "password-file", 13), 13);
	assert_int_equal(run_inside(passed_files_can_be_read, &fd), 0);
	close(fd);
}

static int fall_over(void *arg)
{
	abort();
}

static void abort_is_seen_as_abort(void **state)
{
	int status = run_inside(fall_over, NULL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Waits for the other end of a pipe to close. */
static int wait_for_end(void *arg)
{
	char byte;

	NEED(write(((int *)arg)[1], "r", 1) == 1);
	return read(((int *)arg)[2], &byte, 1) < 0;
}

static void the_kernel_says_so_too(void **state)
{
	int ready[2], go[2], ends[3], status;
	char path[64], byte, text[4096];
	FILE *f;
	size_t n;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		ends[1] = ready[1];
		ends[2] = go[0];
		_exit(confine() < 0 || wait_for_end(ends));
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_non_null(strstr(text, "NoNewPrivs:\t1"));
	assert_non_null(strstr(text, "Seccomp:\t2"));
	assert_non_null(strstr(text, "CapPrm:\t0000000000000000"));
	assert_non_null(strstr(text, "CapEff:\t0000000000000000"));
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "r");
	if (f) { /* not dumpable: only root may look */
		n = fread(text, 1, sizeof(text) - 1, f);
		text[n] = '\0';
		fclose(f);
		assert_non_null(strstr(text, "Max core file size        0 "));
	}
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(go[0]);
}

static void only_named_descriptors_stay_open(void **state)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);
	int c = fcntl(a, F_DUPFD, 200), status;
	pid_t pid = fork();

	if (pid == 0) {
		int keep[] = {c, b}, fd;

		if (sandbox_close_others(keep, 2) < 0)
			_exit(1);
		for (fd = 0; fd < 1024; fd++) {
			int open_now = fcntl(fd, F_GETFD) >= 0;

			if (open_now != (fd <= 2 || fd == b || fd == c))
				_exit(2);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(a);
	close(b);
	close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_forbidden_thing_is_refused),
		cmocka_unit_test(tries_succeed_outside),
		cmocka_unit_test(lines_work_inside),
		cmocka_unit_test(a_loop_made_before_works_inside),
		cmocka_unit_test(memory_works_inside),
		cmocka_unit_test(cryptography_works_inside),
		cmocka_unit_test(a_passed_file_can_be_read_inside),
		cmocka_unit_test(abort_is_seen_as_abort),
		cmocka_unit_test(the_kernel_says_so_too),
		cmocka_unit_test(only_named_descriptors_stay_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
