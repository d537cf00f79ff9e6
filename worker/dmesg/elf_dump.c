/* Task: see elf_dump.h. Owner: who reads the dump. */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dmesg/elf_dump.h"
#include "worker/dmesg/vmcoreinfo.h"

/* --- headers --- */

static int read_header(elf_read_fn read, void *arg, Elf64_Ehdr *header)
{
	int r = read(arg, 0, header, sizeof(*header));

	if (r == -ENODATA || (r == 0 && memcmp(header->e_ident, ELFMAG, SELFMAG) != 0))
		return -ENOEXEC;
	if (r < 0)
		return r;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
		header->e_machine != EM_X86_64 || header->e_type != ET_CORE ||
		header->e_phentsize != sizeof(Elf64_Phdr))
		return -EINVAL;
	return 0;
}

/* One that has too many for its field says how many in its first section. */
static int count_headers(elf_read_fn read, void *arg, const Elf64_Ehdr *header, uint64_t *count)
{
	Elf64_Shdr section;
	int r;

	*count = header->e_phnum;
	if (header->e_phnum != PN_XNUM)
		return 0;
	r = read(arg, header->e_shoff, &section, sizeof(section));
	if (r == 0)
		*count = section.sh_info;
	return r;
}

static int add_segment(struct elf_dump *dump, const Elf64_Phdr *header)
{
	struct elf_segment *segment = &dump->segments[dump->count];

	uint64_t len = header->p_filesz;

	if (header->p_offset > dump->size)
		return 0;
	if (len > dump->size - header->p_offset)
		len = dump->size - header->p_offset;
	if (len == 0)
		return 0;
	if (dump->count == MEMORY_RANGES_MAX)
		return -EOVERFLOW;
	if (header->p_paddr + len < header->p_paddr)
		return -EINVAL;
	*segment = (struct elf_segment){header->p_paddr, header->p_paddr + len, header->p_offset};
	dump->count++;
	return 0;
}

static int take_header(struct elf_dump *dump, const Elf64_Phdr *header)
{
	if (header->p_type == PT_LOAD)
		return add_segment(dump, header);
	if (header->p_type == PT_NOTE && !dump->notes_len) {
		dump->notes = header->p_offset;
		dump->notes_len = header->p_filesz;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct elf_segment *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* What overlaps belongs to the segment that begins first. -EINVAL: it would be more memory than
 * there is file. */
static int part_segments(struct elf_dump *dump)
{
	size_t kept = 0, i;
	uint64_t end = 0, all = 0;

	qsort(dump->segments, dump->count, sizeof(dump->segments[0]), compare);
	for (i = 0; i < dump->count; i++) {
		struct elf_segment segment = dump->segments[i];

		if (segment.to <= end)
			continue;
		if (segment.from < end) {
			segment.offset += end - segment.from;
			segment.from = end;
		}
		end = segment.to;
		if (segment.to - segment.from > dump->size - all)
			return -EINVAL;
		all += segment.to - segment.from;
		dump->segments[kept++] = segment;
	}
	dump->count = kept;
	return kept ? 0 : -EINVAL;
}

int elf_dump_open(struct elf_dump *dump, elf_read_fn read, void *arg, uint64_t size)
{
	Elf64_Ehdr header;
	uint64_t count = 0, i;
	int r = read_header(read, arg, &header);

	memset(dump, 0, sizeof(*dump));
	dump->size = size;
	if (r == 0)
		r = count_headers(read, arg, &header, &count);
	if (r == 0 && count > ELF_DUMP_HEADERS_MAX)
		r = -EOVERFLOW;
	for (i = 0; r == 0 && i < count; i++) {
		Elf64_Phdr one;

		r = read(arg, header.e_phoff + i * sizeof(one), &one, sizeof(one));
		if (r == 0)
			r = take_header(dump, &one);
	}
	if (r == 0)
		r = part_segments(dump);
	return r == -ENODATA ? -EINVAL : r;
}

/* --- notes --- */

static uint64_t padded(uint32_t len)
{
	return ((uint64_t)len + 3) & ~UINT64_C(3);
}

static bool is_named(elf_read_fn read, void *arg, uint64_t at, const Elf64_Nhdr *note)
{
	char name[sizeof(VMCOREINFO_NAME)];

	return note->n_namesz == sizeof(name) && read(arg, at, name, sizeof(name)) == 0 &&
	       memcmp(name, VMCOREINFO_NAME, sizeof(name)) == 0;
}

static int read_text(elf_read_fn read, void *arg, uint64_t at, uint32_t len, struct vmcoreinfo *out)
{
	char text[VMCOREINFO_MAX];
	int r;

	if (len > sizeof(text))
		return -ENOENT;
	r = read(arg, at, text, len);
	if (r == 0)
		r = vmcoreinfo_set(out, text, len);
	return r == -EINVAL ? -ENOENT : r;
}

int elf_dump_vmcoreinfo(
	const struct elf_dump *dump, elf_read_fn read, void *arg, struct vmcoreinfo *out)
{
	uint64_t at = 0;
	uint64_t len = dump->notes_len < ELF_DUMP_NOTES_MAX ? dump->notes_len : ELF_DUMP_NOTES_MAX;
	Elf64_Nhdr note;
	int r;

	while (len - at >= sizeof(note)) {
		uint64_t name = dump->notes + at + sizeof(note);

		r = read(arg, dump->notes + at, &note, sizeof(note));
		if (r < 0)
			return r == -ENODATA ? -ENOENT : r;
		if (is_named(read, arg, name, &note))
			return read_text(
				read, arg, name + padded(note.n_namesz), note.n_descsz, out);
		at += sizeof(note) + padded(note.n_namesz) + padded(note.n_descsz);
		if (at > len)
			break;
	}
	return -ENOENT;
}

/* --- memory --- */

int elf_dump_block(const struct elf_dump *dump, elf_read_fn read, void *arg, uint64_t address,
	uint8_t out[MEMORY_BLOCK])
{
	uint64_t end = address + MEMORY_BLOCK;
	size_t i;
	int r;

	memset(out, 0, MEMORY_BLOCK);
	for (i = 0; i < dump->count; i++) {
		const struct elf_segment *s = &dump->segments[i];
		uint64_t from = s->from > address ? s->from : address;
		uint64_t to = s->to < end ? s->to : end;

		if (from >= to)
			continue;
		r = read(arg, s->offset + (from - s->from), out + (from - address),
			(size_t)(to - from));
		if (r < 0 && r != -ENODATA)
			return r;
	}
	return 0;
}
