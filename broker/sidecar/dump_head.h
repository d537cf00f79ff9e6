/*
 * What a dump is, by its first bytes, which are hostile: whoever can write the file wrote them.
 * Pure.
 *
 * ELF: elf(5). kdump: QEMU's dump.h and makedumpfile's diskdump_mod.h, flattened or not. Windows:
 * QEMU's win_dump_defs.h.
 */
#ifndef BROKER_SIDECAR_DUMP_HEAD_H
#define BROKER_SIDECAR_DUMP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define DUMP_HEAD_MAX 65536 /* bytes that are looked at */

enum dump_kind {
	DUMP_KIND_UNKNOWN,
	DUMP_KIND_ELF,
	DUMP_KIND_KDUMP, /* compressed in none of these ways */
	DUMP_KIND_KDUMP_ZLIB,
	DUMP_KIND_KDUMP_LZO,
	DUMP_KIND_KDUMP_SNAPPY,
	DUMP_KIND_WIN_DMP,
	DUMP_KINDS
};

struct dump_head {
	enum dump_kind kind;
	uint64_t memory; /* bytes of the guest's that are in it; 0: it does not say */
};

void dump_head_read(const uint8_t *data, size_t len, struct dump_head *out);

/* "elf", "kdump-zlib"...; NULL: unknown. */
const char *dump_kind_name(enum dump_kind kind);

#endif
