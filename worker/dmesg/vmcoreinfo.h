/*
 * What a Linux kernel says of itself for those who read its memory: lines of KEY=VALUE, in a note
 * named VMCOREINFO. Pure. Linux: Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
#ifndef WORKER_DMESG_VMCOREINFO_H
#define WORKER_DMESG_VMCOREINFO_H

#include <stddef.h>
#include <stdint.h>

#define VMCOREINFO_NAME "VMCOREINFO"
#define VMCOREINFO_MAX ((size_t)16 << 10) /* bytes of text; kernels have one page of it */

struct vmcoreinfo {
	char text[VMCOREINFO_MAX + 1];
	size_t len;
};

/* The text of a note, which is cut at its first NUL. -EINVAL: it is too long, or none. */
int vmcoreinfo_set(struct vmcoreinfo *info, const void *text, size_t len)
	__attribute__((warn_unused_result));

/* The value of a key: hexadecimal, decimal with or without sign. 0, -ENOENT. */
int vmcoreinfo_hex(const struct vmcoreinfo *info, const char *key, uint64_t *out)
	__attribute__((warn_unused_result));
int vmcoreinfo_number(const struct vmcoreinfo *info, const char *key, uint64_t *out)
	__attribute__((warn_unused_result));

/*
 * Where the next note of this name begins in bytes that are looked at piece by piece; len: none.
 * Only as much as VMCOREINFO_HEAD is looked at of it, so the last bytes of a piece, one less than
 * that, belong to the next piece as well.
 */
#define VMCOREINFO_HEAD 34 /* three numbers, the name and its padding, "OSRELEASE=" */
size_t vmcoreinfo_search(const uint8_t *bytes, size_t len);
/* How long its text is. */
uint32_t vmcoreinfo_text_len(const uint8_t head[VMCOREINFO_HEAD]);
#define VMCOREINFO_TEXT 24 /* and where it begins */

#endif
