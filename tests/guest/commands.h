/* The commands of the prompt; README.md lists them. */
#ifndef GUEST_COMMANDS_H
#define GUEST_COMMANDS_H

#include <stdbool.h>

struct guest {
	const char *name;
	bool echo;
};

/* line is cut up in place. */
void commands_run(struct guest *guest, char *line);

#endif
