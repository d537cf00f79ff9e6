/* Task: keep the terminal's settings. Owner: the process. */
#include <errno.h>
#include <sys/ioctl.h>
#include <stdbool.h>
#include <unistd.h>

#include "ctl/terminal.h"

bool terminal_is_here(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int terminal_init(struct terminal *t)
{
	terminal_none(t);
	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -errno;
	t->fd = STDIN_FILENO;
	return 0;
}

void terminal_none(struct terminal *t)
{
	t->fd = -1;
	t->raw = 0;
}

void terminal_enter_raw(struct terminal *t)
{
	struct termios raw;

	if (t->fd < 0)
		return;
	raw = t->before;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	t->raw = tcsetattr(t->fd, TCSADRAIN, &raw) == 0;
}

void terminal_leave_raw(struct terminal *t)
{
	if (t->fd < 0 || !t->raw)
		return;
	/* Now, not after the output has drained: a stopped terminal must not hold us. */
	(void)tcsetattr(t->fd, TCSANOW, &t->before);
	t->raw = 0;
}

struct terminal_size terminal_size(const struct terminal *t)
{
	struct winsize size = {0};

	if (t->fd >= 0)
		(void)ioctl(t->fd, TIOCGWINSZ, &size);
	return (struct terminal_size){size.ws_col, size.ws_row};
}
