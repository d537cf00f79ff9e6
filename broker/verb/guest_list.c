/* Task: see guest_list.h. Owner: nobody; no state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/guest_list.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

static int by_name(const void *a, const void *b)
{
	const struct guest *x = *(struct guest *const *)a, *y = *(struct guest *const *)b;
	int r = strcmp(guest_name(x), guest_name(y));

	return r ? r : strcmp(guest_uuid_text(x), guest_uuid_text(y));
}

int guest_list(const struct login *login, struct guest ***out, size_t *out_count)
{
	struct directory *d = login_context(login)->directory;
	struct guest **list = NULL, *g;
	size_t count = 0, room = 0, cursor = 0;

	while ((g = directory_next(d, &cursor))) {
		if (!login_rights(login, g))
			continue;
		if (count == room) {
			struct guest **more;

			room = room ? room * 2 : 64;
			more = realloc(list, room * sizeof(struct guest *));
			if (!more) {
				free(list);
				return -ENOMEM;
			}
			list = more;
		}
		list[count++] = g;
	}
	if (count)
		qsort(list, count, sizeof(struct guest *), by_name);
	*out = list;
	*out_count = count;
	return 0;
}
