/* Which build this program is: the linker's build id (SHA-1 of what was linked), zero-padded. */
#ifndef CORE_BUILD_ID_H
#define CORE_BUILD_ID_H

#define BUILD_ID_SIZE 32

/* Always the same for one file; all zero when the linker put none in. */
const unsigned char *build_id(void);

#endif
