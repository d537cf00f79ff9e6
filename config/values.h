/*
 * Single values of the configuration: text to value and back. Pure; no file is looked at.
 *
 * Parsers take a whole, trimmed value. They return 0, -EINVAL for a text that is none,
 * -ERANGE for a number that does not fit 64 bits; nothing is written then.
 */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the text of any number, size or duration. */
#define VALUE_NUMBER_TEXT_MAX 24

/* Decimal digits. */
int value_number(const char *text, uint64_t *out) __attribute__((warn_unused_result));

/* Bytes: 512, 64K, 1M, 1G, 1T (powers of 1024, letters of either case). */
int value_size(const char *text, uint64_t *out) __attribute__((warn_unused_result));

/* Microseconds from 250ms, 30s, 5m, 1h, 2d; a plain number is seconds. */
int value_duration(const char *text, uint64_t *us) __attribute__((warn_unused_result));

/* "yes" or "no". */
int value_bool(const char *text, bool *out) __attribute__((warn_unused_result));

/* Index of the word in the NULL-terminated list. */
int value_word(const char *text, const char *const *words, int *index)
	__attribute__((warn_unused_result));

/* What value_escape gives for "none". */
#define VALUE_ESCAPE_NONE (-1)

/* A control character in caret notation (^] is 0x1d, ^? is 0x7f), or "none". NUL, newline and
 * carriage return are refused: a person could not type any more. */
int value_escape(const char *text, int *out) __attribute__((warn_unused_result));

/* A pattern with * ? [ ]. */
bool value_is_glob(const char *text);

/* The texts the parsers above read back to the same value, in the largest unit without rest.
 * They return out. */
const char *value_number_text(uint64_t value, char out[VALUE_NUMBER_TEXT_MAX]);
const char *value_size_text(uint64_t value, char out[VALUE_NUMBER_TEXT_MAX]);
const char *value_duration_text(uint64_t us, char out[VALUE_NUMBER_TEXT_MAX]);
const char *value_escape_text(int escape, char out[VALUE_NUMBER_TEXT_MAX]);

/*
 * %XX -> the byte, in place. -EINVAL for a % without two hex digits, and for %00: no text holds
 * a NUL.
 */
int value_decode(char *text) __attribute__((warn_unused_result));

/*
 * The inverse: writes text with whatever the file's syntax would not carry (and a comma, if
 * in_list) as %XX; never longer than the text it was decoded from. Always terminated; returns
 * the length, or -ENOBUFS.
 */
int value_encode(const char *text, bool in_list, char *out, size_t room)
	__attribute__((warn_unused_result));
#define VALUE_ENCODE_ROOM(len) (3 * (len) + 1)

#endif
