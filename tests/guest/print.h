/* Text on the console (COM1), and beside it on the debug port. */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include <stdint.h>

void print(const char *text);
void print_char(char c);
/* At least width digits, zero padded. */
void print_number(uint32_t value, unsigned width);
void print_hex64(uint64_t value);

/* To port 0xE9 (QEMU's isa-debugcon), not to the console: tests see from it what the guest does
 * without opening its console. Without the device it goes nowhere. */
void report(const char *text);

#endif
