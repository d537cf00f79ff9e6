/*
 * The same client, the same files, judged by OpenSSH's sshd and by us, case by case. Where the
 * answers differ on purpose, the row says why, and the test insists that they still differ.
 *
 * sshd runs on a loopback port with files of its own (in a mount namespace when we are root, since
 * it insists on /run/sshd). Where it cannot run, the test is skipped.
 */
#include "auth/login.h"
#include "auth_tools.h"

#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SSHD "/usr/sbin/sshd"
#define START_SECONDS_MAX 10
#define HERE "127.0.0.1"
#define THERE "127.0.0.2"

static struct {
	pid_t pid;
	int port;
	const char *user;
} sshd;

static const struct row {
	const char *options; /* of user_ed25519 in authorized_keys; "ca ..." of ca_ed25519; NULL */
	const char *ca;      /* who signs; NULL: the plain key is shown */
	const char *user, *args, *from;
	const char *revoke;  /* makes the file revoked; NULL: an empty list */
	const char *differs; /* why we answer otherwise */
} rows[] = {
	/* certificates by a CA of ssh_user_ca (TrustedUserCAKeys) */
	{NULL, "ca_ed25519", "user_ed25519", "-n web", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ecdsa", "-n web", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_rsa", "-n web", HERE, NULL, NULL},
	{NULL, "ca_ecdsa", "user_ed25519", "-n web", HERE, NULL, NULL},
	{NULL, "ca_rsa", "user_ed25519", "-n web", HERE, NULL, NULL},
	{NULL, "ca_rsa", "user_rsa", "-t rsa-sha2-256 -n web", HERE, NULL, NULL},
	{NULL, "ca_rsa", "user_rsa", "-t ssh-rsa -n web", HERE, NULL, NULL},
	{NULL, "ca_evil", "user_ed25519", "-n web", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_small", "-n web", HERE, NULL, "RSA below 2048 bits is refused"},
	{NULL, "ca_small", "user_ed25519", "-n web", HERE, NULL, "RSA below 2048 bits is refused"},
	{NULL, "ca_ed25519", "user_ed25519", "-h -n web", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -V always:forever", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -V -1h:+1h", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -V -2h:-1h", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -V +1h:+2h", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n other", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n we", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n a,b,web", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O source-address=127.0.0.1", HERE, NULL,
		NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O source-address=127.0.0.1", THERE, NULL,
		NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O source-address=127.0.0.0/8", THERE, NULL,
		NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O source-address=10.0.0.0/8,127.0.0.2", THERE,
		NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O source-address=::1/128", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O force-command=true", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O critical:x@example.com=y", HERE, NULL,
		NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O extension:x@example.com=y", HERE, NULL,
		NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O verify-required", HERE, NULL,
		"libssh does not tell whether the user was verified"},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O no-pty", HERE, NULL, NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -O clear", HERE, NULL, NULL},
	/* revoked */
	{NULL, "ca_ed25519", "user_ed25519", "-n web -z 5", HERE,
		"echo 'serial: 5' | ssh-keygen -q -k -f revoked -s ca_ed25519.pub -", NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -z 5", HERE,
		"echo 'serial: 6-70' | ssh-keygen -q -k -f revoked -s ca_ed25519.pub -", NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -z 5", HERE,
		"echo 'id: the id' | ssh-keygen -q -k -f revoked -s ca_ed25519.pub -", NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web -z 5", HERE,
		"ssh-keygen -q -k -f revoked user_ed25519.pub", NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web", HERE, "cp ca_ed25519.pub revoked", NULL},
	{NULL, "ca_ed25519", "user_ed25519", "-n web", HERE,
		"ssh-keygen -q -k -f revoked ca_ed25519.pub", NULL},
	{"", NULL, "user_ed25519", "", HERE, "cp user_ed25519.pub revoked", NULL},
	{"", NULL, "user_ed25519", "", HERE, "echo nonsense >revoked", NULL},
	/* authorized_keys */
	{"", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{NULL, NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"restrict ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"restrict,pty ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"pty,restrict ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"no-pty ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"No-Pty ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"from=\"127.0.0.1\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"from=\"127.0.0.1\" ", NULL, "user_ed25519", "", THERE, NULL, NULL},
	{"from=\"127.0.0.0/8,!127.0.0.2\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"from=\"127.0.0.0/8,!127.0.0.2\" ", NULL, "user_ed25519", "", THERE, NULL, NULL},
	{"from=\"!127.0.0.2\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"from=\"127.0.0.?\" ", NULL, "user_ed25519", "", THERE, NULL, NULL},
	{"from=\"*.example.com\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"from=\"127.0.0.1/8\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"expiry-time=\"20200101\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"expiry-time=\"20200101Z\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"expiry-time=\"20990101\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"expiry-time=\"209901011200Z\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"expiry-time=\"soon\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"command=\"true\" ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"command=\"echo \\\"a, b\\\"\",no-pty ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"no-such-option ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	{"no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc ", NULL,
		"user_ed25519", "", HERE, NULL, NULL},
	{"No-Port-Forwarding,NO-x11-FORWARDING,no-pty ", NULL, "user_ed25519", "", HERE, NULL,
		NULL},
	{"restrict,port-forwarding ", NULL, "user_ed25519", "", HERE, NULL,
		"only options that are enforced here are accepted"},
	{"cert-authority ", NULL, "user_ed25519", "", HERE, NULL, NULL},
	/* certificates by a CA of authorized_keys */
	{"ca cert-authority,principals=\"x,web\" ", "ca_ed25519", "user_ed25519", "-n web", HERE,
		NULL, NULL},
	{"ca cert-authority,principals=\"x,web\" ", "ca_ed25519", "user_ed25519", "-n db", HERE,
		NULL, NULL},
	{"ca cert-authority,principals=\"x,web\" ", "ca_ed25519", "user_ed25519", "", HERE, NULL,
		NULL},
	{"ca cert-authority,principals=\"web\",from=\"127.0.0.2\" ", "ca_ed25519", "user_ed25519",
		"-n web", HERE, NULL, NULL},
	{"ca cert-authority,principals=\"web\",restrict ", "ca_ed25519", "user_ed25519", "-n web",
		HERE, NULL, NULL},
	{"ca cert-authority,principals=\"web\",command=\"true\" ", "ca_ed25519", "user_ed25519",
		"-n web -O force-command=true", HERE, NULL, NULL},
	{"ca cert-authority,principals=\"web\",command=\"true\" ", "ca_ed25519", "user_ed25519",
		"-n web -O force-command=false", HERE, NULL, NULL},
	{"ca ", "ca_ed25519", "user_ed25519", "-n web", HERE, NULL, NULL},
};

static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int port = -1;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 &&
		getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

static bool answers(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return yes;
}

/* Starts sshd in a process group of its own. False when it does not come up. */
static bool start(void)
{
	const struct timespec nap = {.tv_nsec = 20000000};
	time_t deadline = time(NULL) + START_SECONDS_MAX;

	sshd.pid = fork();
	if (sshd.pid == 0) {
		setpgid(0, 0);
		if (geteuid() == 0)
			execlp("unshare", "unshare", "-m", "sh", "-c",
				"mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec " SSHD
				" -D -e -f sshd_config 2>sshd.log",
				NULL);
		else
			execl(SSHD, SSHD, "-D", "-f", "sshd_config", NULL);
		_exit(127);
	}
	while (time(NULL) < deadline && waitpid(sshd.pid, NULL, WNOHANG) == 0) {
		if (answers(sshd.port))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

static int setup(void **state)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (tools_enter(state) != 0 || pw == NULL)
		return -1;
	sshd.user = pw->pw_name;
	if (access(SSHD, X_OK) != 0)
		return 0;
	sshd.port = free_port();
	tools_run("for t in ed25519 ecdsa 'rsa -b 2048'; do set -- $t; "
		  "ssh-keygen -q -t $t -N '' -C ca -f ca_$1; "
		  "ssh-keygen -q -t $t -N '' -C user -f user_$1; done; "
		  "ssh-keygen -q -t ed25519 -N '' -f ca_evil; ssh-keygen -q -t ed25519 -N '' -f "
		  "host; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -f ca_small; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -f user_small; "
		  "cat ca_ed25519.pub ca_ecdsa.pub ca_rsa.pub ca_small.pub >cas; echo web "
		  ">principals");
	tools_run("d=$(pwd); touch authorized cas_now; ssh-keygen -q -k -f revoked </dev/null; "
		  "printf '%%s\\n' 'Port %d' 'ListenAddress 127.0.0.1' \"HostKey $d/host\" "
		  "\"AuthorizedKeysFile $d/authorized\" \"TrustedUserCAKeys $d/cas_now\" "
		  "\"AuthorizedPrincipalsFile $d/principals\" \"RevokedKeys $d/revoked\" "
		  "'PidFile none' 'StrictModes no' 'UsePAM no' 'PasswordAuthentication no' "
		  "'KbdInteractiveAuthentication no' 'PermitRootLogin yes' 'MaxStartups 100' "
		  "'LogLevel ERROR' >sshd_config; touch none; chmod 755 .",
		sshd.port);
	/* Since OpenSSH 9.8 refusals hold off the next ones. The option is new as well. */
	tools_run("if " SSHD " -G -f sshd_config -o PerSourcePenalties=no >/dev/null 2>&1; then "
		  "echo PerSourcePenalties no >>sshd_config; fi");
	if (!start())
		sshd.pid = 0;
	return 0;
}

static int teardown(void **state)
{
	if (sshd.pid > 0) {
		kill(-sshd.pid, SIGTERM);
		waitpid(sshd.pid, NULL, 0);
	}
	return tools_leave(state);
}

static void prepare(const struct row *r)
{
	bool of_ca = r->options != NULL && strncmp(r->options, "ca ", 3) == 0;

	tools_run("cp cas cas_now; : >authorized; rm -f shown shown.pub shown-cert.pub revoked");
	if (r->options != NULL) {
		tools_write("options", r->options + (of_ca ? 3 : 0));
		tools_run("cat options %s.pub >authorized", of_ca ? "ca_ed25519" : "user_ed25519");
	}
	if (of_ca)
		tools_run(": >cas_now");
	tools_run("%s", r->revoke != NULL ? r->revoke : "ssh-keygen -q -k -f revoked </dev/null");
	tools_run("cp %s shown; cp %s.pub shown.pub", r->user, r->user);
	if (r->ca != NULL)
		tools_run("ssh-keygen -q -s %s -I 'the id' %s shown.pub", r->ca, r->args);
}

/* "refused", "pty" or "no pty". */
static const char *ask_sshd(const struct row *r)
{
	char *log;
	size_t len;
	bool in;
	bool no_pty;

	tools_run("ssh -v -tt -F none -p %d -b %s -i shown -o BatchMode=yes -o IdentitiesOnly=yes "
		  "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlPath=none "
		  "-o IdentityAgent=none %s@127.0.0.1 true </dev/null >ssh.log 2>&1 || true",
		sshd.port, r->from, sshd.user);
	log = tools_read("ssh.log", &len);
	in = strstr(log, "Authenticated to") != NULL;
	no_pty = strstr(log, "PTY allocation request failed") != NULL;
	free(log);
	return !in ? "refused" : no_pty ? "no pty" : "pty";
}

static bool has_principal(const struct identity *id, const char *name)
{
	for (size_t i = 0; i < id->fact_count; i++) {
		if (id->facts[i].kind == FACT_PRINCIPAL && strcmp(id->facts[i].value, name) == 0)
			return true;
	}
	return false;
}

static void ignore(void *arg, const char *file, unsigned line, const char *why)
{
	(void)arg;
	(void)file;
	(void)line;
	(void)why;
}

static const char *judge(const struct login_sources *sources, const struct row *r)
{
	struct login_proof proof = {.address = r->from, .now = time(NULL)};
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	const char *answer;
	size_t len;
	uint8_t *blob = tools_blob_of_file(r->ca != NULL ? "shown-cert.pub" : "shown.pub", &len);

	proof.blob = span_of(blob, len);
	if (login_by_key(sources, &proof, &id, why) < 0)
		id = NULL;
	free(blob);
	/* AuthorizedPrincipalsFile says "web"; here a rule would. */
	if (id == NULL || (r->ca != NULL && !has_principal(id, "web")))
		answer = "refused";
	else
		answer = id->pty_allowed ? "pty" : "no pty";
	identity_destroy(id);
	return answer;
}

static const char *ask_us(const struct row *r)
{
	const char *const files[] = {"./authorized", "./cas_now", "./revoked"};
	struct login_sources sources = {.enforces_command = true};
	struct key_store *keys;
	struct key_store *cas;
	struct revoked *revoked;
	const char *answer = "refused";

	assert_int_equal(key_store_create(&keys), 0);
	assert_int_equal(key_store_create_plain(&cas), 0);
	assert_int_equal(key_store_load(keys, &files[0], 1, ignore, NULL), 0);
	assert_int_equal(key_store_load(cas, &files[1], 1, ignore, NULL), 0);
	sources.keys = keys;
	sources.ssh_cas = cas;
	/* Without its revocation list the daemon does not start. */
	if (revoked_create(&files[2], 1, ignore, NULL, &revoked) == 0) {
		sources.revoked = revoked;
		answer = judge(&sources, r);
		revoked_destroy(revoked);
	}
	key_store_destroy(keys);
	key_store_destroy(cas);
	return answer;
}

static void every_row_is_answered_as_by_sshd_or_says_why_not(void **state)
{
	unsigned wrong = 0;

	(void)state;
	if (sshd.pid == 0)
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *theirs;
		const char *ours;
		bool same;

		prepare(&rows[i]);
		theirs = ask_sshd(&rows[i]);
		ours = ask_us(&rows[i]);
		same = strcmp(theirs, ours) == 0;
		if (same == (rows[i].differs == NULL))
			continue;
		print_error("row %zu (%s %s): sshd says %s, we say %s\n", i,
			rows[i].options != NULL ? rows[i].options : "-", rows[i].args, theirs,
			ours);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_answered_as_by_sshd_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
