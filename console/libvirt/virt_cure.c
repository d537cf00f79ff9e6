/* Task: see virt_cure.h. Owner: nobody. */
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvirt/virterror.h>

#include "console/libvirt/virt_cure.h"
#include "core/file/trust.h"

#define ROOM 4096

static bool is_refusal(const struct virt_error *error)
{
	switch (error->code) {
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_OPERATION_DENIED:
		return true;
	default:
		return strstr(error->text, "Permission denied") != NULL;
	}
}

/* The path between the first two quotes of "Failed to connect socket to '/run/...': ...". */
static bool find_socket(const char *text, char path[ROOM])
{
	const char *begin = strchr(text, '\'');
	size_t len = begin ? strcspn(begin + 1, "'") : 0;

	if (!begin || begin[1] != '/' || len >= ROOM)
		return false;
	memcpy(path, begin + 1, len);
	path[len] = '\0';
	return true;
}

/* The group that may write to it, if it is not root's. */
static bool find_group(const char *path, char out[64])
{
	char room[ROOM];
	struct group entry, *found = NULL;
	struct stat st;

	if (stat(path, &st) < 0 || !(st.st_mode & S_IWGRP) || st.st_gid == 0 ||
		getgrgid_r(st.st_gid, &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	snprintf(out, 64, "%s", found->gr_name);
	return true;
}

static bool is_missing(const struct virt_error *error)
{
	return strstr(error->text, ": No such file or directory") != NULL ||
	       strstr(error->text, ": Connection refused");
}

/* libvirt-sock is libvirtd's; its other daemons name theirs after themselves: virtqemud-sock. */
static void say_missing(const char *path, char out[VIRT_CURE_MAX])
{
	const char *name = strrchr(path, '/') + 1;
	int len = (int)strcspn(name, "-");
	bool is_system = strncmp(path, "/run/libvirt/", 13) == 0 ||
			 strncmp(path, "/var/run/libvirt/", 17) == 0;

	if (is_system)
		snprintf(out, VIRT_CURE_MAX,
			"install libvirt if it is not there, and start it: systemctl enable --now "
			"%.*s%s.socket",
			len, name, strncmp(name, "libvirt-", 8) == 0 ? "d" : "");
	else
		snprintf(out, VIRT_CURE_MAX,
			"no libvirt listens on %.160s: start it, or mend the uri of the hypervisor",
			path);
}

static void say_refused(const struct virt_error *error, char out[VIRT_CURE_MAX])
{
	char path[ROOM], group[64], user[TRUST_USER_ROOM];

	trust_user_name(geteuid(), user);
	if (find_socket(error->text, path) && find_group(path, group))
		snprintf(out, VIRT_CURE_MAX,
			"add the user to the group %s: usermod -aG %s %s, then start again", group,
			group, user);
	else
		snprintf(out, VIRT_CURE_MAX,
			"allow the user %s to use it (unix_sock_group in libvirtd.conf, or a "
			"polkit "
			"rule for org.libvirt.unix.manage)",
			user);
}

enum virt_fault virt_cure(const struct virt_error *error, char out[VIRT_CURE_MAX])
{
	char path[ROOM];

	out[0] = '\0';
	if (is_refusal(error)) {
		say_refused(error, out);
		return VIRT_FAULT_REFUSED;
	}
	if (!is_missing(error) || !find_socket(error->text, path))
		return VIRT_FAULT_OTHER;
	say_missing(path, out);
	return VIRT_FAULT_MISSING;
}
