/* Task: see top_show.h. Owner: the verb top; no state. */
#include <inttypes.h>
#include <string.h>

#include "broker/metrics/top_sample.h"
#include "broker/metrics/top_show.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"
#include "core/text/escape.h"

#define ROWS_UNKNOWN 24 /* of a window that does not say */
#define COLUMNS_UNKNOWN 80
#define NAME_WIDTH 20
#define DEVICE_WIDTH 10
#define SIZE_TEXT 8
#define LAG_SEEN ((uint64_t)64 << 10) /* from here on it is shown in colour */
#define CLEAR_REST "\033[K"

struct page {
	FILE *out;
	bool on_screen;
	unsigned rows, columns; /* what is left; of a line. Not on a screen: no limit */
	unsigned column;
};

/* --- a line --- */

static bool is_start(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

/* A text in a field of so many characters (0: as it is). On a screen what does not fit is cut. */
static void put(struct page *p, const char *text, unsigned width)
{
	unsigned done = 0;

	for (; *text; text++) {
		if (is_start(*text)) {
			if (p->on_screen && ((width && done == width) || p->column == p->columns))
				break;
			done++;
			p->column++;
		}
		fputc(*text, p->out);
	}
	for (; done < width && !(p->on_screen && p->column == p->columns); done++, p->column++)
		fputc(' ', p->out);
}

static void style(const struct page *p, const char *codes)
{
	if (p->on_screen)
		fprintf(p->out, "\033[%sm", codes);
}

static bool has_room(const struct page *p)
{
	return !p->on_screen || p->rows > 1;
}

static void end_line(struct page *p)
{
	fputs(p->on_screen ? CLEAR_REST "\r\n" : "\n", p->out);
	p->column = 0;
	p->rows--;
}

static void heading(struct page *p, const char *text)
{
	if (!has_room(p))
		return;
	style(p, "7");
	put(p, text, p->on_screen ? p->columns : 0);
	style(p, "");
	end_line(p);
}

/* --- fields --- */

/* In at most five characters: "999", "1.2K", "12K", "123M". */
static const char *size_text(uint64_t size, char out[SIZE_TEXT])
{
	static const char units[] = "KMGTPE";
	unsigned unit = 0;

	if (size < 1000) {
		snprintf(out, SIZE_TEXT, "%u", (unsigned)size);
		return out;
	}
	for (; size >= 1000000; size /= 1000)
		unit++;
	if (size < 10000)
		snprintf(out, SIZE_TEXT, "%u.%u%c", (unsigned)(size / 1000),
			(unsigned)(size / 100 % 10), units[unit]);
	else
		snprintf(out, SIZE_TEXT, "%u%c", (unsigned)(size / 1000), units[unit]);
	return out;
}

static void put_size(struct page *p, uint64_t size)
{
	char text[SIZE_TEXT], field[SIZE_TEXT + 8];

	snprintf(field, sizeof(field), "%7s ", size_text(size, text));
	put(p, field, 0);
}

static void put_lag(struct page *p, uint64_t lag)
{
	if (lag >= LAG_SEEN)
		style(p, "1;33");
	put_size(p, lag);
	if (lag >= LAG_SEEN)
		style(p, "");
}

static void put_foreign(struct page *p, const char *text, unsigned width)
{
	char shown[ESCAPE_ROOM(512)];

	escape_text(text, strlen(text), shown, sizeof(shown));
	put(p, shown, width);
	put(p, " ", 0);
}

static const char *guest_of(const struct top_row *row)
{
	return row->console ? guest_name(console_guest(row->console)) : "-";
}

/* --- rows --- */

static void console_row(struct page *p, const struct top_row *row)
{
	char who[KEYBOARD_TEXT_MAX], viewers[16];

	put_foreign(p, guest_of(row), NAME_WIDTH);
	put_foreign(p, console_device_name(row->console), DEVICE_WIDTH);
	put_size(p, row->down_rate);
	put_size(p, row->up_rate);
	snprintf(viewers, sizeof(viewers), "%7zu ", console_viewer_count(row->console));
	put(p, viewers, 0);
	put_lag(p, row->lag);
	put_foreign(p, console_keyboard_text(row->console, who), 0);
	end_line(p);
}

static void session_row(struct page *p, const struct top_row *row)
{
	put(p, row->key, DEVICE_WIDTH);
	put(p, " ", 0);
	put_foreign(p, channel_trail(row->channel)->verb, DEVICE_WIDTH);
	put_foreign(p, guest_of(row), NAME_WIDTH);
	put_size(p, row->down_rate);
	put_size(p, row->up_rate);
	put_lag(p, row->lag);
	put(p, login_who(row->login), 0);
	put(p, " from ", 0);
	put(p, login_address(row->login), 0);
	end_line(p);
}

static void list(struct page *p, const struct top_list *rows,
	void (*show)(struct page *p, const struct top_row *row))
{
	for (size_t i = 0; i < rows->count && i < TOP_ROWS_MAX && has_room(p); i++)
		show(p, &rows->rows[i]);
}

static void total(struct page *p, const struct top_sample *s)
{
	char text[160], printed[SIZE_TEXT], sent[SIZE_TEXT];
	uint64_t output = 0, out = 0;

	for (size_t i = 0; i < s->consoles.count; i++)
		output += s->consoles.rows[i].down_rate;
	for (size_t i = 0; i < s->sessions.count; i++)
		out += s->sessions.rows[i].down_rate;
	snprintf(text, sizeof(text),
		"%zu consoles, guests print %s/s; %zu sessions, clients are sent %s/s",
		s->consoles.count, size_text(output, printed), s->sessions.count,
		size_text(out, sent));
	put(p, text, 0);
	end_line(p);
}

void top_show(FILE *out, const struct top_sample *s, bool on_screen, struct channel_window window)
{
	struct page p = {.out = out,
		.on_screen = on_screen,
		.rows = window.rows ? window.rows : ROWS_UNKNOWN,
		.columns = window.columns ? window.columns : COLUMNS_UNKNOWN};

	if (on_screen)
		fputs("\033[H", out);
	total(&p, s);
	heading(&p, "VM                   DEVICE       OUT/s    IN/s VIEWERS     LAG KEYBOARD");
	list(&p, &s->consoles, console_row);
	heading(&p, "SESSION    VERB       VM                    SENT/s  RECV/s     LAG WHO");
	list(&p, &s->sessions, session_row);
	if (on_screen)
		fputs("\033[J", out);
}

/* --- JSON --- */

static json_t *console_json(const struct top_row *row)
{
	const struct console *c = row->console;
	char who[KEYBOARD_TEXT_MAX];

	return json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "vm",
		json_foreign(guest_of(row)), "uuid", guest_uuid_text(console_guest(c)), "device",
		json_foreign(console_device_name(c)), "viewers",
		(json_int_t)console_viewer_count(c), "output", (json_int_t)row->down, "input",
		(json_int_t)row->up, "output_per_second", (json_int_t)row->down_rate,
		"input_per_second", (json_int_t)row->up_rate, "lag", (json_int_t)row->lag,
		"keyboard", json_foreign(console_keyboard_text(c, who)));
}

static json_t *session_json(const struct top_row *row)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:s}", "session", row->key,
		"verb", channel_trail(row->channel)->verb, "vm",
		row->console ? json_foreign(guest_of(row)) : json_null(), "sent",
		(json_int_t)row->down, "received", (json_int_t)row->up, "sent_per_second",
		(json_int_t)row->down_rate, "received_per_second", (json_int_t)row->up_rate, "lag",
		row->console ? json_integer((json_int_t)row->lag) : json_null(), "identity",
		json_foreign(login_who(row->login)), "address", login_address(row->login));
}

static json_t *list_json(const struct top_list *rows, json_t *(*of)(const struct top_row *row))
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->count && i < TOP_ROWS_MAX; i++)
		json_array_append_new(array, of(&rows->rows[i]));
	return array;
}

json_t *top_json(const struct top_sample *s)
{
	return json_pack("{s:o, s:o}", "consoles", list_json(&s->consoles, console_json),
		"sessions", list_json(&s->sessions, session_json));
}
