/* Task: see sandbox_probe.h. Knows system calls by number: some have no wrapper on older systems.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sandbox_probe.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* What a door might have been handed, made before the doors of the sandbox close. */
struct things {
	int tcp;       /* neither bound nor connected */
	int listener;  /* with a connection waiting */
	int connected; /* to the listener */
	int file;      /* writable */
	int program;   /* /bin/true, for execveat */
	pid_t parent;
	void *page;                 /* read and write */
	struct sockaddr_in address; /* of the listener */
};

/* Each returns what the system call did: negative on failure. */
typedef long (*try_fn)(const struct things *t);

/* --- files --- */

static long try_open(const struct things *t)
{
	return open("/etc/passwd", O_RDONLY);
}

static long try_create(const struct things *t)
{
	return open("/tmp/vmconsoled-probe", O_CREAT | O_RDWR, 0600);
}

static long try_openat2(const struct things *t)
{
	uint64_t how[3] = {O_RDONLY, 0, 0};

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how));
}

static long try_stat(const struct things *t)
{
	struct stat st;

	return stat("/etc/passwd", &st);
}

static long try_access(const struct things *t)
{
	return access("/etc/passwd", F_OK);
}

static long try_unlink(const struct things *t)
{
	return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/vmconsoled-probe-none", 0) == 0 ||
			       errno == ENOENT
		       ? 0
		       : -1;
}

static long try_mkdir(const struct things *t)
{
	return syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0700) == 0 || errno == EEXIST ? 0 : -1;
}

static long try_chmod(const struct things *t)
{
	return fchmod(t->file, 0777);
}

static long try_truncate(const struct things *t)
{
	return ftruncate(t->file, 1);
}

static long try_getdents(const struct things *t)
{
	char room[512];

	return syscall(SYS_getdents64, t->file, room, sizeof(room)) == 0 || errno == ENOTDIR ? 0
											     : -1;
}

static long try_memfd(const struct things *t)
{
	return syscall(SYS_memfd_create, "probe", 0);
}

/* --- sockets --- */

static long try_socket_tcp(const struct things *t)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_socket_unix(const struct things *t)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_socket_netlink(const struct things *t)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long try_pair_datagram(const struct things *t)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
}

static long try_connect(const struct things *t)
{
	return connect(t->tcp, (const struct sockaddr *)&t->address, sizeof(t->address));
}

static long try_fastopen(const struct things *t)
{
	return sendto(t->tcp, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&t->address,
		sizeof(t->address));
}

static long try_bind(const struct things *t)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return bind(t->tcp, (struct sockaddr *)&any, sizeof(any));
}

static long try_listen(const struct things *t)
{
	return listen(t->tcp, 1);
}

static long try_accept(const struct things *t)
{
	return accept(t->listener, NULL, NULL);
}

static long try_accept4(const struct things *t)
{
	return accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
}

static long try_bind_to_device(const struct things *t)
{
	return setsockopt(t->connected, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}

static long try_ioctl(const struct things *t)
{
	struct ifreq request = {.ifr_name = "lo"};

	return ioctl(t->connected, SIOCGIFFLAGS, &request);
}

/* --- processes --- */

static long try_exec(const struct things *t)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static long try_execveat(const struct things *t)
{
	char name[] = "true", *argv[] = {name, NULL};

	return syscall(SYS_execveat, t->program, "", argv, NULL, AT_EMPTY_PATH);
}

static long try_fork(const struct things *t)
{
	long pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_clone_thread(const struct things *t)
{
	char *stack = (char *)t->page + 4096;
	long pid = syscall(SYS_clone,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		stack, NULL, NULL, 0);

	if (pid == 0)
		syscall(SYS_exit, 0);
	return pid;
}

static long try_ptrace(const struct things *t)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* Lies at the same address in the parent. */
static const char probe_target[8] = "target";

static long try_vm_read(const struct things *t)
{
	char room[8];
	struct iovec mine = {room, sizeof(room)},
		     theirs = {(void *)(uintptr_t)&probe_target, sizeof(room)};

	return process_vm_readv(t->parent, &mine, 1, &theirs, 1, 0);
}

static long try_kill(const struct things *t)
{
	return kill(t->parent, 0);
}

static long try_tgkill(const struct things *t)
{
	return syscall(SYS_tgkill, t->parent, t->parent, 0);
}

static long try_pidfd(const struct things *t)
{
	return syscall(SYS_pidfd_open, t->parent, 0);
}

static long try_pidfd_getfd(const struct things *t)
{
	return syscall(SYS_pidfd_getfd, t->file, 0, 0) == 0 || errno == EBADF ? 0 : -1;
}

static long try_setpriority(const struct things *t)
{
	return setpriority(PRIO_PROCESS, 0, 19);
}

/* --- memory --- */

static long try_mmap_exec(const struct things *t)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long try_mprotect_exec(const struct things *t)
{
	return mprotect(t->page, 4096, PROT_READ | PROT_EXEC);
}

/* --- the kernel's wide surface --- */

static long try_io_uring(const struct things *t)
{
	char params[120] = {0};

	return syscall(SYS_io_uring_setup, 1, params);
}

static long try_bpf(const struct things *t)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long try_perf(const struct things *t)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr)};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long try_userfaultfd(const struct things *t)
{
	return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
}

static long try_unshare(const struct things *t)
{
	return unshare(CLONE_NEWUSER);
}

static long try_setns(const struct things *t)
{
	return setns(t->file, 0) == 0 || errno == EINVAL ? 0 : -1;
}

static long try_mount(const struct things *t)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static long try_chroot(const struct things *t)
{
	return chroot("/");
}

static long try_keyctl(const struct things *t)
{
	return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0);
}

static long try_add_key(const struct things *t)
{
	return syscall(SYS_add_key, "user", "probe", "x", 1, -3);
}

static long try_seccomp(const struct things *t)
{
	return syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &(uint32_t){0x7fff0000});
}

static long try_dumpable(const struct things *t)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long try_setuid(const struct things *t)
{
	return setuid(getuid());
}

static long try_raise_limit(const struct things *t)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return -1;
	limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
	return setrlimit(RLIMIT_CORE, &limit);
}

static const struct {
	const char *name;
	try_fn fn;
} probes[] = {
	{"open", try_open},
	{"open-create", try_create},
	{"openat2", try_openat2},
	{"stat", try_stat},
	{"access", try_access},
	{"unlink", try_unlink},
	{"mkdir", try_mkdir},
	{"fchmod", try_chmod},
	{"ftruncate", try_truncate},
	{"getdents", try_getdents},
	{"memfd_create", try_memfd},
	{"socket-inet", try_socket_tcp},
	{"socket-unix", try_socket_unix},
	{"socket-netlink", try_socket_netlink},
	{"socketpair-datagram", try_pair_datagram},
	{"connect", try_connect},
	{"sendto-fastopen", try_fastopen},
	{"bind", try_bind},
	{"listen", try_listen},
	{"accept", try_accept},
	{"accept4", try_accept4},
	{"setsockopt-bindtodevice", try_bind_to_device},
	{"ioctl", try_ioctl},
	{"execve", try_exec},
	{"execveat", try_execveat},
	{"fork", try_fork},
	{"clone-thread", try_clone_thread},
	{"ptrace", try_ptrace},
	{"process_vm_readv", try_vm_read},
	{"kill", try_kill},
	{"tgkill", try_tgkill},
	{"pidfd_open", try_pidfd},
	{"pidfd_getfd", try_pidfd_getfd},
	{"setpriority", try_setpriority},
	{"mmap-exec", try_mmap_exec},
	{"mprotect-exec", try_mprotect_exec},
	{"io_uring_setup", try_io_uring},
	{"bpf", try_bpf},
	{"perf_event_open", try_perf},
	{"userfaultfd", try_userfaultfd},
	{"unshare", try_unshare},
	{"setns", try_setns},
	{"mount", try_mount},
	{"chroot", try_chroot},
	{"keyctl", try_keyctl},
	{"add_key", try_add_key},
	{"seccomp", try_seccomp},
	{"prctl-dumpable", try_dumpable},
	{"setuid", try_setuid},
	{"setrlimit", try_raise_limit},
};

const char *sandbox_probe_name(size_t index)
{
	return index < sizeof(probes) / sizeof(probes[0]) ? probes[index].name : NULL;
}

static int make_things(struct things *t)
{
	socklen_t len = sizeof(t->address);

	t->parent = getppid();
	t->tcp = socket(AF_INET, SOCK_STREAM, 0);
	t->connected = socket(AF_INET, SOCK_STREAM, 0);
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	t->file = (int)syscall(SYS_memfd_create, "probe", 0);
	t->program = open("/bin/true", O_RDONLY);
	t->page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t->address.sin_family = AF_INET;
	t->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (t->tcp < 0 || t->connected < 0 || t->listener < 0 || t->file < 0 || t->program < 0 ||
		t->page == MAP_FAILED)
		return -errno;
	if (bind(t->listener, (struct sockaddr *)&t->address, sizeof(t->address)) < 0 ||
		listen(t->listener, 4) < 0 ||
		getsockname(t->listener, (struct sockaddr *)&t->address, &len) < 0 ||
		connect(t->connected, (struct sockaddr *)&t->address, sizeof(t->address)) < 0)
		return -errno;
	return 0;
}

/* How the child says what happened, by exit status. An errno goes as itself. */
#define SAID_POSSIBLE 250
#define SAID_UNPREPARED 251

static void child(size_t index, sandbox_confine_fn confine)
{
	struct things things;

	memset(&things, 0, sizeof(things));
	if (make_things(&things) < 0 || confine() < 0)
		_exit(SAID_UNPREPARED);
	errno = 0;
	if (probes[index].fn(&things) >= 0)
		_exit(SAID_POSSIBLE);
	_exit(errno);
}

int sandbox_probe_run(size_t index, sandbox_confine_fn confine, char *text, size_t room)
{
	pid_t pid = fork();
	int status, code;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(index, confine);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFSIGNALED(status)) {
		snprintf(text, room, "killed by %s",
			WTERMSIG(status) == SIGSYS ? "SIGSYS" : "a signal");
		return WTERMSIG(status) == SIGSYS ? 1 : -EPROTO;
	}
	code = WEXITSTATUS(status);
	if (code == SAID_UNPREPARED) {
		snprintf(text, room, "not tried: no sandbox");
		return -EPROTO;
	}
	/* An exec that works ends with the other program's status: 0. */
	if (code == SAID_POSSIBLE || code == 0) {
		snprintf(text, room, "POSSIBLE");
		return 0;
	}
	snprintf(text, room, "%s", strerror(code));
	return 1;
}
