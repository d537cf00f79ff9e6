/* Waiting for input, and the line editor of the prompt. */
#include "console.h"

#include "clock.h"
#include "cpu.h"
#include "print.h"
#include "uart.h"

#define BULK 64 /* a line this long is no typing */
#define BACKSPACE 0x08
#define DELETE 0x7F

static bool last_was_cr;

static void serve_others(void)
{
	int byte;

	while (com1.breaks_told != com1.stat.breaks) {
		com1.breaks_told++;
		print("<BREAK>");
	}
	while ((byte = uart_take(&com2)) >= 0)
		uart_put(&com2, (uint8_t)byte);
}

uint8_t console_get(void)
{
	for (;;) {
		int byte;

		serve_others();
		byte = uart_take(&com1);
		if (byte >= 0)
			return (uint8_t)byte;
		irq_off();
		if (uart_pending(&com1) || uart_pending(&com2) ||
			com1.breaks_told != com1.stat.breaks)
			irq_on();
		else
			irq_on_and_halt();
	}
}

int console_get_within(uint32_t ms)
{
	int byte = uart_take(&com1);
	uint32_t start;

	if (byte >= 0)
		return byte; /* asking the clock costs more than the byte */
	for (start = clock_ms();; byte = uart_take(&com1)) {
		uint32_t gone = clock_ms() - start;

		if (byte >= 0)
			return byte;
		if (gone >= ms)
			return -1;
		irq_off();
		if (uart_pending(&com1)) {
			irq_on();
			continue;
		}
		clock_alarm(ms - gone);
		irq_on_and_halt();
	}
}

void console_get_line(char *line, uint32_t size, bool echo)
{
	uint32_t n = 0;
	uint32_t taken = 0;

	for (;;) {
		char c = (char)console_get();

		if (++taken == BULK)
			uart_bulk(&com1, true);

		if (c == '\n' && last_was_cr && !n) {
			last_was_cr = false;
			continue;
		}
		last_was_cr = c == '\r';
		if (c == '\r' || c == '\n')
			break;
		if (c == BACKSPACE || c == DELETE) {
			if (n && echo)
				print("\b \b");
			n -= n != 0;
			continue;
		}
		if (n + 1 < size)
			line[n++] = c;
		if (echo)
			print_char(c);
	}
	if (taken >= BULK)
		uart_bulk(&com1, false);
	line[n] = '\0';
	if (echo)
		print("\r\n");
}

void console_swallow(void)
{
	uart_take(&com1);
	last_was_cr = false;
}
