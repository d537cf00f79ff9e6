/*
 * Task: the lockless ring of Linux 5.10 and later. Owner: struct dmesg.
 *
 * Linux: kernel/printk/printk_ringbuffer.c. A descriptor is known by its number, whose low bits are
 * its place; its state stands in the top two bits. A block of text begins with the number of its
 * descriptor; one that does not fit behind the others lies at the buffer's beginning.
 */
#include <errno.h>

#include "worker/dmesg/dmesg_private.h"

#define STATE_SHIFT 62
#define STATE_COMMITTED 1
#define STATE_FINALIZED 2
#define ID_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)
#define WITHOUT_TEXT 1  /* in a position: there is no block */
#define EMPTY_LINE 3    /*   and the text is empty; else it could not be kept */
#define WORD 8          /* bytes of a long */
#define STRUCT_MAX 4096 /* of any of the structs, and of offsets in them */

/* --- opening --- */

static int need(struct dmesg *d, const char *key, uint64_t *out)
{
	return dmesg_need(d, key, STRUCT_MAX, out);
}

static int read_layout(struct dmesg *d, struct log_ring *ring)
{
	int r = need(d, "SIZE(prb_desc)", &ring->desc_size);

	if (r == 0)
		r = need(d, "OFFSET(prb_desc.state_var)", &ring->state);
	if (r == 0)
		r = need(d, "OFFSET(prb_desc.text_blk_lpos)", &ring->block);
	if (r == 0)
		r = need(d, "OFFSET(prb_data_blk_lpos.begin)", &ring->begin);
	if (r == 0)
		r = need(d, "OFFSET(prb_data_blk_lpos.next)", &ring->next);
	if (r == 0)
		r = need(d, "SIZE(printk_info)", &ring->info_size);
	if (r == 0)
		r = need(d, "OFFSET(printk_info.ts_nsec)", &ring->time);
	if (r == 0)
		r = need(d, "OFFSET(printk_info.text_len)", &ring->text_len);
	return r;
}

static int read_field(struct dmesg *d, uint64_t base, const char *key, size_t len, uint64_t *out)
{
	uint64_t offset;
	int r = need(d, key, &offset);

	return r < 0 ? r : dmesg_read(d, base + offset, len, out);
}

static int read_bits(struct dmesg *d, uint64_t base, const char *key, unsigned most, unsigned *out)
{
	uint64_t bits;
	int r = read_field(d, base, key, sizeof(uint32_t), &bits);

	if (r == 0 && (bits == 0 || bits > most)) {
		dmesg_miss(d, "the log's %s makes no sense", key);
		return -ENODATA;
	}
	if (r == 0)
		*out = (unsigned)bits;
	return r;
}

static int read_descriptors(struct dmesg *d, struct log_ring *ring, uint64_t base)
{
	int r = read_bits(d, base, "OFFSET(prb_desc_ring.count_bits)", DMESG_RECORD_BITS_MAX,
		&ring->count_bits);

	if (r == 0)
		r = read_field(d, base, "OFFSET(prb_desc_ring.descs)", WORD, &ring->descs);
	if (r == 0)
		r = read_field(d, base, "OFFSET(prb_desc_ring.infos)", WORD, &ring->infos);
	if (r == 0)
		r = read_field(d, base, "OFFSET(prb_desc_ring.head_id)", WORD, &ring->head);
	if (r == 0)
		r = read_field(d, base, "OFFSET(prb_desc_ring.tail_id)", WORD, &ring->tail);
	return r;
}

static int read_ring(struct dmesg *d, struct log_ring *ring, uint64_t base)
{
	uint64_t descriptors, text;
	int r = need(d, "OFFSET(printk_ringbuffer.desc_ring)", &descriptors);

	if (r == 0)
		r = read_descriptors(d, ring, base + descriptors);
	if (r == 0)
		r = need(d, "OFFSET(printk_ringbuffer.text_data_ring)", &text);
	if (r == 0)
		r = read_bits(d, base + text, "OFFSET(prb_data_ring.size_bits)", DMESG_BITS_MAX,
			&ring->size_bits);
	if (r == 0)
		r = read_field(d, base + text, "OFFSET(prb_data_ring.data)", WORD, &ring->data);
	return r;
}

static int open_ring(struct dmesg *d)
{
	struct log_ring *ring = &d->ring;
	uint64_t pointer, base;
	int r = dmesg_need_symbol(d, log_ring_kind.symbol, &pointer);

	if (r == 0)
		r = read_layout(d, ring);
	if (r == 0)
		r = dmesg_read(d, pointer, WORD, &base);
	if (r == 0)
		r = read_ring(d, ring, base);
	if (r < 0)
		return r;
	ring->head &= ID_MASK;
	ring->tail &= ID_MASK;
	/* At most as many as there are. */
	if (((ring->head - ring->tail) & ID_MASK) >> ring->count_bits)
		ring->tail = (ring->head - ((UINT64_C(1) << ring->count_bits) - 1)) & ID_MASK;
	return 0;
}

/* --- records --- */

static int read_text(struct dmesg *d, uint64_t begin, uint64_t next, uint64_t text_len)
{
	const struct log_ring *ring = &d->ring;
	uint64_t mask = (UINT64_C(1) << ring->size_bits) - 1, size;
	struct log_record *record = &d->record;
	int r;

	record->len = 0;
	if (begin & WITHOUT_TEXT || next & WITHOUT_TEXT)
		return begin == EMPTY_LINE && next == EMPTY_LINE;
	if (begin >> ring->size_bits == (next - 1) >> ring->size_bits) {
		begin &= mask;
		size = ((next - 1) & mask) + 1 - begin;
	} else { /* the block lies at the beginning */
		begin = 0;
		size = next & mask;
	}
	if (size < WORD || size > mask)
		return 0;
	if (text_len > size - WORD)
		text_len = size - WORD;
	record->len = text_len < sizeof(record->text) ? text_len : sizeof(record->text);
	r = paging_read(&d->paging, ring->data + begin + WORD, record->text, record->len);
	return r < 0 ? r : 1;
}

static int read_record(struct dmesg *d, uint64_t id)
{
	const struct log_ring *ring = &d->ring;
	uint64_t place = id & ((UINT64_C(1) << ring->count_bits) - 1);
	uint64_t desc = ring->descs + place * ring->desc_size;
	uint64_t info = ring->infos + place * ring->info_size;
	uint64_t state, begin = 0, next = 0, text_len = 0;
	int r = dmesg_read(d, desc + ring->state, WORD, &state);

	if (r < 0)
		return r;
	if ((state & ID_MASK) != id || (state >> STATE_SHIFT != STATE_COMMITTED &&
					       state >> STATE_SHIFT != STATE_FINALIZED))
		return 0; /* it is being written, or is another's by now */
	r = dmesg_read(d, desc + ring->block + ring->begin, WORD, &begin);
	if (r == 0)
		r = dmesg_read(d, desc + ring->block + ring->next, WORD, &next);
	if (r == 0)
		r = dmesg_read(d, info + ring->time, WORD, &d->record.ns);
	if (r == 0)
		r = dmesg_read(d, info + ring->text_len, sizeof(uint16_t), &text_len);
	return r < 0 ? r : read_text(d, begin, next, text_len);
}

static int next_in_ring(struct dmesg *d)
{
	struct log_ring *ring = &d->ring;
	int r;

	if (ring->tail == ((ring->head + 1) & ID_MASK))
		return -ENOENT;
	r = read_record(d, ring->tail);
	if (r == -EAGAIN)
		return r;
	/* One that is broken does not hide the others. */
	ring->tail = (ring->tail + 1) & ID_MASK;
	return r == -EFAULT ? 0 : r;
}

const struct log_kind log_ring_kind = {"prb", open_ring, next_in_ring};
