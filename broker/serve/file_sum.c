/* Task: see file_sum.h. Owner: nobody; no state. */
#include <stdio.h>

#include "broker/serve/file_sum.h"
#include "broker/sidecar/sidecars.h"
#include "core/io.h"
#include "core/file/memory_file.h"

size_t file_sum_text(const struct sidecars *sidecars, const struct dump_file *f, const char *name,
	char out[FILE_SUM_MAX])
{
	const struct sidecar *c = sidecars_find(sidecars, f);

	if (!c || !*c->sum.sha256)
		return 0;
	return (size_t)snprintf(out, FILE_SUM_MAX, "%s  %s\n", c->sum.sha256, name);
}

int file_sum_open(const char *text, size_t len)
{
	int fd = memory_file_create("sha256"), r;

	if (fd < 0)
		return fd;
	r = write_all(fd, text, len);
	if (!r)
		r = memory_file_seal(fd);
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}
