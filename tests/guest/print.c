/* Text on the console (COM1) and on the debug port. No 64-bit division: there is no libgcc below
 * us. */
#include "print.h"

#include "cpu.h"
#include "uart.h"

#define DIGITS_MAX 10
#define PORT_DEBUG 0xE9

void print_char(char c)
{
	uart_put(&com1, (uint8_t)c);
}

void print(const char *text)
{
	for (; *text; text++)
		print_char(*text);
}

void print_number(uint32_t value, unsigned width)
{
	char digits[DIGITS_MAX];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value || (n < width && n < DIGITS_MAX));
	while (n)
		print_char(digits[--n]);
}

void print_hex64(uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		print_char("0123456789abcdef"[(value >> shift) & 15]);
}

void report(const char *text)
{
	for (; *text; text++)
		out8(PORT_DEBUG, (uint8_t)*text);
}
