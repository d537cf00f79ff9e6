/* Task: show from inside that the sandbox holds. Owner: main. */
#include <stdio.h>

#include "core/sandbox.h"
#include "core/sandbox_probe.h"
#include "door/door.h"

/* As door_main does it. */
static int confine(void)
{
	struct sandbox_report report;

	sandbox_preload();
	return sandbox_enter(&report, NULL, NULL);
}

int door_selftest(void)
{
	const char *name;
	char text[64];
	int bad = 0;
	size_t i;

	for (i = 0; (name = sandbox_probe_name(i)); i++) {
		int r;

		fflush(stdout);
		r = sandbox_probe_run(i, confine, text, sizeof(text));
		printf("%-24s %s%s\n", name, r == 1 ? "refused: " : "FAILED: ",
			r < 0 && r != -71 ? "could not be tried" : text);
		bad += r != 1;
	}
	printf("%zu tried, %d not refused\n", i, bad);
	return bad ? 1 : 0;
}
