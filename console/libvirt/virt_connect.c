/*
 * Task: open a connection to libvirt. Owner: the hypervisor or back end whose job this is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "console/libvirt/virt_connect.h"
#include "core/io.h"

struct credentials {
	const char *user;
	char *password;
	size_t password_len;
};

void virt_error_take(struct virt_error *error)
{
	const virError *last = virGetLastError();

	error->code = last ? last->code : VIR_ERR_INTERNAL_ERROR;
	error->domain = last ? last->domain : VIR_FROM_NONE;
	snprintf(error->text, sizeof(error->text), "%s",
		last && last->message && *last->message ? last->message : "unknown error");
}

int virt_error_number(const struct virt_error *error)
{
	switch (error->code) {
	case VIR_ERR_OPERATION_DENIED:
	case VIR_ERR_ACCESS_DENIED:
		return -EACCES;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
		return -EOPNOTSUPP;
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_OPERATION_INVALID:
		return -ENOTCONN;
	default:
		return -EIO;
	}
}

static int answer(virConnectCredentialPtr cred, unsigned count, void *arg)
{
	const struct credentials *c = arg;
	unsigned i;

	for (i = 0; i < count; i++) {
		const char *text = NULL;

		if (cred[i].type == VIR_CRED_AUTHNAME || cred[i].type == VIR_CRED_USERNAME)
			text = c->user;
		else if (cred[i].type == VIR_CRED_PASSPHRASE)
			text = c->password;
		cred[i].result = text ? strdup(text) : NULL; /* libvirt frees it */
		if (!cred[i].result)
			return -1;
		cred[i].resultlen = (unsigned)strlen(text);
	}
	return 0;
}

/* The first line of the file. */
static int read_password(const char *path, struct credentials *c)
{
	int r = read_file(path, VIRT_PASSWORD_MAX, &c->password, &c->password_len);

	if (r == 0)
		c->password[strcspn(c->password, "\r\n")] = '\0';
	return r;
}

static void wipe(struct credentials *c)
{
	if (c->password)
		explicit_bzero(c->password, c->password_len);
	free(c->password);
}

static virConnectPtr connect_sasl(const struct virt_target *target, struct virt_error *error)
{
	int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE};
	struct credentials c = {.user = target->sasl_user};
	virConnectAuth auth = {.credtype = types,
		.ncredtype = sizeof(types) / sizeof(*types),
		.cb = answer,
		.cbdata = &c};
	virConnectPtr conn = NULL;
	int r = target->sasl_password_file ? read_password(target->sasl_password_file, &c) : 0;

	if (r < 0) {
		error->code = VIR_ERR_AUTH_FAILED;
		error->domain = VIR_FROM_NONE;
		snprintf(error->text, sizeof(error->text), "sasl_password_file %s: %s",
			target->sasl_password_file, strerror(-r));
	} else {
		conn = virConnectOpenAuth(target->uri, &auth, 0);
		if (!conn)
			virt_error_take(error);
	}
	wipe(&c);
	return conn;
}

virConnectPtr virt_connect(
	const struct virt_target *target, struct virt_socket *socket, struct virt_error *error)
{
	virConnectPtr conn;

	virt_socket_begin(socket);
	if (target->sasl_user) {
		conn = connect_sasl(target, error);
	} else {
		conn = virConnectOpen(target->uri);
		if (!conn)
			virt_error_take(error);
	}
	virt_socket_end();
	return conn;
}
