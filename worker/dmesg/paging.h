/*
 * A kernel's virtual addresses on x86-64: its page tables, read out of physical memory. Pure.
 *
 * AMD64 Architecture Programmer's Manual, volume 2, "Long-Mode Page Translation".
 */
#ifndef WORKER_DMESG_PAGING_H
#define WORKER_DMESG_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;

#define PAGING_KEPT 16 /* pages whose place is remembered */

struct paging_page {
	uint64_t page, frame; /* page 0: none */
};

struct paging {
	struct memory *memory;
	uint64_t root;  /* physical address of the topmost table */
	uint64_t clear; /* bits of an entry that are no address, such as the one for encryption */
	bool five;      /* levels; else four */
	struct paging_page kept[PAGING_KEPT];
};

/* 0; -EAGAIN: a block is wanted first; -EFAULT: there is nothing. */
int paging_find(struct paging *p, uint64_t address, uint64_t *physical)
	__attribute__((warn_unused_result));
int paging_read(struct paging *p, uint64_t address, void *out, size_t len)
	__attribute__((warn_unused_result));

#endif
