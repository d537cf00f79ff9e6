/*
 * Where a guest's memory lies in its physical addresses: what may be read of them without touching
 * a device. Pure.
 */
#ifndef CONSOLE_DOMAIN_RAM_H
#define CONSOLE_DOMAIN_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_RANGES_MAX 3 /* below 640 KiB, from 1 MiB on, from 4 GiB on */

struct ram_range {
	uint64_t from, to; /* to is exclusive */
};

struct ram {
	struct ram_range ranges[RAM_RANGES_MAX];
	size_t count;
};

/* Of a PC with so many bytes. QEMU: hw/i386/pc_piix.c, pc_q35.c: what is not below the hole for
 * devices lies from 4 GiB on; of a q35 that has enough, the hole is larger. */
void ram_of_pc(uint64_t bytes, bool q35, struct ram *out);

/* Of the domain. 0; -EBADMSG; -EOPNOTSUPP: it is no x86-64 PC; -ENOMEM. */
int ram_parse(const char *xml, struct ram *out) __attribute__((warn_unused_result));

#endif
