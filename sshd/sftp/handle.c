/* Task: the table of open handles. Owner: the server. */
#include <stdlib.h>
#include <string.h>

#include "sshd/sftp/server.h"

struct handle *handle_create(struct sftpd *s, const char *path)
{
	struct handle *h;
	unsigned slot = 0;

	while (slot < SFTPD_HANDLES_MAX && s->handles[slot])
		slot++;
	if (slot == SFTPD_HANDLES_MAX)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->path = strdup(path);
	if (!h->path) {
		free(h);
		return NULL;
	}
	h->slot = slot;
	h->serial = ++s->last_serial;
	TAILQ_INIT(&h->queue);
	buf_init(&h->entries, ENTRIES_MAX);
	s->handles[slot] = h;
	return h;
}

struct handle *handle_find(struct sftpd *s, const uint8_t *name, size_t len)
{
	struct unpack in = {.at = name, .left = len};
	uint32_t slot = unpack_u32(&in), serial = unpack_u32(&in);
	struct handle *h;

	if (in.bad || in.left > 0 || slot >= SFTPD_HANDLES_MAX)
		return NULL;
	h = s->handles[slot];
	return h && h->serial == serial && h->state != HANDLE_OPENING && !h->closing ? h : NULL;
}

void handle_destroy(struct sftpd *s, struct handle *h)
{
	if (h->state == HANDLE_FILE)
		s->config.tree->close(s->config.tree_arg, h->file_number, &h->taken);
	s->handles[h->slot] = NULL;
	tree_file_destroy(&h->file);
	buf_finish(&h->entries);
	free(h->path);
	free(h);
}
