/*
 * Source addresses and blocks of them. IPv4 addresses mapped into IPv6 (::ffff:192.0.2.1) are the
 * IPv4 address, everywhere; a scope (%eth0) is left out of account.
 */
#ifndef CORE_TEXT_NET_ADDRESS_H
#define CORE_TEXT_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */

struct net_address {
	uint8_t bytes[16]; /* the first 4 for IPv4 */
	uint8_t size;      /* 4 or 16 */
};

struct net_block {
	struct net_address address;
	unsigned bits;
};

/* A numeric address. 0, -EINVAL. */
int address_parse(const char *text, struct net_address *out) __attribute__((warn_unused_result));

/* The canonical text of an address. */
void address_text(const struct net_address *a, char out[ADDRESS_TEXT_MAX]);

/*
 * "192.0.2.0/24", or an address, which is a block of one. 0; -ENOENT: neither (a pattern,
 * perhaps); -EINVAL: meant as a block, but the length is wrong or bits are set behind it.
 */
int net_block_parse(const char *text, struct net_block *out) __attribute__((warn_unused_result));

bool net_block_holds(const struct net_block *block, const struct net_address *a);

/* Zeroes what lies behind the first bits. */
void address_mask(struct net_address *a, unsigned bits);

/*
 * A list as in from= and source-address (ssh_config(5), PATTERNS): blocks, addresses and patterns
 * (* ?) on the address text, separated by commas; an item behind '!' that matches ends the search
 * with no. Names never match: nothing is looked up.
 * 1 yes, 0 no, -EINVAL: the list is malformed (and lets nobody in). blocks_only refuses patterns
 * and '!', as OpenSSH does for certificates.
 */
int address_match_list(const char *list, const struct net_address *a, bool blocks_only)
	__attribute__((warn_unused_result));

#endif
