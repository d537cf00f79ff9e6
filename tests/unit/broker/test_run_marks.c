/* A command's output and status between marks: whole, in pieces, and with the kernel talking. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/script/run_marks.h"

#define ID "0123456789abcdef"
#define ECHO                                                                                       \
	"root@demo:~#  printf 'VMC%s" ID "\\n' B1 B2;(eval 'x')</dev/null;printf 'V\r\nMC%s" ID    \
	":%d:" ID "\\n' E $?\r\n"
#define BEGIN "VMCB1" ID "\r\nVMCB2" ID "\r\n"
#define END(n) "VMCE" ID ":" n ":" ID "\r\n"
#define KERNEL "[   12.345678] e1000: eth0 NIC Link is Up\r\n"

struct result {
	struct run_marks marks;
	char out[4096];
};

/* In pieces of that many bytes. */
static void feed(struct result *r, const char *text, size_t piece)
{
	size_t done = 0, len = strlen(text), n = 0;

	run_marks_init(&r->marks, ID);
	while (done < len) {
		size_t part = len - done < piece ? len - done : piece;

		n += run_marks_take(
			&r->marks, (const uint8_t *)text + done, part, (uint8_t *)r->out + n);
		done += part;
	}
	r->out[n] = '\0';
}

static void check(const char *text, const char *out, int status)
{
	struct result r;
	size_t piece;

	for (piece = 1; piece < 300; piece = piece * 3 + 1) {
		feed(&r, text, piece);
		assert_int_equal(r.marks.state, RUN_ENDED);
		assert_string_equal(r.out, out);
		assert_int_equal(r.marks.status, status);
	}
}

static void no_status(const char *text, enum run_state state)
{
	struct result r;
	size_t piece;

	for (piece = 1; piece < 300; piece = piece * 3 + 1) {
		feed(&r, text, piece);
		assert_int_equal(r.marks.state, state);
	}
}

static void output_and_status_are_what_stands_between_the_marks(void **state)
{
	check(ECHO BEGIN "one\r\ntwo\r\n" END("0") END("0") END("0"), "one\ntwo\n", 0);
	check(ECHO BEGIN END("7"), "", 7);
	check(ECHO BEGIN "no newline" END("255"), "no newline", 255);
	check(ECHO BEGIN "50%\r100%\r\n" END("1"), "50%\r100%\n", 1);
	check(ECHO BEGIN "VM VMC VMCE VMCE0123\r\n" END("3"), "VM VMC VMCE VMCE0123\n", 3);
	check(ECHO BEGIN "\r\r\n\r\nV" END("4"), "\r\n\nV", 4);
}

static void prompts_and_sequences_around_the_marks_do_not_matter(void **state)
{
	check("\x1b[?2004hroot# " ECHO "\x1b[?2004l\r\x1b]3008;start=1;type=command\x1b\\" BEGIN
	      "x\r\n" END("0"),
		"x\n", 0);
	check(ECHO "VMCB1" ID "\nVMCB2" ID "\nx\nVMCE" ID ":0:" ID "\n", "x\n", 0);
}

static void the_echo_is_not_taken_for_a_mark(void **state)
{
	no_status(ECHO ECHO ECHO, RUN_BEFORE);
	no_status(ECHO BEGIN ECHO, RUN_INSIDE);
}

/* A whole message, at every place of every mark. */
static void the_kernel_may_write_into_any_mark(void **state)
{
	static const char text[] = BEGIN "out\r\n" END("12") END("12") END("12");
	const size_t begin = strlen(BEGIN), out = begin + strlen("out\r\n");
	size_t at;

	for (at = 0; at <= sizeof(text) - 1; at++) {
		char with[2 * sizeof(text) + sizeof(KERNEL)]; /* as GCC counts */
		struct result r;

		snprintf(with, sizeof(with), "%.*s%s%s", (int)at, text, KERNEL, text + at);
		feed(&r, with, 7);
		assert_int_equal(r.marks.state, RUN_ENDED);
		assert_int_equal(r.marks.status, 12);
		if (at < begin)
			assert_string_equal(r.out, "out\n");
		else
			assert_non_null(strstr(r.out, at < out ? "[   12" : "out\n"));
	}
}

static void a_torn_mark_is_never_a_status(void **state)
{
	no_status(BEGIN "VMCE" ID ":" KERNEL "0:" ID "\r\n", RUN_TORN);
	no_status(BEGIN "VMCE" ID ":1" KERNEL "2:" ID "\r\n", RUN_TORN);
	no_status(BEGIN "VMCE" ID ":0" KERNEL ":" ID "\r\n", RUN_TORN);
	no_status(BEGIN "VMCE" ID ":0:0123" KERNEL "456789abcdef\r\n", RUN_TORN);
	no_status(BEGIN "VMCE" ID ":0:" ID, RUN_INSIDE);
	no_status(BEGIN "VMCE" ID ":999:" ID "\r\n", RUN_TORN);
	no_status(BEGIN "VMCE" ID "::" ID "\r\n", RUN_TORN);
	no_status(BEGIN "VMCEfedcba9876543210:0:fedcba9876543210\r\n", RUN_INSIDE);
	no_status("VMCE" ID ":0:" ID "\r\n", RUN_BEFORE);
	check(BEGIN "x\r\nVMCE" ID ":1" KERNEL "2:" ID "\r\n" END("12"), "x\n", 12);
}

static void a_command_is_one_quoted_word(void **state)
{
	struct run_marks m;
	char line[RUN_LINE_MAX + 1];
	size_t at;

	run_marks_init(&m, ID);
	assert_int_equal(run_marks_line(&m, "echo 'a b' \"!\" $x", line, &at), 0);
	assert_non_null(strstr(line, "printf 'VMC%s" ID "\\n' B1 B2;"
				     "_vmc 'echo '\\''a b'\\'' \"!\" $x'</dev/null"));
	assert_null(strstr(line, "VMCB1"));
	assert_null(strstr(line, "VMCE"));
}

static void keys_and_lines_too_long_are_refused(void **state)
{
	struct run_marks m;
	char line[RUN_LINE_MAX + 1], long_one[RUN_LINE_MAX + 1];
	size_t at;

	run_marks_init(&m, ID);
	assert_int_equal(run_marks_line(&m, "a\tb", line, &at), -EILSEQ);
	assert_int_equal(at, 1);
	assert_int_equal(run_marks_line(&m, "ab\n", line, &at), -EILSEQ);
	assert_int_equal(at, 2);
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_int_equal(run_marks_line(&m, long_one, line, &at), -E2BIG);
	long_one[3600] = '\0';
	assert_int_equal(run_marks_line(&m, long_one, line, &at), 0);
}

static void zeros_are_no_part_of_a_mark(void **state)
{
	struct run_marks m;
	uint8_t line[RUN_MARK_MAX + 1] = {0}, out[3 * RUN_MARK_MAX];
	int i;

	run_marks_init(&m, ID);
	assert_int_equal(run_marks_take(&m, (const uint8_t *)"VMCB1" ID "\r\n", 23, out), 0);
	assert_int_equal(m.state, RUN_BEGINS);
	snprintf((char *)line, sizeof(line), "VMCB2" ID);
	line[RUN_MARK_MAX] = '\n';
	for (i = 0; i < 3; i++) {
		assert_int_equal(run_marks_take(&m, line, sizeof(line), out), 0);
		assert_int_equal(m.state, RUN_BEGINS);
		assert_true(m.healed <= 21);
	}
}

/* What the line is for each shell that is installed here; its output, as the guest would print it.
 */
static void run_in(const char *shell, const char *command, const char *out, int status)
{
	char line[RUN_LINE_MAX + 1], call[128], printed[4096];
	struct result r;
	size_t at, len;
	FILE *pipe;

	run_marks_init(&r.marks, ID);
	assert_int_equal(run_marks_line(&r.marks, command, line, &at), 0);
	assert_int_equal(setenv("VMC_LINE", line, 1), 0);
	snprintf(call, sizeof(call), "exec %s -c \"$VMC_LINE\" 2>&1", shell);
	pipe = popen(call, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(pipe);
	len = fread(printed, 1, sizeof(printed) - 1, pipe);
	printed[len] = '\0';
	pclose(pipe);
	feed(&r, printed, sizeof(printed));
	if (r.marks.state != RUN_ENDED)
		fail_msg("%s: %s", shell, printed);
	assert_string_equal(r.out, out);
	assert_int_equal(r.marks.status, status);
}

static void real_shells_take_the_line(void **state)
{
	static const char *const shells[] = {"sh", "bash", "dash", "busybox ash", "zsh", "fish"};
	char call[128];

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		snprintf(call, sizeof(call), "%s -c true >/dev/null 2>&1", shells[i]);
		if (system(call) != 0) { /* NOLINT(cert-env33-c) */
			print_message("without %s, which is not here\n", shells[i]);
			continue;
		}
		run_in(shells[i], "echo one; exit 3", "one\n", 3);
		run_in(shells[i], "false", "", 1);
		run_in(shells[i], "cat", "", 0);
		run_in(shells[i], "printf '%s\\n' 'back\\slash' \"it's\"", "back\\slash\nit's\n",
			0);
		run_in(shells[i], "printf 'no newline'", "no newline", 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_shells_take_the_line),
		cmocka_unit_test(output_and_status_are_what_stands_between_the_marks),
		cmocka_unit_test(prompts_and_sequences_around_the_marks_do_not_matter),
		cmocka_unit_test(the_echo_is_not_taken_for_a_mark),
		cmocka_unit_test(the_kernel_may_write_into_any_mark),
		cmocka_unit_test(a_torn_mark_is_never_a_status),
		cmocka_unit_test(zeros_are_no_part_of_a_mark),
		cmocka_unit_test(a_command_is_one_quoted_word),
		cmocka_unit_test(keys_and_lines_too_long_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
