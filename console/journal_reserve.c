/*
 * The reservation of offsets: one line in one file.
 *
 * Owner: the journal that embeds it. May not know what is stored at an offset.
 */
#include "console/journal_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/io.h"

#define BOOT_ID_LEN 36

/* Names this boot of the host: after another one, the page cache of before is gone. */
static void boot_id(char id[BOOT_ID_LEN + 1])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, BOOT_ID_LEN);

	if (n != BOOT_ID_LEN || strspn(id, "0123456789abcdef-") < BOOT_ID_LEN)
		memset(id, '-', BOOT_ID_LEN);
	id[BOOT_ID_LEN] = '\0';
	if (fd >= 0)
		close(fd);
}

static uint64_t clock_number(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec << 20;
}

/* One write in place of a few bytes inside one block: torn neither by kill -9 nor by a full disk.
 * Not waited for on the disk: what a power cut takes back is covered by JOURNAL_LAST_LOST, since
 * a step is reserved long before its last number is used. */
static int store(const struct journal_reserve *r, uint64_t next, char state)
{
	char line[JOURNAL_RESERVE_LINE + 1], id[BOOT_ID_LEN + 1];

	boot_id(id);
	int len = snprintf(line, sizeof(line), "vmconsoled-offset 1 %020" PRIu64 " %s boot=%s\n", next,
		state == 'c' ? "closed" : "opened", id);
	if (len != JOURNAL_RESERVE_LINE)
		return -EIO;
	int fd = open(r->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ssize_t n = pwrite(fd, line, (size_t)len, 0);
	int err = n == len ? 0 : n < 0 ? -errno : -ENOSPC;

	close(fd);
	return err;
}
