/*
 * A dump of a machine with as little in it as a kernel's log needs: page tables, the note
 * VMCOREINFO, the log. Its memory begins at 16 MiB, where the kernel's image is mapped; the text of
 * the log is reached by the kernel's map of all memory, page by page.
 */
#ifndef TESTS_KERNEL_IMAGE_H
#define TESTS_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_PAGE ((size_t)4096)
#define IMAGE_PAGES 10
#define IMAGE_HEAD IMAGE_PAGE /* of the file, before the memory */
#define IMAGE_MAX (IMAGE_HEAD + IMAGE_PAGES * IMAGE_PAGE)
#define IMAGE_BASE UINT64_C(0x1000000)
#define IMAGE_DESCS 8      /* records of the ring */
#define IMAGE_TEXT 512     /* bytes of the ring's text */
#define IMAGE_RECORDS 1024 /* of the structured log */

enum image_page {
	IMAGE_TOP,
	IMAGE_IMAGE_UPPER,
	IMAGE_IMAGE_LOWER,
	IMAGE_ALL_UPPER,
	IMAGE_ALL_MIDDLE,
	IMAGE_ALL_LOWER,
	IMAGE_NOTE,
	IMAGE_STRUCTS,
	IMAGE_DATA,
	IMAGE_FIFTH,
};

enum image_state { IMAGE_RESERVED, IMAGE_COMMITTED, IMAGE_FINALIZED, IMAGE_REUSABLE };

struct image {
	unsigned char file[IMAGE_MAX];
	uint64_t id, position; /* of the ring: the next record, and its text */
	uint64_t at;           /* of the structured log */
};

/* A machine whose kernel has an empty log of one kind. */
void image_ring(struct image *image, bool five_levels);
void image_records(struct image *image);

unsigned char *image_page(struct image *image, enum image_page page);
/* Something in VMCOREINFO is called otherwise: both as long. */
void image_replace(struct image *image, const char *was, const char *is);
/* The note is one of the dump's own, and in memory no more. */
void image_note_to_file(struct image *image);

/* Records; ns is the time. */
void image_print(struct image *image, uint64_t ns, const char *text);
void image_print_as(struct image *image, uint64_t ns, const char *text, enum image_state state);
void image_print_empty(struct image *image, uint64_t ns, bool failed);
void image_record(struct image *image, uint64_t ns, unsigned flags, const char *text);
void image_wrap_records(struct image *image);

/* What is read of a file: 0 with text, or -1 with the reason; both in out. */
int image_read(const unsigned char *bytes, size_t len, char *out, size_t room);

#endif
