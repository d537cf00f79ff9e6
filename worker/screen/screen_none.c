/* Task: stand for screen.c in a build without libtsm. */
#include <errno.h>

#include "worker/screen/screen.h"

int screen_create(unsigned columns, unsigned rows, struct screen **out)
{
	return -ENOSYS;
}

void screen_destroy(struct screen **screen)
{
}

void screen_cut(struct screen *s)
{
}

int screen_feed(struct screen *s, const uint8_t *data, size_t len, size_t *used)
{
	return -ENOSYS;
}

int screen_look(struct screen *s, struct screen_cursor *cursor)
{
	return -ENOSYS;
}

size_t screen_row(const struct screen *s, unsigned row, char out[SCREEN_ROW_MAX])
{
	return 0;
}
