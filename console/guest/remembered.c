/*
 * Task: keep the list of seen guests on disk. Owner: the directory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "console/guest/remembered.h"
#include "core/file/state_file.h"

#define FILE_MAX ((size_t)8 << 20)

struct remembered {
	struct directory *directory;
	struct state_file *file;
};

/* Of one load. */
struct reading {
	remembered_fn fn;
	void *arg;
	uint64_t oldest;
};

static uint64_t oldest_seen(void)
{
	return (uint64_t)time(NULL) - DIRECTORY_REMEMBER_SECONDS;
}

static void render(void *arg, FILE *f)
{
	struct remembered *r = arg;
	uint64_t oldest = oldest_seen();
	size_t cursor = 0, count = 0;
	struct guest *g;

	fputs("# vmconsoled: guests that were seen. UUID, last seen, slot, name\n", f);
	while ((g = directory_next(r->directory, &cursor)) && count < DIRECTORY_REMEMBERED_MAX) {
		const struct devices *devices = guest_devices(g);
		char slot[DEVICE_SLOT_MAX] = "serial:0";

		if (guest_last_seen(g) < oldest)
			continue;
		if (devices->main < devices->count)
			device_slot(&devices->list[devices->main], slot);
		fprintf(f, "%s %" PRIu64 " %s ", guest_uuid_text(g), guest_last_seen(g), slot);
		state_file_put_name(f, guest_name(g));
		fputc('\n', f);
		count++;
	}
}

void remembered_changed(struct remembered *r)
{
	state_file_changed(r->file);
}

static int load_line(void *arg, char *line)
{
	const struct reading *reading = arg;
	char uuid_word[UUID_TEXT], slot[DEVICE_SLOT_MAX];
	uint64_t seen;
	struct uuid uuid;
	int at = 0;

	if (sscanf(line, "%36s %" SCNu64 " %23s %n", uuid_word, &seen, slot, &at) != 3 || !at)
		return -EBADMSG;
	if (uuid_parse(uuid_word, &uuid) < 0 || strlen(line + at) >= (size_t)LOCATION_NAME_MAX * 3)
		return -EBADMSG;
	state_file_get_name(line + at);
	if (seen >= reading->oldest)
		reading->fn(reading->arg, &uuid, line + at, seen, slot);
	return 0;
}

void remembered_load(struct remembered *r, remembered_fn fn, void *arg)
{
	struct reading reading = {fn, arg, oldest_seen()};

	state_file_load(r->file, load_line, &reading);
}

int remembered_create(
	struct loop *loop, const char *state_dir, struct directory *d, struct remembered **out)
{
	struct remembered *r = calloc(1, sizeof(*r));
	const struct state_file_options options = {.loop = loop,
		.folder = state_dir,
		.name = "guests",
		.thread = "files",
		.max = FILE_MAX,
		.render = render,
		.arg = r};
	int error;

	if (!r)
		return -ENOMEM;
	r->directory = d;
	error = state_file_create(&options, &r->file);
	if (error) {
		free(r);
		return error;
	}
	*out = r;
	return 0;
}

void remembered_destroy(struct remembered **out)
{
	struct remembered *r = *out;

	if (!r)
		return;
	*out = NULL;
	state_file_destroy(&r->file);
	free(r);
}
