/* Task: see dump_head.h. Pure; every offset is checked before it is used. */
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "broker/sidecar/dump_head.h"

/* makedumpfile's flattened form: this block, then records, of which QEMU's first is the header. */
#define FLAT_SIGNATURE "makedumpfile\0\0\0"
#define FLAT_HEADER 4096
#define FLAT_RECORD 16 /* offset, size */

#define KDUMP_SIGNATURE "KDUMP   "
#define KDUMP_STATUS 424 /* of a 64-bit guest */
#define KDUMP_ZLIB 1U
#define KDUMP_LZO 2U
#define KDUMP_SNAPPY 4U

#define WIN_SIGNATURE "PAGEDU64"
#define WIN_SIGNATURE_32 "PAGEDUMP"
#define WIN_PAGES 144 /* NumberOfPages */
#define WIN_PAGE 4096

struct head {
	const uint8_t *data;
	size_t len;
	bool big; /* big-endian */
};

/* A number of so many bytes; 0 behind the end. */
static uint64_t number(const struct head *h, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;
	unsigned i;

	if (at > h->len || h->len - at < bytes)
		return 0;
	for (i = 0; i < bytes; i++) {
		unsigned shift = 8 * (h->big ? bytes - 1 - i : i);

		value |= (uint64_t)h->data[at + i] << shift;
	}
	return value;
}

static bool begins(const struct head *h, size_t at, const char *text, size_t len)
{
	return at <= h->len && h->len - at >= len && memcmp(h->data + at, text, len) == 0;
}

/* --- ELF --- */

/* Where the fields of a class are. */
struct elf_layout {
	unsigned word; /* bytes of an offset or a size */
	unsigned table, entry_size, count;
	unsigned memory; /* in a program header */
	unsigned least;  /* bytes of a program header */
};

static const struct elf_layout elf32 = {4, offsetof(Elf32_Ehdr, e_phoff),
	offsetof(Elf32_Ehdr, e_phentsize), offsetof(Elf32_Ehdr, e_phnum),
	offsetof(Elf32_Phdr, p_memsz), sizeof(Elf32_Phdr)};
static const struct elf_layout elf64 = {8, offsetof(Elf64_Ehdr, e_phoff),
	offsetof(Elf64_Ehdr, e_phentsize), offsetof(Elf64_Ehdr, e_phnum),
	offsetof(Elf64_Phdr, p_memsz), sizeof(Elf64_Phdr)};

/* The sum of what is loaded; 0 when the table is not whole in these bytes, or nonsense. */
static uint64_t elf_memory(const struct head *h, const struct elf_layout *layout)
{
	uint64_t table = number(h, layout->table, layout->word), sum = 0;
	uint64_t size = number(h, layout->entry_size, 2), count = number(h, layout->count, 2), i;

	if (size < layout->least || count == PN_XNUM || table > h->len ||
		count * size > h->len - table)
		return 0;
	for (i = 0; i < count; i++) {
		uint64_t at = table + i * size;

		if (number(h, at, 4) == PT_LOAD &&
			__builtin_add_overflow(
				sum, number(h, at + layout->memory, layout->word), &sum))
			return 0;
	}
	return sum;
}

static void read_elf(struct head *h, struct dump_head *out)
{
	uint64_t class = number(h, EI_CLASS, 1);

	out->kind = DUMP_KIND_ELF;
	h->big = number(h, EI_DATA, 1) == ELFDATA2MSB;
	if (class == ELFCLASS32 || class == ELFCLASS64)
		out->memory = elf_memory(h, class == ELFCLASS32 ? &elf32 : &elf64);
}

/* --- others --- */

static void read_kdump(const struct head *h, size_t at, struct dump_head *out)
{
	switch (number(h, at + KDUMP_STATUS, 4) & (KDUMP_ZLIB | KDUMP_LZO | KDUMP_SNAPPY)) {
	case KDUMP_ZLIB:
		out->kind = DUMP_KIND_KDUMP_ZLIB;
		break;
	case KDUMP_LZO:
		out->kind = DUMP_KIND_KDUMP_LZO;
		break;
	case KDUMP_SNAPPY:
		out->kind = DUMP_KIND_KDUMP_SNAPPY;
		break;
	default:
		out->kind = DUMP_KIND_KDUMP;
		break;
	}
}

static void read_windows(const struct head *h, struct dump_head *out)
{
	uint64_t pages = number(h, WIN_PAGES, 8);

	out->kind = DUMP_KIND_WIN_DMP;
	if (begins(h, 0, WIN_SIGNATURE, 8) && pages <= UINT64_MAX / WIN_PAGE)
		out->memory = pages * WIN_PAGE;
}

void dump_head_read(const uint8_t *data, size_t len, struct dump_head *out)
{
	struct head h = {.data = data, .len = len < DUMP_HEAD_MAX ? len : DUMP_HEAD_MAX};
	size_t record = FLAT_HEADER + FLAT_RECORD;

	*out = (struct dump_head){.kind = DUMP_KIND_UNKNOWN};
	if (begins(&h, 0, ELFMAG, SELFMAG))
		read_elf(&h, out);
	else if (begins(&h, 0, KDUMP_SIGNATURE, 8))
		read_kdump(&h, 0, out);
	else if (begins(&h, 0, FLAT_SIGNATURE, 16))
		read_kdump(&h, begins(&h, record, KDUMP_SIGNATURE, 8) ? record : h.len, out);
	else if (begins(&h, 0, WIN_SIGNATURE, 8) || begins(&h, 0, WIN_SIGNATURE_32, 8))
		read_windows(&h, out);
}

const char *dump_kind_name(enum dump_kind kind)
{
	static const char *const names[DUMP_KINDS] = {
		NULL, "elf", "kdump", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"};

	return names[kind];
}
