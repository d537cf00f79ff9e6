/* What a dump is, by its first bytes, whoever wrote them. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/sidecar/dump_head.h"

#define ROOM 8192

static struct dump_head read_head(const void *data, size_t len)
{
	struct dump_head head;
	uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees what lies behind */

	assert_non_null(copy);
	memcpy(copy, data, len);
	dump_head_read(copy, len, &head);
	free(copy);
	return head;
}

struct core {
	Elf64_Ehdr head;
	Elf64_Phdr parts[3];
};

static struct core core_of(uint64_t first, uint64_t second)
{
	struct core c = {
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
			.e_type = ET_CORE,
			.e_phoff = offsetof(struct core, parts),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3},
		.parts = {{.p_type = PT_NOTE, .p_memsz = 77}, {.p_type = PT_LOAD, .p_memsz = first},
			{.p_type = PT_LOAD, .p_memsz = second}}};

	return c;
}

static void an_elf_dump_says_how_much_memory_is_in_it(void **state)
{
	struct core c = core_of(0x10000, 0x2000);
	struct dump_head head = read_head(&c, sizeof(c));

	assert_string_equal(dump_kind_name(head.kind), "elf");
	assert_int_equal(head.memory, 0x12000);
}

static void nonsense_in_an_elf_header_says_nothing(void **state)
{
	struct core c = core_of(UINT64_MAX, 2);

	assert_int_equal(read_head(&c, sizeof(c)).memory, 0); /* the sum wraps */
	c = core_of(1, 2);
	assert_int_equal(read_head(&c, sizeof(c) - 1).memory, 0);
	assert_int_equal(read_head(&c, 4).kind, DUMP_KIND_ELF);
	c.head.e_phoff = UINT64_MAX - 8;
	assert_int_equal(read_head(&c, sizeof(c)).memory, 0);
	c = core_of(1, 2);
	c.head.e_phnum = PN_XNUM;
	assert_int_equal(read_head(&c, sizeof(c)).memory, 0);
	c = core_of(1, 2);
	c.head.e_phentsize = 1;
	assert_int_equal(read_head(&c, sizeof(c)).memory, 0);
}

static void a_big_endian_dump_is_read(void **state)
{
	struct core c = core_of(__builtin_bswap64(0x10000), 0);
	size_t i;

	c.head.e_ident[EI_DATA] = ELFDATA2MSB;
	c.head.e_phoff = __builtin_bswap64(c.head.e_phoff);
	c.head.e_phentsize = __builtin_bswap16(c.head.e_phentsize);
	c.head.e_phnum = __builtin_bswap16(c.head.e_phnum);
	for (i = 0; i < 3; i++)
		c.parts[i].p_type = __builtin_bswap32(c.parts[i].p_type);
	assert_int_equal(read_head(&c, sizeof(c)).memory, 0x10000);
}

static const char *kdump_of(size_t at, uint8_t status)
{
	static uint8_t data[ROOM];

	memset(data, 0, sizeof(data));
	if (at)
		snprintf((char *)data, ROOM, "makedumpfile");
	snprintf((char *)data + at, ROOM - at, "KDUMP   ");
	data[at + 424] = status;
	return dump_kind_name(read_head(data, sizeof(data)).kind);
}

static void a_kdump_says_how_it_is_compressed(void **state)
{
	assert_string_equal(kdump_of(0, 1), "kdump-zlib");
	assert_string_equal(kdump_of(0, 2), "kdump-lzo");
	assert_string_equal(kdump_of(0, 4), "kdump-snappy");
	assert_string_equal(kdump_of(0, 7), "kdump");
	assert_string_equal(kdump_of(4096 + 16, 1), "kdump-zlib"); /* flattened */
	assert_string_equal(kdump_of(4096, 1), "kdump");
	assert_int_equal(read_head("KDUMP   ", 8).kind, DUMP_KIND_KDUMP);
}

static void a_windows_dump_says_how_much_memory_is_in_it(void **state)
{
	uint8_t data[ROOM] = "PAGEDU64";

	data[144] = 3;
	assert_int_equal(read_head(data, sizeof(data)).memory, 3 * 4096);
	memset(data + 144, 0xff, 8);
	assert_int_equal(read_head(data, sizeof(data)).memory, 0);
	assert_string_equal(dump_kind_name(read_head("PAGEDUMP", 8).kind), "win-dmp");
}

static void other_bytes_are_of_no_kind(void **state)
{
	assert_null(dump_kind_name(read_head("", 0).kind));
	assert_null(dump_kind_name(read_head("\177EL", 3).kind));
	assert_null(dump_kind_name(read_head("makedumpfile", 12).kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_elf_dump_says_how_much_memory_is_in_it),
		cmocka_unit_test(nonsense_in_an_elf_header_says_nothing),
		cmocka_unit_test(a_big_endian_dump_is_read),
		cmocka_unit_test(a_kdump_says_how_it_is_compressed),
		cmocka_unit_test(a_windows_dump_says_how_much_memory_is_in_it),
		cmocka_unit_test(other_bytes_are_of_no_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
