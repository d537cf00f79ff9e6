/*
 * Task: whether each libvirt answers this user. Owner: preflight. libvirt blocks and cannot be
 * called off: it is asked by a child, which can.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/virterror.h>

#include "broker/preflight/private.h"
#include "console/libvirt/virt_connect.h"
#include "console/libvirt/virt_cure.h"
#include "core/io.h"

#define ANSWER_MS 10000

struct answer {
	int reached;
	struct virt_error error;
};

static void ask(const struct config_hypervisor *h, struct answer *a)
{
	const struct virt_target target = {.uri = h->uri,
		.sasl_user = *h->sasl_user ? h->sasl_user : NULL,
		.sasl_password_file = *h->sasl_password_file ? h->sasl_password_file : NULL};
	struct virt_socket capture;
	virConnectPtr conn;

	virt_socket_init(&capture);
	conn = virt_connect(&target, &capture, &a->error);
	if (!conn)
		return;
	a->reached = virConnectNumOfDomains(conn) >= 0; /* access control may say no to that */
	if (!a->reached)
		virt_error_take(&a->error);
	(void)virConnectClose(conn);
}

static void ignore_error(void *arg, virErrorPtr error)
{
}

_Noreturn static void be_child(const struct config_hypervisor *h, int to)
{
	struct answer a = {0};

	virSetErrorFunc(NULL, ignore_error); /* libvirt prints them otherwise */
	ask(h, &a);
	_exit(write_all(to, &a, sizeof(a)) < 0);
}

/* 0 with the answer, or -ETIMEDOUT. */
static int hear(int from, struct answer *a)
{
	struct pollfd p = {.fd = from, .events = POLLIN};
	ssize_t n = -1;

	/* An answer is less than a pipe takes at once. */
	if (poll(&p, 1, ANSWER_MS) == 1)
		n = read(from, a, sizeof(*a));
	return n == (ssize_t)sizeof(*a) ? 0 : -ETIMEDOUT;
}

static int ask_by_child(const struct config_hypervisor *h, struct answer *a)
{
	int fds[2], r;
	pid_t child;

	if (pipe(fds) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		be_child(h, fds[1]);
	close(fds[1]);
	r = child < 0 ? -errno : hear(fds[0], a);
	close(fds[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r;
}

static void check_one(const struct config_hypervisor *h, struct config_errors *found)
{
	enum virt_fault fault = VIRT_FAULT_OTHER;
	char cure[VIRT_CURE_MAX] = "";
	struct answer a = {0};
	int r = ask_by_child(h, &a);

	if (r == 0 && !a.reached)
		fault = virt_cure(&a.error, cure);
	if (r < 0)
		config_warning_add(found, h->at.file, h->at.line,
			"[hypervisor %s] %.200s did not answer within %d s", h->at.name, h->uri,
			ANSWER_MS / 1000);
	else if (fault == VIRT_FAULT_REFUSED)
		config_errors_add(found, h->at.file, h->at.line,
			"[hypervisor %s] %.200s refuses this user: %s; %s", h->at.name, h->uri,
			a.error.text, cure);
	else if (!a.reached)
		config_warning_add(found, h->at.file, h->at.line,
			"[hypervisor %s] %.200s cannot be reached now: %s%s%s", h->at.name, h->uri,
			a.error.text, *cure ? "; " : "", cure);
}

void preflight_libvirt(const struct config *config, struct config_errors *found)
{
	for (size_t i = 0; i < config->hypervisor_count; i++)
		check_one(&config->hypervisors[i], found);
}
