/*
 * Task: find the consoles in a domain's XML. Pure.
 *
 * Names, aliases and paths in a domain's XML were chosen by whoever defined the domain.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/domain/device.h"
#include "console/domain/domain_xml.h"

#define PORT_MAX 1023

/* Where libvirt looks first when it is to choose: the first <console>. */
struct first_console {
	int seen, mirrors_serial;
	unsigned port;
};

void device_slot(const struct device *device, char out[DEVICE_SLOT_MAX])
{
	snprintf(out, DEVICE_SLOT_MAX, "%s:%u", device->kind == DEVICE_SERIAL ? "serial" : "virtio",
		device->port);
}

static int find_port(const struct devices *devices, enum device_kind kind, unsigned port)
{
	size_t i;

	for (i = 0; i < devices->count; i++)
		if (devices->list[i].kind == kind && devices->list[i].port == port)
			return (int)i;
	return -ENODEV;
}

/* Decimal digits only, as the kernel names its terminals. */
static int parse_port(const char *text, unsigned *port)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 4 || text[len] || (len > 1 && text[0] == '0'))
		return -EINVAL;
	*port = (unsigned)strtoul(text, NULL, 10);
	return *port <= PORT_MAX ? 0 : -EINVAL;
}

int device_of_slot(const char *slot, struct device *device)
{
	static const char serial[] = "serial:", virtio[] = "virtio:";
	bool is_serial = strncmp(slot, serial, strlen(serial)) == 0;

	if (!is_serial && strncmp(slot, virtio, strlen(virtio)) != 0)
		return -EINVAL;
	if (parse_port(strchr(slot, ':') + 1, &device->port) < 0)
		return -EINVAL;
	device->kind = is_serial ? DEVICE_SERIAL : DEVICE_VIRTIO;
	return 0;
}

int devices_find(const struct devices *devices, const char *name)
{
	unsigned port;
	size_t i;

	if (!name)
		return devices->main < devices->count ? (int)devices->main : -ENODEV;
	if (!*name)
		return -ENODEV;
	for (i = 0; i < devices->count; i++)
		if (strcmp(devices->list[i].alias, name) == 0)
			return (int)i;
	for (i = 0; i < devices->count; i++)
		if (!*devices->list[i].alias && strcmp(devices->list[i].usual, name) == 0)
			return (int)i;
	if (strncmp(name, "ttyS", 4) == 0 && parse_port(name + 4, &port) == 0)
		return find_port(devices, DEVICE_SERIAL, port);
	if (strncmp(name, "hvc", 3) == 0 && parse_port(name + 3, &port) == 0)
		return find_port(devices, DEVICE_VIRTIO, port);
	return -ENODEV;
}

static const char *find_name(const struct device *d, char room[DEVICE_USUAL_MAX])
{
	if (*d->alias || *d->usual)
		return *d->alias ? d->alias : d->usual;
	snprintf(
		room, DEVICE_USUAL_MAX, "%s%u", d->kind == DEVICE_SERIAL ? "ttyS" : "hvc", d->port);
	return room;
}

void devices_names(const struct devices *devices, char out[DEVICES_NAMES_MAX])
{
	size_t used = 0, left = devices->count, i;
	char room[DEVICE_USUAL_MAX];

	out[0] = '\0';
	for (i = 0; i < devices->count; i++, left--) {
		/* The main one changes places with the first. */
		size_t index = i == 0 ? devices->main : i == devices->main ? 0 : i;
		const char *name =
			find_name(&devices->list[index < devices->count ? index : i], room);

		if (used + strlen(name) + sizeof(", and 99 more") > DEVICES_NAMES_MAX) {
			snprintf(out + used, DEVICES_NAMES_MAX - used, " and %zu more", left);
			return;
		}
		used += (size_t)snprintf(
			out + used, DEVICES_NAMES_MAX - used, "%s%s", i ? ", " : "", name);
	}
}

/* --- reading --- */

static bool attribute_is(const xmlNode *node, const char *name, const char *wanted)
{
	char value[32];

	domain_attribute(node, name, value, sizeof(value));
	return strcmp(value, wanted) == 0;
}

static unsigned free_port(const struct devices *devices, enum device_kind kind, unsigned from)
{
	while (find_port(devices, kind, from) >= 0)
		from++;
	return from;
}

static unsigned target_port(const xmlNode *node)
{
	char text[8];
	unsigned port;

	domain_attribute(domain_child(node, "target"), "port", text, sizeof(text));
	return parse_port(text, &port) == 0 ? port : 0;
}

/* number: which <serial> or <console> it is. */
static void add_device(struct devices *devices, const xmlNode *node, enum device_kind kind,
	unsigned port, unsigned number)
{
	const xmlNode *source = domain_child(node, "source");
	struct device *d;

	if (devices->count == DEVICES_MAX)
		return;
	port = free_port(devices, kind, port);
	d = &devices->list[devices->count++];
	d->kind = kind;
	d->port = port;
	domain_attribute(node, "type", d->type, sizeof(d->type));
	domain_attribute(domain_child(node, "alias"), "name", d->alias, sizeof(d->alias));
	snprintf(d->usual, sizeof(d->usual), "%s%u",
		domain_is(node, "serial") ? "serial" : "console", number);
	if (strcmp(d->type, "unix") == 0 || strcmp(d->type, "pty") == 0)
		domain_attribute(source, "path", d->path, sizeof(d->path));
	d->bind = strcmp(d->type, "unix") == 0 && attribute_is(source, "mode", "bind");
}

static void read_serials(struct devices *devices, const xmlNode *list)
{
	unsigned number = 0;
	const xmlNode *at;

	for (at = list->children; at; at = at->next)
		if (domain_is(at, "serial"))
			add_device(devices, at, DEVICE_SERIAL, target_port(at), number++);
}

/* The first <console> repeats the first <serial>, if there is one. The n-th virtio console is
 * hvc<n> in the guest, whatever number libvirt gives its port. */
static void read_consoles(struct devices *devices, const xmlNode *list, struct first_console *first)
{
	unsigned virtio = 0, number = 0;
	const xmlNode *at;

	for (at = list->children; at; at = at->next) {
		int is_virtio, mirrors;
		unsigned port;

		if (!domain_is(at, "console"))
			continue;
		is_virtio = attribute_is(domain_child(at, "target"), "type", "virtio");
		port = is_virtio ? virtio++ : target_port(at);
		mirrors = !is_virtio && find_port(devices, DEVICE_SERIAL, port) >= 0;
		if (!first->seen)
			*first = (struct first_console){1, !is_virtio, port};
		if (!mirrors)
			add_device(devices, at, is_virtio ? DEVICE_VIRTIO : DEVICE_SERIAL, port,
				number);
		number++;
	}
}

static void choose_main(struct devices *devices, const struct first_console *first)
{
	int at = devices->count ? 0 : -ENODEV;

	if (first->seen)
		at = find_port(devices, first->mirrors_serial ? DEVICE_SERIAL : DEVICE_VIRTIO,
			first->port);
	devices->main = at >= 0 ? (size_t)at : devices->count;
}

static void read_domain(const xmlNode *root, struct devices *devices)
{
	struct first_console first = {0};
	const xmlNode *list;

	list = domain_child(root, "devices");
	if (list) {
		read_serials(devices, list);
		read_consoles(devices, list, &first);
	}
	choose_main(devices, &first);
}

/* --- parsing --- */

int devices_parse(const char *xml, struct devices *devices)
{
	const xmlNode *root;
	xmlDoc *document;
	int r = domain_xml_parse(xml, &document, &root);

	memset(devices, 0, sizeof(*devices));
	if (r == 0)
		read_domain(root, devices);
	xmlFreeDoc(document);
	return r;
}

const struct device *devices_in_slot(const struct devices *devices, const char *slot)
{
	for (size_t i = 0; i < devices->count; i++) {
		char its[DEVICE_SLOT_MAX];

		device_slot(&devices->list[i], its);
		if (strcmp(its, slot) == 0)
			return &devices->list[i];
	}
	return NULL;
}
