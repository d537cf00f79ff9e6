/* Task: fields of SFTP packets. Pure. */
#include <endian.h>
#include <string.h>

#include "sshd/sftp/pack.h"

/* len bytes, or NULL when there are not so many. */
static const uint8_t *take(struct unpack *u, size_t len)
{
	const uint8_t *at = u->at;

	if (len > u->left) {
		u->bad = true;
		u->left = 0;
		return NULL;
	}
	u->at += len;
	u->left -= len;
	return at;
}

uint8_t unpack_u8(struct unpack *u)
{
	const uint8_t *at = take(u, 1);

	return at ? *at : 0;
}

uint32_t unpack_u32(struct unpack *u)
{
	const uint8_t *at = take(u, sizeof(uint32_t));
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

uint64_t unpack_u64(struct unpack *u)
{
	const uint8_t *at = take(u, sizeof(uint64_t));
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

const uint8_t *unpack_string(struct unpack *u, size_t *len)
{
	const uint8_t *at;

	*len = unpack_u32(u);
	at = take(u, *len);
	if (!at) {
		*len = 0;
		at = (const uint8_t *)"";
	}
	return at;
}

static uint8_t *give(struct pack *p, size_t len)
{
	uint8_t *at = p->at;

	if (len > (size_t)(p->end - p->at)) {
		p->bad = true;
		p->end = p->at;
		return NULL;
	}
	p->at += len;
	return at;
}

void pack_at(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

void pack_u8(struct pack *p, uint8_t value)
{
	pack_bytes(p, &value, 1);
}

void pack_u32(struct pack *p, uint32_t value)
{
	value = htobe32(value);
	pack_bytes(p, &value, sizeof(value));
}

void pack_u64(struct pack *p, uint64_t value)
{
	value = htobe64(value);
	pack_bytes(p, &value, sizeof(value));
}

void pack_bytes(struct pack *p, const void *data, size_t len)
{
	uint8_t *at = give(p, len);

	if (at && len > 0)
		memcpy(at, data, len);
}

void pack_string(struct pack *p, const void *data, size_t len)
{
	pack_u32(p, (uint32_t)len);
	pack_bytes(p, data, len);
}

void pack_text(struct pack *p, const char *text)
{
	pack_string(p, text, strlen(text));
}
