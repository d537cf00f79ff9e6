/* Text on the console (COM1). */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include <stdint.h>

void print(const char *text);
void print_char(char c);
/* At least width digits, zero padded. */
void print_number(uint32_t value, unsigned width);
void print_hex64(uint64_t value);

#endif
