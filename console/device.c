/*
 * Task: find the consoles in a domain's XML. Pure.
 *
 * A domain's XML comes from libvirt, but names, aliases and paths in it were chosen by whoever
 * defined the domain. libvirt never writes a document type; one is refused, and with it entities.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>

#include "console/device.h"

#define XML_MAX (4U << 20) /* bytes of one domain's XML */
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
	if (strncmp(name, "ttyS", 4) == 0 && parse_port(name + 4, &port) == 0)
		return find_port(devices, DEVICE_SERIAL, port);
	if (strncmp(name, "hvc", 3) == 0 && parse_port(name + 3, &port) == 0)
		return find_port(devices, DEVICE_VIRTIO, port);
	return -ENODEV;
}

/* --- reading --- */

static int is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	const xmlNode *at;

	for (at = node ? node->children : NULL; at; at = at->next)
		if (is_element(at, name))
			return at;
	return NULL;
}

/* "" when absent, or when it does not fit: half an alias or path would be another one. */
static void copy_attribute(const xmlNode *node, const char *name, char *out, size_t room)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;

	*out = '\0';
	if (value && strlen((const char *)value) < room)
		snprintf(out, room, "%s", (const char *)value);
	xmlFree(value);
}

static int attribute_is(const xmlNode *node, const char *name, const char *wanted)
{
	char value[32];

	copy_attribute(node, name, value, sizeof(value));
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

	copy_attribute(child(node, "target"), "port", text, sizeof(text));
	return parse_port(text, &port) == 0 ? port : 0;
}

static void add_device(
	struct devices *devices, const xmlNode *node, enum device_kind kind, unsigned port)
{
	const xmlNode *source = child(node, "source");
	struct device *d;

	if (devices->count == DEVICES_MAX)
		return;
	port = free_port(devices, kind, port);
	d = &devices->list[devices->count++];
	d->kind = kind;
	d->port = port;
	copy_attribute(node, "type", d->type, sizeof(d->type));
	copy_attribute(child(node, "alias"), "name", d->alias, sizeof(d->alias));
	if (strcmp(d->type, "unix") == 0 || strcmp(d->type, "pty") == 0)
		copy_attribute(source, "path", d->path, sizeof(d->path));
	d->bind = strcmp(d->type, "unix") == 0 && attribute_is(source, "mode", "bind");
}

static void read_serials(struct devices *devices, const xmlNode *list)
{
	const xmlNode *at;

	for (at = list->children; at; at = at->next)
		if (is_element(at, "serial"))
			add_device(devices, at, DEVICE_SERIAL, target_port(at));
}

/* The first <console> repeats the first <serial>, if there is one. The n-th virtio console is
 * hvc<n> in the guest, whatever number libvirt gives its port. */
static void read_consoles(struct devices *devices, const xmlNode *list, struct first_console *first)
{
	unsigned virtio = 0;
	const xmlNode *at;

	for (at = list->children; at; at = at->next) {
		int is_virtio, mirrors;
		unsigned port;

		if (!is_element(at, "console"))
			continue;
		is_virtio = attribute_is(child(at, "target"), "type", "virtio");
		port = is_virtio ? virtio++ : target_port(at);
		mirrors = !is_virtio && find_port(devices, DEVICE_SERIAL, port) >= 0;
		if (!first->seen)
			*first = (struct first_console){1, !is_virtio, port};
		if (!mirrors)
			add_device(devices, at, is_virtio ? DEVICE_VIRTIO : DEVICE_SERIAL, port);
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

static int read_domain(const xmlNode *root, struct devices *devices)
{
	struct first_console first = {0};
	const xmlNode *list;

	if (!root || !is_element(root, "domain"))
		return -EBADMSG;
	list = child(root, "devices");
	if (list) {
		read_serials(devices, list);
		read_consoles(devices, list, &first);
	}
	choose_main(devices, &first);
	return 0;
}

/* --- parsing --- */

static void refuse_doctype(
	void *arg, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	xmlParserCtxt *parser = arg;

	parser->wellFormed = 0;
	xmlStopParser(parser);
}

static pthread_once_t parser_once = PTHREAD_ONCE_INIT;

static void init_parser(void)
{
	xmlInitParser(); /* not safe in two threads at once */
}

int devices_parse(const char *xml, struct devices *devices)
{
	size_t len = xml ? strnlen(xml, XML_MAX + 1) : 0;
	xmlParserCtxt *parser;
	int r = -EBADMSG;

	memset(devices, 0, sizeof(*devices));
	if (len == 0 || len > XML_MAX)
		return -EBADMSG;
	pthread_once(&parser_once, init_parser);
	parser = xmlCreateMemoryParserCtxt(xml, (int)len);
	if (!parser)
		return -ENOMEM;
	xmlCtxtUseOptions(parser,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS);
	parser->sax->internalSubset = refuse_doctype;
	if (xmlParseDocument(parser) == 0 && parser->wellFormed)
		r = read_domain(xmlDocGetRootElement(parser->myDoc), devices);
	else if (parser->lastError.code == XML_ERR_NO_MEMORY)
		r = -ENOMEM;
	xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	return r;
}
