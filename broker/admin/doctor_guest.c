/* Task: what is wrong with a guest's console, of what the service knows. No state. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/admin/doctor.h"
#include "console/domain/aids.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "core/io.h"

/* --- the machine --- */

static void check_state(const struct guest *g, struct findings *f)
{
	const char *name = guest_name(g);

	switch (guest_state(g)) {
	case GUEST_RUNNING:
	case GUEST_UNREACHABLE: /* the hypervisor says why */
		break;
	case GUEST_PAUSED:
		findings_add(
			f, "paused", "power resume", "VM %s is paused: it prints nothing", name);
		break;
	case GUEST_CRASHED:
		findings_add(f, "crashed", "power reset; log shows its last words",
			"VM %s was stopped by a panic", name);
		break;
	case GUEST_OFF:
		findings_add(f, "off", "power on", "VM %s is off: it prints nothing", name);
		break;
	case GUEST_GONE:
		findings_add(f, "gone", "start it where it is defined; its history can be read",
			"no hypervisor knows VM %s any more", name);
		break;
	}
}

/* What is missed on the day of a crash. */
static void check_aids(const struct guest *g, struct findings *f)
{
	const struct aids *aids = guest_aids(g);

	if (!aids)
		return;
	if (!aids->panic)
		findings_add(f, "no-panic-device",
			"virsh edit: <panic model='isa'/> (or pvpanic) among the devices",
			"VM %s has no panic device: nobody is told that its kernel has panicked",
			guest_name(g));
	if (!aids->vmcoreinfo)
		findings_add(f, "no-vmcoreinfo",
			"virsh edit: <vmcoreinfo state='on'/> among the features",
			"VM %s has no vmcoreinfo: what reads a dump must guess at its kernel",
			guest_name(g));
}

/* --- its console --- */

static bool can_be_opened(const struct device *device)
{
	return strcmp(device->type, "pty") == 0 || strcmp(device->type, "unix") == 0;
}

static void check_type(const struct device *device, struct findings *f)
{
	if (!can_be_opened(device))
		findings_add(f, "console-type", "virsh edit: <serial type='pty'/> in its place",
			"console %s is of type %s, which nobody can open beside QEMU",
			*device->alias ? device->alias : device->usual, device->type);
}

static bool file_says(const char *path, char wanted)
{
	int fd FD_AUTO = open(path, O_RDONLY | O_CLOEXEC);
	char first = 0;

	return fd >= 0 && read(fd, &first, 1) == 1 && first == wanted;
}

/* Who else than the file's mode may have said no. */
static const char *cure_of(const char *error)
{
	if (!strstr(error, "ermission denied") && !strstr(error, "ccess denied"))
		return "";
	if (file_says("/sys/fs/selinux/enforce", '1'))
		return "the owner and mode of what is named, or SELinux: ausearch -m avc -ts "
		       "recent";
	if (file_says("/sys/module/apparmor/parameters/enabled", 'Y'))
		return "the owner and mode of what is named, or AppArmor: journalctl -k -g DENIED";
	return "the owner and mode of what is named";
}

static void check_way(const struct console *c, struct findings *f)
{
	const char *error = console_error(c);

	if (console_is_held(c))
		findings_add(f, "console-held",
			"leave virsh console there, or set take = force in [console]",
			"console %s is held by another client of the hypervisor",
			console_device_name(c));
	else if (*error)
		findings_add(f, "console-error", cure_of(error), "console %s: %s",
			console_device_name(c), error);
}

/* how: "is not open" */
static void add_not_open(struct findings *f, const char *device, const char *how)
{
	findings_add(f, "not-open", "attach once, or set record = all in [history]",
		"console %s %s: whether the guest prints is not known", device, how);
}

static void check_output(const struct console *c, const struct device *device, struct findings *f)
{
	bool is_virtio = device->kind == DEVICE_VIRTIO;
	char cure[FINDING_TEXT_MAX];

	if (console_state(c) != CONSOLE_OPEN) {
		if (!*console_error(c))
			add_not_open(f, console_device_name(c), "is not open");
		return;
	}
	if (journal_next(console_journal(c)) > 0)
		return;
	snprintf(cure, sizeof(cure),
		"in the guest: console=%s%u on the kernel's command line, and systemctl enable "
		"--now serial-getty@%s%u; press Enter, for it may have printed before it was "
		"watched",
		is_virtio ? "hvc" : "ttyS", device->port, is_virtio ? "hvc" : "ttyS", device->port);
	findings_add(f, "nothing-printed", cure, "the guest has printed nothing on console %s yet",
		console_device_name(c));
}

static void check_console(const struct guest *g, const struct device *device, struct findings *f)
{
	char slot[DEVICE_SLOT_MAX];
	const struct console *c;

	device_slot(device, slot);
	c = guest_console_in(g, slot);
	check_type(device, f);
	if (!guest_is_on(g) || !can_be_opened(device))
		return;
	if (!c) {
		add_not_open(f, device->alias, "was never opened");
		return;
	}
	check_way(c, f);
	check_output(c, device, f);
}

void doctor_guest(const struct guest *g, const char *device, struct findings *f)
{
	const struct devices *devices = guest_devices(g);
	struct hypervisor *h = guest_hypervisor(g);
	int index = devices_find(devices, device);

	if (h)
		doctor_hypervisor(h, f);
	check_state(g, f);
	if (index >= 0)
		check_console(g, &devices->list[index], f);
	else
		findings_add(f, "no-serial-device",
			"virsh edit: <serial type='pty'/> among the devices, then stop and start "
			"it",
			"VM %s has no serial device that is a console", guest_name(g));
	check_aids(g, f);
}
