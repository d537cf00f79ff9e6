/*
 * The groups of a guest, as its metadata names them; rules match them. A value.
 *
 *   <vmconsoled:groups xmlns:vmconsoled="https://vmconsoled.org/domain/1.0">
 *     <vmconsoled:group>web</vmconsoled:group> ...
 *   </vmconsoled:groups>
 *
 * and oVirt's <ovirt-vm:vm> (http://ovirt.org/vm/1.0): each <ovirt-vm:tag>, in it or in its
 * <ovirt-vm:tags>.
 */
#ifndef CONSOLE_DOMAIN_GROUPS_H
#define CONSOLE_DOMAIN_GROUPS_H

#include <stddef.h>

#define GROUPS_NAMESPACE "https://vmconsoled.org/domain/1.0"
#define GROUPS_OVIRT_NAMESPACE "http://ovirt.org/vm/1.0"
#define GROUPS_MAX 16
#define GROUP_NAME_MAX 64 /* bytes, terminator included; longer ones are left out */

struct groups {
	size_t count;
	char names[GROUPS_MAX][GROUP_NAME_MAX];
};

/* 0, -EBADMSG when it is not XML of a domain, -ENOMEM; groups is empty then. Pure. */
int groups_parse(const char *xml, struct groups *groups);

int groups_equal(const struct groups *a, const struct groups *b);

#endif
