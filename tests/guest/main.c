/*
 * A guest for tests: boots in a tenth of a second, idles at 0 % CPU, does on its serial console
 * what README.md says. Freestanding C for a PC with 2 MiB of memory, started by QEMU -kernel.
 */
#include "clock.h"
#include "commands.h"
#include "console.h"
#include "cpu.h"
#include "machine.h"
#include "print.h"
#include "uart.h"

#define MULTIBOOT_HAS_COMMAND_LINE 0x4
#define WORD_MAX 128

/* The head of the multiboot-1 information structure. */
struct multiboot_info {
	uint32_t flags;
	uint32_t memory[2];
	uint32_t boot_device;
	uint32_t command_line;
};

void guest_main(const struct multiboot_info *info);

/* Copies the value of " key=VALUE" out of the kernel command line; empty if there is none. */
static void option(const struct multiboot_info *info, const char *key, char *value)
{
	const char *at = "";

	if (info->flags & MULTIBOOT_HAS_COMMAND_LINE)
		at = (const char *)info->command_line;
	*value = '\0';
	for (; *at; at++) {
		const char *k = key;
		const char *a = at;
		unsigned n = 0;

		while (*k && *k == *a) {
			k++;
			a++;
		}
		if (*k)
			continue;
		for (; *a && *a != ' ' && n + 1 < WORD_MAX; a++)
			value[n++] = *a;
		value[n] = '\0';
		return;
	}
}

static void commas_to_blanks(char *text)
{
	for (; *text; text++) {
		if (*text == ',')
			*text = ' ';
	}
}

static void greet_second_port(void)
{
	static const char text[] = "guest second port ready\r\n";

	if (!uart_init(&com2))
		return;
	for (const char *c = text; *c; c++)
		uart_put(&com2, (uint8_t)*c);
}

void guest_main(const struct multiboot_info *info)
{
	static char name[WORD_MAX];
	static char word[WORD_MAX];
	static char line[CONSOLE_LINE_MAX];
	struct guest guest = {.name = name};

	machine_init();
	option(info, " name=", name);
	clock_init();
	uart_init(&com1);
	irq_on();
	greet_second_port();
	option(info, " echo=", word);
	guest.echo = word[0] == 'o' && word[1] == 'n';
	print("\r\nguest ");
	print(name);
	print(" ready\r\n");
	report("ready\n");
	option(info, " boot=", word);
	commas_to_blanks(word);
	commands_run(&guest, word);
	for (;;) {
		print("guest> ");
		console_get_line(line, sizeof(line), guest.echo);
		commands_run(&guest, line);
	}
}
