/*
 * The commands of the prompt: each makes one kind of traffic a console proxy must get right.
 * Output that is checked byte by byte is a function of a line number only (put_line).
 */
#include "commands.h"

#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "machine.h"
#include "print.h"
#include "uart.h"

#include <stddef.h>

#define LINE_BYTES 64
#define LINE_DIGITS 10
#define PATTERN_CHARS 62
#define TICK_MS 10
#define END_OF_INPUT 0x04
#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull
#define POLL_MS 50
#define BYTES_PER_CLOCK 4096

struct command {
	const char *name;
	void (*run)(struct guest *guest, char *argument);
};

static const char pattern[PATTERN_CHARS + 1] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static uint32_t number(const char *text)
{
	uint32_t value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (uint32_t)(*text++ - '0');
	return value;
}

/* Cuts the first word off; returns the rest. */
static char *cut(char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		*text++ = '\0';
	return text;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Line n: ten digits, a blank, 51 characters of the rotating pattern, CR LF. At most limit bytes.
 */
static void put_line(uint32_t n, uint32_t limit)
{
	char line[LINE_BYTES];
	uint32_t rest = n;
	uint32_t at = (n * 7) % PATTERN_CHARS;

	for (int i = LINE_DIGITS - 1; i >= 0; i--) {
		line[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	line[LINE_DIGITS] = ' ';
	for (int i = LINE_DIGITS + 1; i < LINE_BYTES - 2; i++) {
		line[i] = pattern[at];
		at = at + 1 == PATTERN_CHARS ? 0 : at + 1;
	}
	line[LINE_BYTES - 2] = '\r';
	line[LINE_BYTES - 1] = '\n';
	for (uint32_t i = 0; i < LINE_BYTES && i < limit; i++)
		print_char(line[i]);
}

static void cmd_id(struct guest *guest, char *argument)
{
	print("guest ");
	print(guest->name);
	print("\r\n");
}

static void cmd_pat(struct guest *guest, char *argument)
{
	uint32_t lines = number(argument);

	for (uint32_t n = 0; n < lines; n++)
		put_line(n, LINE_BYTES);
}

static void cmd_bytes(struct guest *guest, char *argument)
{
	uint32_t left = number(argument);

	for (uint32_t n = 0; left; n++) {
		put_line(n, left);
		left -= left < LINE_BYTES ? left : LINE_BYTES;
	}
}

/* A line that does not end. */
static void cmd_fill(struct guest *guest, char *argument)
{
	for (uint32_t left = number(argument); left; left--)
		print_char('x');
}

static void cmd_flood(struct guest *guest, char *argument)
{
	uint32_t n = 0;

	while (!uart_pending(&com1))
		put_line(n++, LINE_BYTES);
	console_swallow();
	print("flood ");
	print_number(n, 1);
	print(" lines\r\n");
}

/* As a memory test draws: each digit where the cursor is sent to, in rows 7 to 20, and no line
 * ends.
 */
static void cmd_cells(struct guest *guest, char *argument)
{
	uint32_t count = number(argument);

	for (uint32_t n = 0; n < count; n++) {
		print("\x1b[");
		print_number(7 + n * 5 % 14, 1);
		print(";");
		print_number(5 + n * 11 % 60, 1);
		print("H");
		print_char((char)('0' + n / 840 % 10));
	}
}

/* Every byte value, from xorshift32: what a terminal or a text filter would mangle. */
static void cmd_bin(struct guest *guest, char *argument)
{
	uint32_t left = number(argument);
	uint32_t state = 2463534242u;

	for (; left; left--) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		print_char((char)(state >> 24));
	}
	print("\r\n");
}

static void cmd_echo(struct guest *guest, char *argument)
{
	uint32_t count = 0;

	if (*argument) {
		guest->echo = same(argument, "on");
		return;
	}
	print("echo ready\r\n");
	for (;;) {
		uint8_t byte = console_get();

		if (byte == END_OF_INPUT)
			break;
		print_char((char)byte);
		count++;
	}
	print("\r\necho ");
	print_number(count, 1);
	print(" bytes\r\n");
}

static void cmd_sum(struct guest *guest, char *argument)
{
	uint32_t wanted = number(argument);
	uint64_t hash = FNV_BASIS;
	uint32_t first = 0;
	uint32_t now = 0;

	uart_bulk(&com1, true);
	print("sum ready\r\n");
	for (uint32_t count = 0; count < wanted;) {
		int byte = console_get_within(POLL_MS);

		if (byte < 0)
			continue;
		now = count++ % BYTES_PER_CLOCK ? now : clock_ms();
		if (count == 1)
			first = now;
		hash = (hash ^ (uint8_t)byte) * FNV_PRIME;
	}
	first = clock_ms() - first;
	uart_bulk(&com1, false);
	print("sum ");
	print_number(wanted, 1);
	print(" fnv=");
	print_hex64(hash);
	print(" ms=");
	print_number(first, 1);
	print("\r\n");
}

static void cmd_tick(struct guest *guest, char *argument)
{
	uint32_t interval = number(argument) * TICK_MS;
	uint32_t next = clock_ms();

	for (uint32_t n = 0; !uart_pending(&com1); n++) {
		print("tick ");
		print_number(n, LINE_DIGITS);
		print("\r\n");
		next += interval;
		while (!uart_pending(&com1) && (int32_t)(next - clock_ms()) > 0) {
			irq_off();
			clock_alarm(next - clock_ms());
			irq_on_and_halt();
		}
	}
	console_swallow();
}

/* Reads nothing, prints nothing; without a number for ever. */
static void cmd_spin(struct guest *guest, char *argument)
{
	uint32_t seconds = number(argument);

	print("spinning\r\n");
	uart_deaf(&com1, true);
	if (!seconds)
		machine_halt();
	clock_sleep(seconds * 1000);
	uart_deaf(&com1, false);
	print("back\r\n");
}

/* Reads nothing, but prints: a booting kernel. */
static void cmd_babble(struct guest *guest, char *argument)
{
	uint32_t seconds = number(argument);
	uint32_t start = clock_ms();
	uint32_t n = 0;

	uart_deaf(&com1, true);
	while (clock_ms() - start < seconds * 1000)
		put_line(n++, LINE_BYTES);
	uart_deaf(&com1, false);
	print("babble ");
	print_number(n, 1);
	print(" lines\r\n");
}

static void cmd_say(struct guest *guest, char *argument)
{
	print(argument);
	print("\r\n");
}

static void cmd_later(struct guest *guest, char *argument)
{
	char *text = cut(argument);

	clock_sleep(number(argument));
	print(text);
	print("\r\n");
}

/* What makes a terminal answer by typing: the same questions a full-screen program asks. */
static void cmd_esc(struct guest *guest, char *argument)
{
	print("esc<");
	print("\x1b[5n\x1b[6n\x1b[?6n");            /* DSR */
	print("\x1b[c\x1b[0c\x1b[>c\x1b[=c");       /* DA */
	print("\x1b]10;?\x07\x1b]11;?\x1b\\");      /* OSC: colours */
	print("\x1bP$q\"p\x1b\\\x1bP+q544e\x1b\\"); /* DECRQSS, XTGETTCAP */
	print("\x1b[x\x1b[18t\x1b[?1$p\x05\x1bZ");  /* DECREQTPARM, size, DECRQM, ENQ, DECID */
	print("\x1b[1mbold\x1b[0m>esc\r\n");        /* no question: must stay */
}

static void cmd_stat(struct guest *guest, char *argument)
{
	print("stat rx=");
	print_number(com1.stat.received, 1);
	print(" tx=");
	print_number(com1.stat.sent, 1);
	print(" overrun=");
	print_number(com1.stat.overruns, 1);
	print(" stalls=");
	print_number(com1.stat.stalls, 1);
	print(" brk=");
	print_number(com1.stat.breaks, 1);
	print("\r\n");
}

static void cmd_reboot(struct guest *guest, char *argument)
{
	print("rebooting\r\n");
	machine_reboot();
}

static void cmd_triple(struct guest *guest, char *argument)
{
	machine_triple_fault();
}

static void cmd_button(struct guest *guest, char *argument)
{
	print("waiting for the button\r\n");
	machine_await_button();
	print("pressed\r\n");
	machine_power_off();
}

static void cmd_off(struct guest *guest, char *argument)
{
	print("powering off\r\n");
	machine_power_off();
}

static void cmd_panic(struct guest *guest, char *argument)
{
	print("panic: as told\r\n");
	machine_panic();
}

static void cmd_halt(struct guest *guest, char *argument)
{
	print("halted\r\n");
	machine_halt();
}

static void cmd_help(struct guest *guest, char *argument);

static const struct command commands[] = {
	{"babble", cmd_babble},
	{"bin", cmd_bin},
	{"button", cmd_button},
	{"bytes", cmd_bytes},
	{"cells", cmd_cells},
	{"echo", cmd_echo},
	{"esc", cmd_esc},
	{"fill", cmd_fill},
	{"flood", cmd_flood},
	{"halt", cmd_halt},
	{"help", cmd_help},
	{"id", cmd_id},
	{"later", cmd_later},
	{"off", cmd_off},
	{"panic", cmd_panic},
	{"pat", cmd_pat},
	{"reboot", cmd_reboot},
	{"say", cmd_say},
	{"spin", cmd_spin},
	{"stat", cmd_stat},
	{"sum", cmd_sum},
	{"tick", cmd_tick},
	{"triple", cmd_triple},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void cmd_help(struct guest *guest, char *argument)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		print(commands[i].name);
		print(i + 1 < COMMANDS ? " " : "\r\n");
	}
}

void commands_run(struct guest *guest, char *line)
{
	char *argument;

	if (!*line)
		return;
	report("run ");
	report(line);
	report("\n");
	argument = cut(line);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (same(line, commands[i].name)) {
			commands[i].run(guest, argument);
			report("done\n");
			return;
		}
	}
	print("unknown command: ");
	print(line);
	print("\r\n");
}
