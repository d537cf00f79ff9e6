/* Task: find the note .note.gnu.build-id of the running program. */
#include <elf.h>
#include <link.h>
#include <string.h>

#include "core/build_id.h"

static unsigned char id[BUILD_ID_SIZE];

static void read_notes(const char *at, size_t len)
{
	while (len >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		size_t name = (note->n_namesz + 3) & ~(size_t)3;
		size_t size = sizeof(*note) + name + ((note->n_descsz + 3) & ~(size_t)3);

		if (size > len)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
			memcmp(note + 1, "GNU", 4) == 0 && note->n_descsz <= sizeof(id))
			memcpy(id, (const char *)(note + 1) + name, note->n_descsz);
		at += size;
		len -= size;
	}
}

/* The first object is the program itself. */
static int on_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE)
			read_notes((const char *)(info->dlpi_addr + p->p_vaddr), p->p_memsz);
	}
	return 1;
}

const unsigned char *build_id(void)
{
	dl_iterate_phdr(on_object, NULL);
	return id;
}
