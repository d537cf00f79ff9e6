/*
 * Fields of SFTP packets: big-endian numbers, and strings with a length of 32 bits before them
 * (RFC 4251 §5).
 *
 * Both directions go on over mistakes and note them: reading past the end gives zeros and empty
 * strings, writing past the end writes nothing, and ->bad says so at the end. Pure.
 */
#ifndef SSHD_SFTP_PACK_H
#define SSHD_SFTP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack {
	const uint8_t *at;
	size_t left;
	bool bad;
};

uint8_t unpack_u8(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
/* Points into the packet; not terminated. */
const uint8_t *unpack_string(struct unpack *u, size_t *len);

struct pack {
	uint8_t *at, *end;
	bool bad;
};

void pack_u8(struct pack *p, uint8_t value);
void pack_u32(struct pack *p, uint32_t value);
void pack_u64(struct pack *p, uint64_t value);
void pack_bytes(struct pack *p, const void *data, size_t len);
void pack_string(struct pack *p, const void *data, size_t len);
void pack_text(struct pack *p, const char *text);

/* Writes a number to memory. */
void pack_at(uint8_t *at, uint32_t value);

#endif
