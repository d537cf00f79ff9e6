#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_image.h"
#include "worker/dmesg/dmesg.h"
#include "worker/dmesg/elf_dump.h"
#include "worker/dmesg/vmcoreinfo.h"

#define KERNEL (UINT64_C(0xffffffff80000000) + IMAGE_BASE)
#define ALL UINT64_C(0xffff888000000000) /* all of memory */
#define PRESENT 1
#define LARGE 0x80
#define STEPS_MAX 100000000

/* Places in the page of structs. */
enum {
	PRB = 0,
	RING = 64,
	DESCS = 512,
	INFOS = 1024,
	LOG_BUF = 8,
	LOG_LEN = 16,
	FIRST = 20,
	NEXT = 24
};
/* Sizes and places in the structs. */
enum { DESC = 24, INFO = 88, HEAD = 16 };

unsigned char *image_page(struct image *image, enum image_page page)
{
	return image->file + IMAGE_HEAD + (size_t)page * IMAGE_PAGE;
}

static uint64_t physical(enum image_page page)
{
	return IMAGE_BASE + (uint64_t)page * IMAGE_PAGE;
}

static void put(unsigned char *at, uint64_t value, size_t len)
{
	memcpy(at, &value, len);
}

static void put_text(unsigned char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
}

static void enter(struct image *image, enum image_page table, unsigned index, uint64_t entry)
{
	put(image_page(image, table) + index * sizeof(entry), entry | PRESENT, sizeof(entry));
}

/* --- the machine --- */

static void put_tables(struct image *image, bool five_levels)
{
	enum image_page top = five_levels ? IMAGE_FIFTH : IMAGE_TOP;
	unsigned i;

	if (five_levels)
		enter(image, IMAGE_TOP, 511, physical(IMAGE_FIFTH));
	enter(image, top, 511, physical(IMAGE_IMAGE_UPPER));
	enter(image, IMAGE_IMAGE_UPPER, 510, physical(IMAGE_IMAGE_LOWER));
	enter(image, IMAGE_IMAGE_LOWER, IMAGE_BASE >> 21, IMAGE_BASE | LARGE);
	enter(image, top, 273, physical(IMAGE_ALL_UPPER));
	enter(image, IMAGE_ALL_UPPER, 0, physical(IMAGE_ALL_MIDDLE));
	enter(image, IMAGE_ALL_MIDDLE, IMAGE_BASE >> 21, physical(IMAGE_ALL_LOWER));
	for (i = 0; i < IMAGE_PAGES; i++)
		enter(image, IMAGE_ALL_LOWER, i, physical((enum image_page)i));
}

static uint64_t struct_at(unsigned where)
{
	return KERNEL + IMAGE_STRUCTS * IMAGE_PAGE + where;
}

static uint64_t data_at(void)
{
	return ALL + physical(IMAGE_DATA);
}

static void put_note(struct image *image, bool five_levels, const char *log)
{
	unsigned char *note = image_page(image, IMAGE_NOTE);
	char text[3000];
	int len = snprintf(text, sizeof(text),
		"OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(init_top_pgt)=%llx\n"
		"NUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=%d\n%s",
		(unsigned long long)KERNEL, five_levels, log);

	put(note, sizeof(VMCOREINFO_NAME), 4);
	put(note + 4, (uint64_t)len, 4);
	memcpy(note + 12, VMCOREINFO_NAME, sizeof(VMCOREINFO_NAME));
	memcpy(note + VMCOREINFO_TEXT, text, (size_t)len);
}

static void put_head(struct image *image)
{
	Elf64_Ehdr head = {.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = 512};
	Elf64_Phdr load = {.p_type = PT_LOAD,
		.p_offset = IMAGE_HEAD,
		.p_paddr = IMAGE_BASE,
		.p_filesz = IMAGE_PAGES * IMAGE_PAGE,
		.p_memsz = IMAGE_PAGES * IMAGE_PAGE};

	memcpy(head.e_ident, ELFMAG, SELFMAG);
	head.e_ident[EI_CLASS] = ELFCLASS64;
	head.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(image->file, &head, sizeof(head));
	memcpy(image->file + sizeof(head), &note, sizeof(note));
	memcpy(image->file + sizeof(head) + sizeof(note), &load, sizeof(load));
}

void image_note_to_file(struct image *image)
{
	unsigned char *note = image_page(image, IMAGE_NOTE);
	/* another one before it, as QEMU writes for each processor */
	unsigned char other[12 + 8 + 4] = {5, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 'C', 'O', 'R', 'E'};
	uint64_t size = sizeof(other) + 3072;

	memcpy(image->file + 512, other, sizeof(other));
	memcpy(image->file + 512 + sizeof(other), note, 3072);
	memset(note, 0, IMAGE_PAGE);
	put(image->file + sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz), size, 8);
}

void image_replace(struct image *image, const char *was, const char *is)
{
	unsigned char *note = image_page(image, IMAGE_NOTE);
	unsigned char *at = memmem(note, IMAGE_PAGE, was, strlen(was));

	if (!at || strlen(was) != strlen(is))
		abort();
	put_text(at, is, strlen(is));
}

/* --- the ring --- */

static void set_ends(struct image *image)
{
	unsigned char *ring = image_page(image, IMAGE_STRUCTS) + RING;
	uint64_t first = image->id > IMAGE_DESCS ? image->id - IMAGE_DESCS : 0;

	put(ring + 24, image->id - 1, 8);
	put(ring + 32, first, 8);
}

void image_ring(struct image *image, bool five_levels)
{
	char log[2000];
	unsigned char *structs = image_page(image, IMAGE_STRUCTS);

	memset(image, 0, sizeof(*image));
	put_head(image);
	put_tables(image, five_levels);
	snprintf(log, sizeof(log),
		"SYMBOL(prb)=%llx\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
		"OFFSET(printk_ringbuffer.text_data_ring)=40\nOFFSET(prb_desc_ring.count_bits)=0\n"
		"OFFSET(prb_desc_ring.descs)=8\nOFFSET(prb_desc_ring.infos)=16\n"
		"OFFSET(prb_desc_ring.head_id)=24\nOFFSET(prb_desc_ring.tail_id)=32\n"
		"SIZE(prb_desc)=24\nOFFSET(prb_desc.state_var)=0\n"
		"OFFSET(prb_desc.text_blk_lpos)=8\nOFFSET(prb_data_blk_lpos.begin)=0\n"
		"OFFSET(prb_data_blk_lpos.next)=8\nSIZE(printk_info)=88\n"
		"OFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
		"OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=8\n",
		(unsigned long long)struct_at(PRB));
	put_note(image, five_levels, log);
	put(structs + PRB, struct_at(RING), 8);
	put(structs + RING, 3, 4);
	put(structs + RING + 8, struct_at(DESCS), 8);
	put(structs + RING + 16, struct_at(INFOS), 8);
	put(structs + RING + 40, 9, 4);
	put(structs + RING + 48, data_at(), 8);
	set_ends(image);
}

static void put_desc(struct image *image, uint64_t ns, enum image_state state, uint64_t begin,
	uint64_t next, size_t len)
{
	unsigned char *structs = image_page(image, IMAGE_STRUCTS);
	unsigned char *desc = structs + DESCS + image->id % IMAGE_DESCS * DESC;
	unsigned char *info = structs + INFOS + image->id % IMAGE_DESCS * INFO;

	put(desc, image->id | (uint64_t)state << 62, 8);
	put(desc + 8, begin, 8);
	put(desc + 16, next, 8);
	put(info, image->id, 8);
	put(info + 8, ns, 8);
	put(info + 16, len, 2);
	image->id++;
	set_ends(image);
}

void image_print_as(struct image *image, uint64_t ns, const char *text, enum image_state state)
{
	unsigned char *data = image_page(image, IMAGE_DATA);
	size_t len = strlen(text), size = (8 + len + 7) & ~(size_t)7;
	uint64_t begin = image->position, next = begin + size, place = begin % IMAGE_TEXT;

	/* The block does not go on at the beginning: it lies there as a whole. */
	if (begin / IMAGE_TEXT != (next - 1) / IMAGE_TEXT) {
		next = next / IMAGE_TEXT * IMAGE_TEXT + size;
		place = 0;
	}
	put(data + place, image->id, 8);
	put_text(data + place + 8, text, len);
	image->position = next;
	put_desc(image, ns, state, begin, next, len);
}

void image_print(struct image *image, uint64_t ns, const char *text)
{
	image_print_as(image, ns, text, IMAGE_FINALIZED);
}

void image_print_empty(struct image *image, uint64_t ns, bool failed)
{
	put_desc(image, ns, IMAGE_FINALIZED, failed ? 1 : 3, failed ? 1 : 3, 0);
}

/* --- the structured log --- */

static void set_next(struct image *image)
{
	put(image_page(image, IMAGE_STRUCTS) + NEXT, image->at, 4);
}

void image_records(struct image *image)
{
	unsigned char *structs = image_page(image, IMAGE_STRUCTS);
	char log[1000];

	memset(image, 0, sizeof(*image));
	put_head(image);
	put_tables(image, false);
	snprintf(log, sizeof(log),
		"SYMBOL(log_buf)=%llx\nSYMBOL(log_buf_len)=%llx\nSYMBOL(log_first_idx)=%llx\n"
		"SYMBOL(log_next_idx)=%llx\nSIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\n"
		"OFFSET(printk_log.len)=8\nOFFSET(printk_log.text_len)=10\n"
		"OFFSET(printk_log.dict_len)=12\n",
		(unsigned long long)struct_at(LOG_BUF), (unsigned long long)struct_at(LOG_LEN),
		(unsigned long long)struct_at(FIRST), (unsigned long long)struct_at(NEXT));
	put_note(image, false, log);
	put(structs + LOG_BUF, data_at(), 8);
	put(structs + LOG_LEN, IMAGE_RECORDS, 4);
}

void image_record(struct image *image, uint64_t ns, unsigned flags, const char *text)
{
	unsigned char *at = image_page(image, IMAGE_DATA) + image->at;
	size_t len = strlen(text), size = (HEAD + len + 3) & ~(size_t)3;

	put(at, ns, 8);
	put(at + 8, size, 2);
	put(at + 10, len, 2);
	put(at + 15, flags, 1);
	put_text(at + HEAD, text, len);
	image->at += size;
	set_next(image);
}

/* The next record is at the beginning; the first one is where the last one was. */
void image_wrap_records(struct image *image)
{
	memset(image_page(image, IMAGE_DATA) + image->at, 0, HEAD);
	image->at = 0;
	set_next(image);
}

/* --- reading --- */

struct file {
	const unsigned char *bytes;
	size_t len;
};

static int read_at(void *arg, uint64_t offset, void *out, size_t len)
{
	const struct file *file = arg;

	if (offset > file->len || len > file->len - offset)
		return -ENODATA;
	memcpy(out, file->bytes + offset, len);
	return 0;
}

static int end_of(enum dmesg_step step, const struct dmesg *d, char *out, size_t room)
{
	if (step != DMESG_FAILED)
		return 0;
	snprintf(out, room, "%s", dmesg_why(d));
	return -1;
}

static int run(struct dmesg *d, struct memory *m, const struct elf_dump *dump, struct file *file,
	char *out, size_t room)
{
	enum dmesg_step step = DMESG_MORE;
	size_t used = 0, len;
	unsigned steps;

	*out = '\0';
	for (steps = 0; step != DMESG_DONE && step != DMESG_FAILED; steps++) {
		if (steps > STEPS_MAX)
			abort();
		step = dmesg_step(d);
		if (step == DMESG_WANTS) {
			uint64_t address = memory_wanted(m);

			if (elf_dump_block(dump, read_at, file, address, memory_room(m)) < 0)
				abort();
			memory_filled(m);
		} else if (step == DMESG_LINE) {
			const char *line = dmesg_line(d, &len);

			if (len > DMESG_LINE_MAX)
				abort();
			if (len < room - used) {
				memcpy(out + used, line, len);
				used += len;
				out[used] = '\0';
			}
		}
	}
	return end_of(step, d, out, room);
}

static struct memory *memory_of(const struct elf_dump *dump)
{
	struct memory_range *ranges = calloc(dump->count + 1, sizeof(*ranges));
	struct memory *memory = NULL;
	size_t i;

	for (i = 0; i < dump->count; i++)
		ranges[i] = (struct memory_range){dump->segments[i].from, dump->segments[i].to};
	if (memory_create(ranges, dump->count, &memory) < 0)
		abort();
	free(ranges);
	return memory;
}

int image_read(const unsigned char *bytes, size_t len, char *out, size_t room)
{
	struct file file = {bytes, len};
	static struct elf_dump dump;
	static struct vmcoreinfo info;
	struct memory *memory;
	struct dmesg *d;
	int r = elf_dump_open(&dump, read_at, &file, len);

	if (r < 0) {
		snprintf(out, room, "%s",
			r == -ENOEXEC  ? "no ELF"
			: r == -EINVAL ? "no dump"
				       : "too many");
		return -1;
	}
	r = elf_dump_vmcoreinfo(&dump, read_at, &file, &info);
	memory = memory_of(&dump);
	if (dmesg_create(memory, r == 0 ? &info : NULL, DMESG_SEARCH_MAX, &d) < 0)
		abort();
	r = run(d, memory, &dump, &file, out, room);
	dmesg_destroy(&d);
	memory_destroy(&memory);
	return r;
}
