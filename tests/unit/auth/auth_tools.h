/* What the tests of auth/ share: a private folder, and keys made by the stock programs. */
#ifndef AUTH_TOOLS_H
#define AUTH_TOOLS_H

#include <stddef.h>
#include <stdint.h>

/* Makes a folder and enters it; removes it with all that is in it. */
int tools_enter(void **state);
int tools_leave(void **state);

/* Runs a shell command in that folder; the test fails when the command does. */
void tools_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole file, NUL behind it; free it. */
char *tools_read(const char *path, size_t *len);
void tools_write(const char *path, const char *text);

/* The blob in a line "type base64 comment"; free it. */
uint8_t *tools_blob(const char *line, size_t *len);
uint8_t *tools_blob_of_file(const char *path, size_t *len);

/* Row of a table: want is NULL when a login must get in, else a word of the reason why not. */
void tools_expect(size_t row, int rc, const char *why, const char *want);

/* A report function that counts and keeps the last reason; arg is a struct tools_report. */
struct tools_report {
	unsigned count;
	unsigned line;
	char why[1024];
};
void tools_report(void *arg, const char *file, unsigned line, const char *why);

#endif
