/*
 * Task: open a console over a connection of its own, and close the two again. In job threads.
 * Owner: the back end whose job it is.
 *
 * virStreamFinish and virStreamAbort are never called: both wait for an answer that a guest which
 * reads nothing holds back for ever. Freeing the stream and closing the connection does all.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/libvirt/virt_wakeup.h"

/* 9.0 bears it, by its source and as measured; 11.3 does not; between them nobody has looked. */
#define FIRST_FRAGILE_LIBVIRT 9001000 /* 9.1.0, as virConnectGetLibVersion counts */
#define BUSY_TRIES 10
#define BUSY_PAUSE_MS 50

/* libvirt's messages may be translated where libvirtd runs, so codes decide as far as they can:
 * code 9 is both "in use" and "not there yet", and taking one for the other costs a longer wait. */
enum backend_error libvirt_backend_error_of(const struct virt_error *error)
{
	switch (error->code) {
	case VIR_ERR_OPERATION_FAILED:
		return strstr(error->text, "not yet assigned") ? BACKEND_EARLY : BACKEND_BUSY;
	case VIR_ERR_INTERNAL_ERROR:
		/* "not using a PTY" or "cannot find": only devices that are a pty in the domain's
		 * XML come here, so libvirt has not yet told itself what QEMU's start brought. */
		return error->domain == VIR_FROM_QEMU ? BACKEND_EARLY : BACKEND_UNREACHED;
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_OPERATION_INVALID:
		return BACKEND_OFF;
	case VIR_ERR_OPERATION_DENIED:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
		return BACKEND_DENIED;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
		return BACKEND_UNSUPPORTED;
	case VIR_ERR_RPC:
	case VIR_ERR_SYSTEM_ERROR:
	case VIR_ERR_NO_CONNECT:
		return BACKEND_UNREACHED;
	default:
		return BACKEND_FAILED;
	}
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	(void)nanosleep(&t, NULL);
}

static int open_console(struct libvirt_backend *p, virDomainPtr domain)
{
	unsigned flags = p->force ? VIR_DOMAIN_CONSOLE_FORCE : 0;

	p->stream = virStreamNew(p->conn, VIR_STREAM_NONBLOCK);
	if (!p->stream)
		return -1;
	if (virDomainOpenConsole(domain, *p->alias ? p->alias : NULL, p->stream, flags) == 0)
		return 0;
	return -1;
}

static void drop_stream(struct libvirt_backend *p)
{
	if (p->stream)
		(void)virStreamFree(p->stream);
	p->stream = NULL;
}

/* libvirtd frees the console of a connection that we have closed a moment later. */
static int open_patiently(struct libvirt_backend *p, virDomainPtr domain, struct virt_error *error)
{
	int tries = p->patient ? BUSY_TRIES : 1;

	while (open_console(p, domain) < 0) {
		virt_error_take(error);
		drop_stream(p);
		if (--tries == 0 || libvirt_backend_error_of(error) != BACKEND_BUSY || p->lost)
			return -1;
		pause_ms(BUSY_PAUSE_MS);
	}
	return 0;
}

/* From whatever thread notices. */
static void on_closed(virConnectPtr conn, int reason, void *arg)
{
	struct libvirt_backend *p = arg;

	atomic_store(&p->lost, true);
	virt_wakeup_fire(p->wakeup);
}

/* Input may not stand in it: see backend_libvirt_careful.c. */
static bool needs_care(virConnectPtr conn)
{
	unsigned long version;

	return virConnectGetLibVersion(conn, &version) < 0 || version >= FIRST_FRAGILE_LIBVIRT;
}

static int open_all(struct libvirt_backend *p, struct virt_error *error)
{
	virDomainPtr domain;
	int r;

	p->conn = virt_connect(hypervisor_target(p->h), &p->client.socket, error);
	if (!p->conn)
		return -1;
	domain = virConnectRegisterCloseCallback(p->conn, on_closed, p, NULL) == 0
			 ? virDomainLookupByUUID(p->conn, p->uuid.b)
			 : NULL;
	if (!domain) {
		virt_error_take(error);
		return -1;
	}
	p->base.careful = needs_care(p->conn);
	r = open_patiently(p, domain, error);
	virDomainFree(domain);
	return r;
}

void libvirt_backend_open_work(void *arg)
{
	struct libvirt_backend *p = arg;
	struct virt_error error;

	if (open_all(p, &error) == 0) {
		p->open_error = BACKEND_OK;
		return;
	}
	p->open_error = p->conn ? libvirt_backend_error_of(&error) : BACKEND_UNREACHED;
	if (!p->conn && libvirt_backend_error_of(&error) == BACKEND_DENIED)
		p->open_error = BACKEND_DENIED;
	snprintf(p->text, sizeof(p->text), "%s", error.text);
	libvirt_backend_close_work(p);
}

void libvirt_backend_close_work(void *arg)
{
	struct libvirt_backend *p = arg;

	drop_stream(p);
	if (p->conn) {
		(void)virConnectUnregisterCloseCallback(p->conn, on_closed);
		(void)virConnectClose(p->conn);
	}
	p->conn = NULL;
}
