/*
 * Task: libvterm as a terminal, for test_replay_terminals.py.
 *
 * The input is any number of frames, each a line "SCREEN LENGTH" or "EVENTS LENGTH" and that many
 * bytes for a fresh terminal of 80 columns and 24 rows. The answer is a line "LENGTH" and that many
 * bytes:
 *
 * SCREEN  a line with what the terminal typed, in hexadecimal; one with the place of the cursor;
 *         then each row: its text and, for each change of it, the attributes.
 * EVENTS  what libvterm's parser took the bytes for: text and control characters as they are (but
 *         ESC, which it never gives), sequences between ESC and DEL: "[" a CSI, "e" another one,
 * "s" a string.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#define ROWS 24
#define COLUMNS 80
#define FRAME_MAX ((size_t)4 << 20)

static void put_color(FILE *out, const VTermColor *color)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(color) || VTERM_COLOR_IS_DEFAULT_BG(color))
		fputc('-', out);
	else if (VTERM_COLOR_IS_INDEXED(color))
		fprintf(out, "%d", color->indexed.idx);
	else
		fprintf(out, "#%02x%02x%02x", color->rgb.red, color->rgb.green, color->rgb.blue);
}

static void put_attributes(FILE *out, const VTermScreenCell *cell)
{
	const VTermScreenCellAttrs *a = &cell->attrs;

	fprintf(out, "\x1b%d%d%d%d%d%d%d,", a->bold, a->underline, a->italic, a->blink, a->reverse,
		a->strike, a->font);
	put_color(out, &cell->fg);
	fputc(',', out);
	put_color(out, &cell->bg);
	fputc(';', out);
}

static void put_utf8(FILE *out, uint32_t c)
{
	if (c < 0x80)
		fputc((int)c, out);
	else if (c < 0x800)
		fprintf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else if (c < 0x10000)
		fprintf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
			(int)(0x80 | (c & 0x3f)));
	else
		fputc('?', out);
}

static bool same_attributes(const VTermScreenCell *a, const VTermScreenCell *b)
{
	return a->attrs.bold == b->attrs.bold && a->attrs.underline == b->attrs.underline &&
	       a->attrs.italic == b->attrs.italic && a->attrs.blink == b->attrs.blink &&
	       a->attrs.reverse == b->attrs.reverse && a->attrs.strike == b->attrs.strike &&
	       a->attrs.font == b->attrs.font && vterm_color_is_equal(&a->fg, &b->fg) &&
	       vterm_color_is_equal(&a->bg, &b->bg);
}

static void put_row(FILE *out, VTermScreen *screen, int row)
{
	VTermScreenCell before = {0}, cell;

	for (int column = 0; column < COLUMNS; column++) {
		VTermPos at = {row, column};

		vterm_screen_get_cell(screen, at, &cell);
		if (cell.chars[0] == (uint32_t)-1)
			continue; /* the second half of a wide character */
		if (column == 0 || !same_attributes(&before, &cell))
			put_attributes(out, &cell);
		before = cell;
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++)
			put_utf8(out, cell.chars[i]);
		if (!cell.chars[0])
			fputc(' ', out);
	}
	fputc('\n', out);
}

static void on_output(const char *p, size_t len, void *arg)
{
	for (size_t i = 0; i < len; i++)
		fprintf(arg, "%02x", (unsigned char)p[i]);
}

static void put_screen(FILE *out, VTerm *vt, const char *bytes, size_t len)
{
	VTermScreen *screen = vterm_obtain_screen(vt);
	VTermPos cursor;

	vterm_screen_enable_altscreen(screen, 1);
	vterm_screen_reset(screen, 1);
	vterm_output_set_callback(vt, on_output, out);
	vterm_input_write(vt, bytes, len);
	vterm_state_get_cursorpos(vterm_obtain_state(vt), &cursor);
	fprintf(out, "\n%d,%d\n", cursor.col, cursor.row);
	for (int row = 0; row < ROWS; row++)
		put_row(out, screen, row);
}

/* Is given all that is left, and takes what is text. */
static int on_text(const char *bytes, size_t len, void *out)
{
	size_t n = 0;

	while (n < len && (unsigned char)bytes[n] >= 0x20 && bytes[n] != 0x7f)
		n++;
	fwrite(bytes, 1, n, out);
	return (int)n;
}

static int on_control(unsigned char control, void *out)
{
	fputc(control, out);
	return 1;
}

static int on_escape(const char *bytes, size_t len, void *out)
{
	fprintf(out,
		"\x1b"
		"e%.*s\x7f",
		(int)len, bytes);
	return (int)len;
}

static int on_csi(const char *leader, const long args[], int count, const char *intermediate,
	char command, void *out)
{
	fprintf(out, "\x1b[%s", leader ? leader : "");
	for (int i = 0; i < count; i++) {
		if (!CSI_ARG_IS_MISSING(args[i]))
			fprintf(out, "%ld", CSI_ARG(args[i]));
		if (i < count - 1)
			fputc(CSI_ARG_HAS_MORE(args[i]) ? ':' : ';', out);
	}
	fprintf(out, "%s%c\x7f", intermediate ? intermediate : "", command);
	return 1;
}

static int put_string(void *out)
{
	fprintf(out, "\x1bs\x7f");
	return 1;
}

/* libvterm 0.1 gives a string as a whole, later ones in fragments. */
#if VTERM_VERSION_MAJOR > 0 || VTERM_VERSION_MINOR >= 2
static int on_osc(int command, VTermStringFragment fragment, void *out)
{
	(void)command;
	return fragment.initial ? put_string(out) : 1;
}

static int on_dcs(const char *command, size_t len, VTermStringFragment fragment, void *out)
{
	(void)command;
	(void)len;
	return fragment.initial ? put_string(out) : 1;
}

#else
static int on_osc(const char *command, size_t len, void *out)
{
	(void)command;
	(void)len;
	return put_string(out);
}

#define on_dcs on_osc
#endif

static void put_events(FILE *out, VTerm *vt, const char *bytes, size_t len)
{
	static const VTermParserCallbacks callbacks = {.text = on_text,
		.control = on_control,
		.escape = on_escape,
		.csi = on_csi,
		.osc = on_osc,
		.dcs = on_dcs};

	vterm_parser_set_callbacks(vt, &callbacks, out);
	vterm_input_write(vt, bytes, len);
}

static int show(const char *what, const char *bytes, size_t len)
{
	char *answer;
	size_t size;
	FILE *out = open_memstream(&answer, &size);
	VTerm *vt = vterm_new(ROWS, COLUMNS);

	if (!out || !vt)
		return 1;
	vterm_set_utf8(vt, 1);
	if (strcmp(what, "SCREEN") == 0)
		put_screen(out, vt, bytes, len);
	else
		put_events(out, vt, bytes, len);
	vterm_free(vt);
	fclose(out);
	printf("%zu\n", size);
	fwrite(answer, 1, size, stdout);
	fflush(stdout);
	free(answer);
	return 0;
}

int main(void)
{
	static char bytes[FRAME_MAX];
	char what[8];
	size_t len;

	while (scanf("%7s %zu", what, &len) == 2) {
		if (getchar() != '\n' || len > sizeof(bytes) || fread(bytes, 1, len, stdin) != len)
			return 65;
		if (show(what, bytes, len))
			return 70;
	}
	return 0;
}
