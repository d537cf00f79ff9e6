/* What one certificate section of a KRL revokes: the serials and key ids of one CA, or of all. */
#ifndef AUTH_SSH_KRL_SERIALS_H
#define AUTH_SSH_KRL_SERIALS_H

#include "core/text/span.h"

struct krl_range {
	uint64_t low, high; /* both included */
};

struct krl_bitmap {
	uint64_t offset;
	struct span bits; /* big-endian: the last byte holds the lowest serials */
};

/* A plain value; its arrays are its own, the spans look into the list's memory. */
struct krl_serials {
	struct span ca; /* the CA's blob; empty: any CA */
	struct krl_range *ranges;
	size_t range_count, range_room;
	struct krl_bitmap *bitmaps;
	size_t bitmap_count, bitmap_room;
	struct span *ids;
	size_t id_count, id_room;
};

/* Reads a section's data. 0, -EBADMSG, -ENOMEM; to be finished in any case. */
int krl_serials_parse(struct krl_serials *s, struct span data) __attribute__((warn_unused_result));
void krl_serials_finish(struct krl_serials *s);

bool krl_serials_has_serial(const struct krl_serials *s, uint64_t serial);
bool krl_serials_has_id(const struct krl_serials *s, struct span id);

/* Makes room for one more element of size bytes. 0, -ENOMEM. */
int krl_grow(void **mem, size_t *room, size_t count, size_t size)
	__attribute__((warn_unused_result));

#endif
