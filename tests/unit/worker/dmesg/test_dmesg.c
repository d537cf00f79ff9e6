/* A kernel's log out of its machine's memory: both kinds of log, and what is broken or a lie. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_image.h"
#include "worker/dmesg/dmesg.h"
#include "worker/dmesg/memory.h"

#define SECOND UINT64_C(1000000000)

static struct image image;
static char text[1 << 20];

static void reads_as(const char *wanted)
{
	int r = image_read(image.file, sizeof(image.file), text, sizeof(text));

	assert_string_equal(text, wanted);
	assert_int_equal(r, 0);
}

static void fails_with(const char *why)
{
	int r = image_read(image.file, sizeof(image.file), text, sizeof(text));

	assert_string_equal(text, why);
	assert_int_equal(r, -1);
}

/* --- the ring --- */

static void ring_reads_as_dmesg_prints_it(void **state)
{
	image_ring(&image, false);
	image_print(&image, 0, "Linux version 6.1.0-test");
	image_print_as(&image, 12 * SECOND + 345678901, "committed", IMAGE_COMMITTED);
	image_print(&image, 123456 * SECOND, "one\ntwo");
	image_print_empty(&image, SECOND, false);
	image_print(&image, SECOND + 999, "d\xc3\xa9j\xc3\xa0 vu\tback\\slash");
	reads_as("[    0.000000] Linux version 6.1.0-test\n"
		 "[   12.345678] committed\n"
		 "[123456.000000] one\n[123456.000000] two\n"
		 "[    1.000000] \n"
		 "[    1.000000] d\xc3\xa9j\xc3\xa0 vu\tback\\slash\n");
}

static void text_that_a_terminal_would_obey_is_escaped(void **state)
{
	image_ring(&image, false);
	image_print(&image, 0, "a\x1b[2Jb");
	image_print(&image, 0, "\xff\r");
	reads_as("[    0.000000] a\\x1b[2Jb\n[    0.000000] \\xff\\x0d\n");
}

static void what_is_being_written_or_was_lost_is_left_out(void **state)
{
	image_ring(&image, false);
	image_print(&image, 0, "before");
	image_print_as(&image, 0, "half writ", IMAGE_RESERVED);
	image_print_as(&image, 0, "used again", IMAGE_REUSABLE);
	image_print_empty(&image, 0, true);
	image_print(&image, 0, "after");
	reads_as("[    0.000000] before\n[    0.000000] after\n");
}

static void ring_that_has_come_round_keeps_the_last(void **state)
{
	char line[80], wanted[2000] = "";
	unsigned i;

	image_ring(&image, false);
	for (i = 0; i < 50; i++) {
		snprintf(line, sizeof(line), "line %u and some more of it", i);
		image_print(&image, i * SECOND, line);
		if (i >= 50 - IMAGE_DESCS)
			snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
				"[%5u.000000] %s\n", i, line);
	}
	reads_as(wanted);
}

static void five_levels_of_tables_are_walked(void **state)
{
	image_ring(&image, true);
	image_print(&image, 0, "deep");
	reads_as("[    0.000000] deep\n");
}

/* --- the structured log --- */

static void structured_log_reads_as_dmesg_prints_it(void **state)
{
	image_records(&image);
	image_record(&image, 0, 2, "Linux version 4.19.0-test");
	image_record(&image, SECOND, 8, "goes ");
	image_record(&image, SECOND, 8, "on ");
	image_record(&image, SECOND, 10, "here");
	image_record(&image, 2 * SECOND, 6, "one\ntwo");
	reads_as("[    0.000000] Linux version 4.19.0-test\n"
		 "[    1.000000] goes on here\n"
		 "[    2.000000] one\n[    2.000000] two\n");
}

static void structured_log_that_has_come_round_is_read_from_its_first(void **state)
{
	unsigned char *first = image_page(&image, IMAGE_STRUCTS) + 20;

	image_records(&image);
	image_record(&image, 0, 2, "overwritten, and much longer");
	*first = (unsigned char)image.at;
	image_record(&image, SECOND, 2, "older");
	image_wrap_records(&image);
	image_record(&image, 2 * SECOND, 2, "newer");
	reads_as("[    1.000000] older\n[    2.000000] newer\n");
}

static void names_of_the_first_structured_logs_are_known(void **state)
{
	image_records(&image);
	image_record(&image, 0, 2, "old");
	image_replace(&image, "SIZE(printk_log)=16", "SIZE(log)=16\n\n\n\n\n\n\n");
	image_replace(
		&image, "OFFSET(printk_log.ts_nsec)=0", "OFFSET(log.ts_nsec)=0\n\n\n\n\n\n\n");
	image_replace(&image, "OFFSET(printk_log.len)=8", "OFFSET(log.len)=8\n\n\n\n\n\n\n");
	reads_as("[    0.000000] old\n");
}

/* --- finding the kernel --- */

static void note_of_the_dump_is_enough(void **state)
{
	image_ring(&image, false);
	image_print(&image, 0, "by the note");
	image_note_to_file(&image);
	reads_as("[    0.000000] by the note\n");
}

static void note_of_a_kernel_that_is_no_more_is_passed_over(void **state)
{
	unsigned char *note = image_page(&image, IMAGE_NOTE);

	image_ring(&image, false);
	image_print(&image, 0, "alive");
	/* The first one says that its tables are elsewhere. */
	memcpy(image_page(&image, IMAGE_FIFTH), note, IMAGE_PAGE);
	image_replace(&image, "ffffffff81000000", "ffffffff81003000");
	reads_as("[    0.000000] alive\n");
}

static void notes_are_searched_first_where_they_mostly_are(void **state)
{
	static const struct memory_range ranges[] = {{0, 1 << 20}, {4ULL << 30, 8ULL << 30}};
	static const uint64_t places[] = {4ULL << 30, (8ULL << 30) - (256ULL << 20), 0};
	struct memory *memory;
	struct dmesg *d;
	uint64_t last = UINT64_MAX;
	size_t found = 0;

	assert_int_equal(memory_create(ranges, 2, &memory), 0);
	assert_int_equal(dmesg_create(memory, NULL, 1ULL << 30, &d), 0);
	while (dmesg_step(d) != DMESG_FAILED) {
		uint64_t address = memory_wanted(memory);

		if (address == last)
			continue;
		if (address - last != MEMORY_BLOCK) { /* it goes on elsewhere */
			if (found < sizeof(places) / sizeof(places[0]))
				assert_int_equal(address, places[found]);
			found++;
		}
		memset(memory_room(memory), 0, MEMORY_BLOCK);
		memory_filled(memory);
		last = address;
	}
	assert_true(found >= sizeof(places) / sizeof(places[0]));
	assert_string_equal(dmesg_why(d),
		"there is no note VMCOREINFO in the 1 GiB of memory that were searched");
	dmesg_destroy(&d);
	memory_destroy(&memory);
}

static void missing_things_are_named(void **state)
{
	static const struct {
		const char *was, *is, *why;
	} rows[] = {
		{"SYMBOL(prb)", "SYMBOL(prx)",
			"the kernel's VMCOREINFO has neither SYMBOL(prb) nor SYMBOL(log_buf)"},
		{"SYMBOL(init_top_pgt)", "SYMBOL(init_top_xxx)",
			"the kernel's VMCOREINFO has no SYMBOL(init_top_pgt) nor "
			"SYMBOL(swapper_pg_dir)"},
		{"SIZE(prb_desc)", "SIZE(prb_dxxx)",
			"the kernel's VMCOREINFO has no SIZE(prb_desc)"},
		{"OFFSET(printk_info.ts_nsec)=8", "OFFSET(printk_info.ts_nsec)=x",
			"the kernel's VMCOREINFO has no OFFSET(printk_info.ts_nsec)"},
		{"NUMBER(phys_base)=0", "NUMBER(phys_base)=4",
			"the kernel's page tables are not where NUMBER(phys_base) and "
			"SYMBOL(init_top_pgt) of its VMCOREINFO say"},
		{"OSRELEASE=", "OSRELAESE=",
			"there is no note VMCOREINFO in memory: no Linux kernel, or one without "
			"CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE)"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		image_ring(&image, false);
		image_print(&image, 0, "unread");
		image_replace(&image, rows[i].was, rows[i].is);
		fails_with(rows[i].why);
	}
}

static void other_machines_are_told_so(void **state)
{
	image_ring(&image, false);
	image_replace(&image, "PAGESIZE=4096\nSYMBOL", "NUMBER(VA_BITS)=48\nS");
	fails_with("the kernel is none for x86-64");
	image_ring(&image, false);
	((Elf64_Ehdr *)image.file)->e_machine = EM_AARCH64;
	fails_with("no dump");
	memcpy(image.file, "KDUMP   ", 8);
	fails_with("no ELF");
}

/* --- lies --- */

static void numbers_that_make_no_sense_are_named(void **state)
{
	unsigned char *ring = image_page(&image, IMAGE_STRUCTS) + 64;

	image_ring(&image, false);
	ring[0] = 60;
	fails_with("the log's OFFSET(prb_desc_ring.count_bits) makes no sense");
	image_ring(&image, false);
	ring[40] = 0;
	fails_with("the log's OFFSET(prb_data_ring.size_bits) makes no sense");
	image_ring(&image, false);
	image_replace(&image, "SIZE(prb_desc)=24\n", "SIZE(prb_desc)=99\n");
	image_print(&image, 0, "here");
	image_print(&image, 0, "elsewhere");
	reads_as("[    0.000000] here\n");
	image_records(&image);
	memset(image_page(&image, IMAGE_STRUCTS) + 20, 0xff, 4);
	fails_with("the log's log_buf_len, log_first_idx and log_next_idx make no sense");
}

static void ring_without_end_is_read_once(void **state)
{
	unsigned char *ring = image_page(&image, IMAGE_STRUCTS) + 64;
	uint64_t tail = UINT64_C(1) << 40;

	image_ring(&image, false);
	image_print(&image, 0, "once");
	memcpy(ring + 32, &tail, sizeof(tail));
	reads_as("[    0.000000] once\n");
}

static void records_that_lead_in_a_circle_end(void **state)
{
	image_records(&image);
	image_record(&image, 0, 2, "once");
	image_wrap_records(&image);
	image_page(&image, IMAGE_STRUCTS)[20] = 20; /* first: behind the only one */
	image_page(&image, IMAGE_STRUCTS)[24] = 19; /* next: within it */
	reads_as("[    0.000000] once\n");
}

/* Whatever one byte says, and wherever the file ends, reading comes to an end. */
static void any_byte_may_be_wrong(void **state)
{
	static struct image whole;
	size_t i;

	image_ring(&whole, false);
	image_print(&whole, 0, "some text");
	image_print(&whole, 0, "more text");
	for (i = 0; i < sizeof(whole.file);
		i += 1 + (i > IMAGE_PAGE && i < 7 * IMAGE_PAGE ? 12 : 0)) {
		if (whole.file[i] == 0 && i % 5)
			continue;
		image = whole;
		image.file[i] ^= 0xff;
		(void)image_read(image.file, sizeof(image.file), text, sizeof(text));
		(void)image_read(whole.file, i, text, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_reads_as_dmesg_prints_it),
		cmocka_unit_test(text_that_a_terminal_would_obey_is_escaped),
		cmocka_unit_test(what_is_being_written_or_was_lost_is_left_out),
		cmocka_unit_test(ring_that_has_come_round_keeps_the_last),
		cmocka_unit_test(five_levels_of_tables_are_walked),
		cmocka_unit_test(structured_log_reads_as_dmesg_prints_it),
		cmocka_unit_test(structured_log_that_has_come_round_is_read_from_its_first),
		cmocka_unit_test(names_of_the_first_structured_logs_are_known),
		cmocka_unit_test(note_of_the_dump_is_enough),
		cmocka_unit_test(note_of_a_kernel_that_is_no_more_is_passed_over),
		cmocka_unit_test(notes_are_searched_first_where_they_mostly_are),
		cmocka_unit_test(missing_things_are_named),
		cmocka_unit_test(other_machines_are_told_so),
		cmocka_unit_test(numbers_that_make_no_sense_are_named),
		cmocka_unit_test(ring_without_end_is_read_once),
		cmocka_unit_test(records_that_lead_in_a_circle_end),
		cmocka_unit_test(any_byte_may_be_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
