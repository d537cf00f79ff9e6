/*
 * Source addresses.
 * Task: parse, normalise, compare. Owner: nobody, plain values. May not know sockets or rules.
 */
#include "core/text/net_address.h"
#include "core/text/glob.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_MAX 256 /* bytes of one item in a list */
#define MAPPED_BITS 96

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct net_address *a)
{
	return a->size == 16 && memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void unmap(struct net_address *a)
{
	struct net_address v4 = {.size = 4};

	memcpy(v4.bytes, a->bytes + sizeof(mapped_prefix), 4);
	*a = v4;
}

/* As written: a mapped address stays one. */
static int parse_literal(const char *text, size_t len, struct net_address *out)
{
	char copy[ADDRESS_TEXT_MAX + 1];

	*out = (struct net_address){0};
	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (inet_pton(AF_INET, copy, out->bytes) == 1)
		out->size = 4;
	else if (inet_pton(AF_INET6, copy, out->bytes) == 1)
		out->size = 16;
	return out->size != 0 ? 0 : -EINVAL;
}

int address_parse(const char *text, struct net_address *out)
{
	if (parse_literal(text, strcspn(text, "%"), out) < 0)
		return -EINVAL;
	if (is_mapped(out))
		unmap(out);
	return 0;
}

void address_text(const struct net_address *a, char out[ADDRESS_TEXT_MAX])
{
	if (!inet_ntop(a->size == 4 ? AF_INET : AF_INET6, a->bytes, out, ADDRESS_TEXT_MAX))
		out[0] = 0;
}

void address_mask(struct net_address *a, unsigned bits)
{
	for (unsigned i = 0; i < a->size; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			a->bytes[i] &= (uint8_t)(0xff00U >> keep);
	}
}

static int parse_bits(const char *text, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text[0] == 0 || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	for (; *text != 0; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (value > max)
		return -EINVAL;
	*out = value;
	return 0;
}

int net_block_parse(const char *text, struct net_block *out)
{
	size_t len = strcspn(text, "/");
	struct net_address masked;

	if (parse_literal(text, len, &out->address) < 0)
		return text[len] == '/' ? -EINVAL : -ENOENT;
	out->bits = out->address.size * 8;
	if (text[len] == '/' && parse_bits(text + len + 1, out->bits, &out->bits) < 0)
		return -EINVAL;
	masked = out->address;
	address_mask(&masked, out->bits);
	if (memcmp(masked.bytes, out->address.bytes, sizeof(masked.bytes)) != 0)
		return -EINVAL;
	if (is_mapped(&out->address) && out->bits >= MAPPED_BITS) {
		unmap(&out->address);
		out->bits -= MAPPED_BITS;
	}
	return 0;
}

bool net_block_holds(const struct net_block *block, const struct net_address *a)
{
	struct net_address masked = *a;

	if (block->address.size != a->size)
		return false;
	address_mask(&masked, block->bits);
	return memcmp(masked.bytes, block->address.bytes, a->size) == 0;
}

/* 1, 0 or -EINVAL. */
static int match_item(
	const char *item, const struct net_address *a, const char *text, bool blocks_only)
{
	struct net_block block;
	int rc = net_block_parse(item, &block);

	if (rc == 0)
		return net_block_holds(&block, a);
	if (rc == -EINVAL || blocks_only)
		return -EINVAL;
	return glob_match(item, text);
}

int address_match_list(const char *list, const struct net_address *a, bool blocks_only)
{
	char text[ADDRESS_TEXT_MAX];
	bool yes = false;
	bool no = false;

	address_text(a, text);
	for (;;) {
		char item[ITEM_MAX];
		size_t len = strcspn(list, ",");
		bool negated = list[0] == '!' && !blocks_only;
		int rc;

		if (len <= negated || len >= sizeof(item))
			return -EINVAL;
		memcpy(item, list + negated, len - negated);
		item[len - negated] = 0;
		rc = match_item(item, a, text, blocks_only);
		if (rc < 0)
			return rc;
		yes = yes || (rc > 0 && !negated);
		no = no || (rc > 0 && negated);
		if (list[len] == 0)
			return yes && !no;
		list += len + 1;
	}
}
