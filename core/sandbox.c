/*
 * Task: take everything from this process that a door does not need, and from the broker what it
 * does not. Owner: the process, once, at its start. Knows no protocol. docs/sandbox.md says for
 * each system call why it is on the list.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/sandbox.h"

/* --- what opens files late --- */

static void touch_digests(void)
{
	static const char *const names[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
	unsigned char out[EVP_MAX_MD_SIZE];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)EVP_Q_digest(NULL, names[i], NULL, "", 0, out, NULL);
}

/* A throw-away agreement with itself. */
static void touch_agreement(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	unsigned char secret[128];
	size_t len = sizeof(secret);

	if (ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, key) == 1)
		(void)EVP_PKEY_derive(ctx, secret, &len);
	OPENSSL_cleanse(secret, sizeof(secret));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void touch_signature(EVP_PKEY *key, const char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	if (key && ctx && EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1)
		(void)EVP_DigestSign(ctx, sig, &len, sig, 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

void sandbox_preload(void)
{
	unsigned char random[16];

	tzset();
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
					  OPENSSL_INIT_ADD_ALL_CIPHERS |
					  OPENSSL_INIT_ADD_ALL_DIGESTS,
		NULL);
	touch_digests();
	touch_agreement(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
	touch_agreement(EVP_EC_gen("P-256"));
	touch_agreement(EVP_EC_gen("P-384"));
	touch_agreement(EVP_EC_gen("P-521"));
	touch_signature(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
	touch_signature(EVP_EC_gen("P-256"), "SHA256");
	(void)RAND_bytes(random, sizeof(random));
	(void)RAND_priv_bytes(random, sizeof(random));
}

/* --- descriptors --- */

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int close_from_to(unsigned first, unsigned last)
{
	if (first > last)
		return 0;
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

#define KEEP_MAX 16

int sandbox_close_others(const int *keep, size_t count)
{
	unsigned next = STDERR_FILENO + 1;
	int sorted[KEEP_MAX];
	size_t i;
	int r, null;

	if (count > KEEP_MAX)
		return -E2BIG;
	memcpy(sorted, keep, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_ints);
	for (i = 0; i < count; i++) {
		if (sorted[i] < (int)next)
			continue;
		r = close_from_to(next, (unsigned)sorted[i] - 1);
		if (r)
			return r;
		next = (unsigned)sorted[i] + 1;
	}
	r = close_from_to(next, ~0U);
	if (r)
		return r;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	if (dup2(null, STDIN_FILENO) < 0)
		r = -errno;
	if (null > STDERR_FILENO)
		close(null);
	return r;
}

/* --- landlock: by number, since headers and kernels differ in what they know --- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

struct landlock_attr {
	uint64_t fs, net, scoped;
};

/* Every right this ABI can handle: handled and given to nobody. */
static size_t landlock_all(int abi, struct landlock_attr *attr)
{
	static const unsigned fs_bits[] = {0, 13, 14, 15, 15, 16}; /* file rights, by ABI */
	size_t known = sizeof(fs_bits) / sizeof(fs_bits[0]) - 1;

	attr->fs = (UINT64_C(1) << fs_bits[(size_t)abi < known ? (size_t)abi : known]) - 1;
	attr->net = abi >= 4 ? 3 : 0;    /* bind and connect TCP */
	attr->scoped = abi >= 6 ? 3 : 0; /* abstract sockets, signals */
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static int enter_landlock(int *abi_in_force)
{
	struct landlock_attr attr;
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* ask for the version */);
	int fd, r = 0;

	*abi_in_force = 0;
	if (abi < 1)
		return 0; /* not in this kernel, or switched off: seccomp alone */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, landlock_all(abi, &attr), 0);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	else
		*abi_in_force = abi;
	close(fd);
	return r;
}

/* --- seccomp --- */

static const int allowed[] = {
	/* the loop and the sockets it was given */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	/* files that are passed in */
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv2),
	SCMP_SYS(fstat),
	SCMP_SYS(fadvise64),
	/* memory, time, randomness, the end */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
#ifdef VMC_SANITIZE
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigaction),
#endif
};

/* Questions that libraries ask and can do without an answer to: an error, not death. */
static const int refused[] = {
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(readlink),
	SCMP_SYS(ioctl),
	SCMP_SYS(prctl),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(prlimit64),
#ifdef VMC_SANITIZE
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(access),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(wait4),
	SCMP_SYS(socket),
	SCMP_SYS(getppid),
	SCMP_SYS(getrlimit),
#endif
};

/* The low bits of a socket's type; above them SOCK_NONBLOCK and SOCK_CLOEXEC. A datagram pair could
 * be used to write to any datagram socket of the host. */
#define SOCKET_TYPE_MASK 0xf

#define IS(arg, value) SCMP_CMP64(arg, SCMP_CMP_EQ, value, 0)
#define MASKED(arg, mask, value) SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value)

/* Calls of which only some arguments are harmless. */
static const struct conditional {
	int call;
	unsigned count;
	struct scmp_arg_cmp args[2];
} conditional[] = {
	{SCMP_SYS(mmap), 1, {MASKED(2, PROT_EXEC, 0)}},
	{SCMP_SYS(mprotect), 1, {MASKED(2, PROT_EXEC, 0)}},
	{SCMP_SYS(socketpair), 2, {IS(0, AF_UNIX), MASKED(1, SOCKET_TYPE_MASK, SOCK_SEQPACKET)}},
	/* No address, and none hidden in a first packet: only to who is at the other end. */
	{SCMP_SYS(sendto), 2, {MASKED(3, MSG_FASTOPEN, 0), IS(4, 0)}},
	{SCMP_SYS(sendmsg), 1, {MASKED(2, MSG_FASTOPEN, 0)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_SNDBUF)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},
	{SCMP_SYS(fcntl), 1, {IS(1, F_DUPFD_CLOEXEC)}},
	{SCMP_SYS(fcntl), 1, {IS(1, F_GETFD)}},
	{SCMP_SYS(fcntl), 1, {IS(1, F_SETFD)}},
	{SCMP_SYS(fcntl), 1, {IS(1, F_GETFL)}},
	{SCMP_SYS(fcntl), 1, {IS(1, F_SETFL)}},
};

static int add_plain(scmp_filter_ctx filter)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (i = 0; !r && i < sizeof(refused) / sizeof(refused[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	return r;
}

static int add_conditional(scmp_filter_ctx filter)
{
	/* abort() of this very process, so that a failed assertion is seen as one */
	const struct scmp_arg_cmp own_abort[] = {IS(0, (scmp_datum_t)getpid()), IS(2, SIGABRT)};
	size_t i;
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, own_abort);

	for (i = 0; !r && i < sizeof(conditional) / sizeof(conditional[0]); i++)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditional[i].call,
			conditional[i].count, conditional[i].args);
	return r;
}

static int enter_seccomp(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = add_plain(filter);
	if (!r)
		r = add_conditional(filter);
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* --- the broker --- */

int sandbox_harden(void)
{
	static const struct rlimit none = {0, 0};

	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
#ifndef VMC_SANITIZE /* the leak checker attaches to its own process */
	/* Also against core files that go to a program: they pay no heed to the limit. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
#endif
	return 0;
}

/* --- all of it --- */

/* By number: libcap would be a library for one call. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int drop_limits(void)
{
	static const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	/* The control line's end says the same; this holds even for a door that no longer reads. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int drop_threads(void)
{
	static const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_NPROC, &none) < 0 ? -errno : 0;
}

int sandbox_enter(struct sandbox_report *report, int (*threads)(void *arg), void *arg)
{
	int r;

	memset(report, 0, sizeof(*report));
	r = drop_capabilities();
	if (!r)
		r = drop_limits();
	if (!r)
		r = enter_landlock(&report->landlock_abi);
	/* They inherit what is in force so far. */
	if (!r && threads)
		r = threads(arg);
	if (!r)
		r = drop_threads();
	if (!r)
		r = enter_seccomp();
	if (!r)
		report->seccomp = 1;
	return r;
}
