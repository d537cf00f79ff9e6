/* Task: the line of `ls -l`. Month names are English whatever the locale: they are read by
 * programs. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sshd/sftp/longname.h"

#define HALF_A_YEAR (INT64_C(365) * 24 * 60 * 60 / 2)
#define DATE_MAX 32

static char type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	default:
		return '-';
	}
}

static void format_mode(uint32_t mode, char out[11])
{
	static const char letters[] = "rwxrwxrwx";
	unsigned i;

	out[0] = type_letter(mode);
	memcpy(out + 1, "---------", 10);
	for (i = 0; i < 9; i++)
		if (mode & (0400U >> i))
			out[1 + i] = letters[i];
}

static void format_date(int64_t when, int64_t now, char out[DATE_MAX])
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t time = (time_t)when;
	struct tm tm = {.tm_mday = 1, .tm_year = 70};

	localtime_r(&time, &tm);
	if (when <= now && when > now - HALF_A_YEAR)
		snprintf(out, DATE_MAX, "%s %2d %02d:%02d", months[tm.tm_mon % 12], tm.tm_mday,
			tm.tm_hour, tm.tm_min);
	else
		snprintf(out, DATE_MAX, "%s %2d  %4ld", months[tm.tm_mon % 12], tm.tm_mday,
			tm.tm_year + 1900L);
}

static void format_owner(const char *name, uint32_t id, char out[TREE_OWNER_MAX + 1])
{
	if (name && *name)
		snprintf(out, TREE_OWNER_MAX + 1, "%s", name);
	else
		snprintf(out, TREE_OWNER_MAX + 1, "%u", id);
}

size_t longname_format(const struct tree_entry *e, int64_t now, char *out, size_t room)
{
	char mode[11], date[DATE_MAX], owner[TREE_OWNER_MAX + 1], group[TREE_OWNER_MAX + 1];
	int n;

	format_mode(e->attr.mode, mode);
	format_date(e->attr.mtime, now, date);
	format_owner(e->owner, e->attr.uid, owner);
	format_owner(e->group, e->attr.gid, group);
	n = snprintf(out, room, "%s    1 %-8s %-8s %12llu %s %s", mode, owner, group,
		(unsigned long long)e->attr.size, date, e->name);
	return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}
