/* FNV-1a, 64 bits: tells bytes apart where nobody gains by two that collide. Pure. */
#ifndef CORE_TEXT_FNV_H
#define CORE_TEXT_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Goes on with len bytes. */
static inline uint64_t fnv_add(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len-- > 0)
		/* The analyzer takes all but the first byte of a number for unset. */
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		hash = (hash ^ *p++) * FNV_PRIME;
	return hash;
}

#endif
