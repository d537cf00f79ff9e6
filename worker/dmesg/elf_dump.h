/*
 * A dump of a guest's memory in ELF, as QEMU writes it: where which physical memory lies in the
 * file, and the notes. Pure: it asks for bytes of the file. ELF-64 Object File Format; QEMU:
 * dump/dump.c.
 */
#ifndef WORKER_DMESG_ELF_DUMP_H
#define WORKER_DMESG_ELF_DUMP_H

#include <stddef.h>
#include <stdint.h>

#include "worker/dmesg/memory.h"

struct vmcoreinfo;

#define ELF_DUMP_HEADERS_MAX 4096             /* program headers that are looked at */
#define ELF_DUMP_NOTES_MAX ((size_t)16 << 20) /* bytes of notes: some for each processor */

struct elf_segment {
	uint64_t from, to; /* physical addresses */
	uint64_t offset;   /* in the file */
};

struct elf_dump {
	struct elf_segment segments[MEMORY_RANGES_MAX]; /* in order, apart */
	size_t count;
	uint64_t size;             /* bytes of the file */
	uint64_t notes, notes_len; /* where in the file; 0: none */
};

/* Bytes of the file. 0; -ENODATA: it is shorter; -errno. */
typedef int (*elf_read_fn)(void *arg, uint64_t offset, void *out, size_t len);

/* size: bytes of the file; what lies behind them is left out. 0; -ENOEXEC: no ELF file; -EINVAL:
 * none that holds an x86-64 guest's memory; -EOVERFLOW: too many pieces; -errno of reading. */
int elf_dump_open(struct elf_dump *dump, elf_read_fn read, void *arg, uint64_t size)
	__attribute__((warn_unused_result));

/* The text of the note VMCOREINFO. 0; -ENOENT: it has none; -errno of reading. */
int elf_dump_vmcoreinfo(const struct elf_dump *dump, elf_read_fn read, void *arg,
	struct vmcoreinfo *out) __attribute__((warn_unused_result));

/* A block of its memory; what is not in the file is zero. 0 or -errno of reading. */
int elf_dump_block(const struct elf_dump *dump, elf_read_fn read, void *arg, uint64_t address,
	uint8_t out[MEMORY_BLOCK]) __attribute__((warn_unused_result));

#endif
