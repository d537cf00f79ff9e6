/* Runs a server of files on standard input and output, for tests. */
#ifndef TESTS_SERVE_PUMP_H
#define TESTS_SERVE_PUMP_H

#include <stdbool.h>

#include "core/loop.h"

/* The functions that both servers have; the argument is the server. */
struct pump_server {
	void *server;
	size_t (*input)(void *server, const void *data, size_t len);
	bool (*wants_input)(const void *server);
	void (*input_ends)(void *server);
	size_t (*output)(const void *server, const uint8_t **data);
	void (*sent)(void *server, size_t len);
	bool (*finished)(const void *server);
};

struct pump;

/* NULL: standard input or output cannot be waited for. */
struct pump *pump_create(struct loop *loop, const struct pump_server *server);
void pump_destroy(struct pump **out);

/* Something has changed: moves bytes; ends the loop, with 0, when the server has finished. */
void pump_move(void *arg);

#endif
