/*
 * Certificate sections of revocation lists.
 * Task: read one, answer for one serial or key id in logarithmic time. Owner: struct krl. May not
 * know the rest of the list.
 */
#include "auth/ssh/krl_serials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTION_LIST = 0x20,
	SECTION_RANGE = 0x21,
	SECTION_BITMAP = 0x22,
	SECTION_KEY_ID = 0x23,
};

int krl_grow(void **mem, size_t *room, size_t count, size_t size)
{
	size_t more = *room != 0 ? *room * 2 : 8;
	void *moved;

	if (count < *room)
		return 0;
	moved = reallocarray(*mem, more, size);
	if (!moved)
		return -ENOMEM;
	*mem = moved;
	*room = more;
	return 0;
}

static int add_range(struct krl_serials *s, uint64_t low, uint64_t high)
{
	if (low > high)
		return -EBADMSG;
	if (krl_grow((void **)&s->ranges, &s->range_room, s->range_count, sizeof(*s->ranges)) < 0)
		return -ENOMEM;
	s->ranges[s->range_count++] = (struct krl_range){low, high};
	return 0;
}

static int parse_list(struct krl_serials *s, struct span data)
{
	uint64_t serial;
	int rc = 0;

	while (rc == 0 && data.len != 0) {
		rc = span_u64(&data, &serial);
		if (rc == 0)
			rc = add_range(s, serial, serial);
	}
	return rc;
}

static int parse_range(struct krl_serials *s, struct span data)
{
	uint64_t low;
	uint64_t high;

	if (span_u64(&data, &low) < 0 || span_u64(&data, &high) < 0 || data.len != 0)
		return -EBADMSG;
	return add_range(s, low, high);
}

static int parse_bitmap(struct krl_serials *s, struct span data)
{
	struct krl_bitmap map;

	if (span_u64(&data, &map.offset) < 0 || span_string(&data, &map.bits) < 0 || data.len != 0)
		return -EBADMSG;
	if (map.bits.len == 0 || map.bits.len * 8 - 1 > UINT64_MAX - map.offset)
		return -EBADMSG;
	if (krl_grow((void **)&s->bitmaps, &s->bitmap_room, s->bitmap_count, sizeof(*s->bitmaps)) <
		0)
		return -ENOMEM;
	s->bitmaps[s->bitmap_count++] = map;
	return 0;
}

static int parse_ids(struct krl_serials *s, struct span data)
{
	while (data.len != 0) {
		struct span id;

		if (span_string(&data, &id) < 0)
			return -EBADMSG;
		if (krl_grow((void **)&s->ids, &s->id_room, s->id_count, sizeof(*s->ids)) < 0)
			return -ENOMEM;
		s->ids[s->id_count++] = id;
	}
	return 0;
}

static int parse_part(struct krl_serials *s, uint8_t type, struct span data)
{
	switch (type) {
	case SECTION_LIST:
		return parse_list(s, data);
	case SECTION_RANGE:
		return parse_range(s, data);
	case SECTION_BITMAP:
		return parse_bitmap(s, data);
	case SECTION_KEY_ID:
		return parse_ids(s, data);
	default:
		return -EBADMSG;
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct krl_range *x = (const struct krl_range *)a;
	const struct krl_range *y = (const struct krl_range *)b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static int compare_ids(const void *a, const void *b)
{
	const struct span *x = (const struct span *)a;
	const struct span *y = (const struct span *)b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len != 0 ? memcmp(x->at, y->at, len) : 0;

	return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* Sorts, and joins ranges that overlap, so that at most one can hold a serial. */
static void seal(struct krl_serials *s)
{
	size_t kept = 0;

	if (s->id_count != 0)
		qsort(s->ids, s->id_count, sizeof(*s->ids), compare_ids);
	if (s->range_count == 0)
		return;
	qsort(s->ranges, s->range_count, sizeof(*s->ranges), compare_ranges);
	for (size_t i = 1; i < s->range_count; i++) {
		if (s->ranges[i].low > s->ranges[kept].high)
			s->ranges[++kept] = s->ranges[i];
		else if (s->ranges[i].high > s->ranges[kept].high)
			s->ranges[kept].high = s->ranges[i].high;
	}
	s->range_count = kept + 1;
}

int krl_serials_parse(struct krl_serials *s, struct span data)
{
	struct span reserved;
	int rc;

	*s = (struct krl_serials){0};
	if (span_string(&data, &s->ca) < 0 || span_string(&data, &reserved) < 0)
		return -EBADMSG;
	while (data.len != 0) {
		struct span part;
		uint8_t type;

		if (span_u8(&data, &type) < 0 || span_string(&data, &part) < 0)
			return -EBADMSG;
		rc = parse_part(s, type, part);
		if (rc < 0)
			return rc;
	}
	seal(s);
	return 0;
}

void krl_serials_finish(struct krl_serials *s)
{
	free(s->ranges);
	free(s->bitmaps);
	free(s->ids);
	*s = (struct krl_serials){0};
}

static bool bitmap_has(const struct krl_bitmap *map, uint64_t serial)
{
	uint64_t bit = serial - map->offset;

	return serial >= map->offset && bit / 8 < map->bits.len &&
	       (map->bits.at[map->bits.len - 1 - bit / 8] >> (bit % 8) & 1) != 0;
}

bool krl_serials_has_serial(const struct krl_serials *s, uint64_t serial)
{
	size_t low = 0;
	size_t high = s->range_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (serial < s->ranges[mid].low)
			high = mid;
		else if (serial > s->ranges[mid].high)
			low = mid + 1;
		else
			return true;
	}
	for (size_t i = 0; i < s->bitmap_count; i++) {
		if (bitmap_has(&s->bitmaps[i], serial))
			return true;
	}
	return false;
}

bool krl_serials_has_id(const struct krl_serials *s, struct span id)
{
	return s->id_count != 0 && bsearch(&id, s->ids, s->id_count, sizeof(*s->ids), compare_ids);
}
