/*
 * The character devices of a domain that can be a console, as its XML lists them. A value.
 */
#ifndef CONSOLE_DOMAIN_DEVICE_H
#define CONSOLE_DOMAIN_DEVICE_H

#include <stddef.h>

#define DEVICES_MAX 16
#define DEVICE_ALIAS_MAX 64
#define DEVICE_USUAL_MAX 24
#define DEVICE_TYPE_MAX 16
#define DEVICE_PATH_MAX 108

enum device_kind { DEVICE_SERIAL, DEVICE_VIRTIO }; /* ttyS<port>, hvc<port> */

struct device {
	enum device_kind kind;
	unsigned port;
	char alias[DEVICE_ALIAS_MAX]; /* what virDomainOpenConsole takes; "" when off */
	char usual[DEVICE_USUAL_MAX]; /* the alias it gets at its start if it has none: "serial0" */
	char type[DEVICE_TYPE_MAX];   /* "pty", "unix", "tcp", "file" ... */
	char path[DEVICE_PATH_MAX];   /* unix: the socket; pty: /dev/pts/N; else "" */
	int bind;                     /* unix: QEMU listens (mode='bind') */
};

struct devices {
	size_t count;
	size_t main; /* index of the one libvirt itself would open; == count: none */
	struct device list[DEVICES_MAX];
};

/* The slot keeps its name over alias changes: "serial:0", "virtio:0". */
#define DEVICE_SLOT_MAX 24
void device_slot(const struct device *device, char out[DEVICE_SLOT_MAX]);
/* The kind and port of the device that device_slot gives this slot. 0; -EINVAL: it gives no such.
 */
int device_of_slot(const char *slot, struct device *device) __attribute__((warn_unused_result));

/* By alias, when off by the one it will get, or ttyS<n> or hvc<n>; NULL: the main one. Returns an
 * index, or -ENODEV. */
int devices_find(const struct devices *devices, const char *name);

#define DEVICES_NAMES_MAX 256
/* Names by which devices_find finds them, separated by commas, the main one first; "" when there
 * are none. What does not fit becomes "and N more". */
void devices_names(const struct devices *devices, char out[DEVICES_NAMES_MAX]);

/* The one that device_slot gives this slot; NULL. */
const struct device *devices_in_slot(const struct devices *devices, const char *slot);

/* Reads <serial> and <console> elements of a domain's XML. 0, -EBADMSG when it is not XML of a
 * domain, -ENOMEM. Pure (libxml2; no network, no entities, no files). */
int devices_parse(const char *xml, struct devices *devices);

#endif
