/* Task: say which requests there are. The permission is a column: what writes is refused. */
#include <string.h>

#include "sshd/sftp/server.h"

#define PATH_REPLY (STATUS_MAX + 2 * TREE_PATH_MAX)
#define RANGES_REPLY (STATUS_MAX + TREE_RANGES_MAX * 16)
/* A length for every id that fits into a request, and names for some. */
#define IDS_REPLY (STATUS_MAX + SFTPD_REQUEST_MAX + SFTPD_IDS_MAX * TREE_OWNER_MAX)

#define READS(number, name, subject, reply, parse, start, answer)                                  \
	{SFTP_##number, NULL, name, subject, false, false, reply, parse, start, answer}
#define WRITES(number, name, subject)                                                              \
	{SFTP_##number, NULL, name, subject, true, false, 0, NULL, NULL, NULL}
#define EXTENSION(name, subject, reply, parse, start, answer)                                      \
	{SFTP_EXTENDED, name, name, subject, false, false, reply, parse, start, answer}
#define EXTENSION_WRITES(name, subject)                                                            \
	{SFTP_EXTENDED, name, name, subject, true, false, 0, NULL, NULL, NULL}

static enum request_step limits_start(struct sftpd *s, struct request *r);
static enum sftp_status home_parse(struct sftpd *s, struct request *r, struct unpack *in);

static const struct request_row rows[] = {
	READS(OPEN, "open", ON_PATH, STATUS_MAX, open_parse, open_start, open_answer),
	READS(CLOSE, "close", ON_HANDLE, STATUS_MAX, NULL, close_start, NULL),
	READS(READ, "read", ON_HANDLE, STATUS_MAX, read_parse, read_start, read_answer),
	WRITES(WRITE, "write", ON_HANDLE),
	READS(LSTAT, "lstat", ON_PATH, STATUS_MAX, NULL, lstat_start, stat_answer),
	READS(FSTAT, "fstat", ON_HANDLE, STATUS_MAX, NULL, fstat_start, NULL),
	WRITES(SETSTAT, "setstat", ON_PATH),
	WRITES(FSETSTAT, "fsetstat", ON_HANDLE),
	READS(OPENDIR, "opendir", ON_PATH, STATUS_MAX, NULL, opendir_start, opendir_answer),
	READS(READDIR, "readdir", ON_HANDLE, SFTPD_NAMES_MAX, NULL, readdir_start, readdir_answer),
	READS(REMOVE, "remove", ON_PATH, STATUS_MAX, remove_parse, remove_start, remove_answer),
	WRITES(MKDIR, "mkdir", ON_PATH),
	WRITES(RMDIR, "rmdir", ON_PATH),
	READS(REALPATH, "realpath", ON_PATH, PATH_REPLY, NULL, realpath_start, NULL),
	READS(STAT, "stat", ON_PATH, STATUS_MAX, NULL, stat_start, stat_answer),
	WRITES(RENAME, "rename", ON_PATH),
	READS(READLINK, "readlink", ON_PATH, PATH_REPLY, NULL, readlink_start, readlink_answer),
	WRITES(SYMLINK, "symlink", ON_PATH),

	EXTENSION("limits@openssh.com", ON_NOTHING, STATUS_MAX, NULL, limits_start, NULL),
	EXTENSION("statvfs@openssh.com", ON_PATH, STATUS_MAX, NULL, statvfs_start, statvfs_answer),
	EXTENSION("fstatvfs@openssh.com", ON_HANDLE, STATUS_MAX, NULL, fstatvfs_start,
		statvfs_answer),
	EXTENSION("home-directory", ON_NOTHING, PATH_REPLY, home_parse, realpath_start, NULL),
	{SFTP_EXTENDED, "expand-path@openssh.com", "expand-path", ON_PATH, false, true, PATH_REPLY,
		NULL, realpath_start, NULL},
	EXTENSION("users-groups-by-id@openssh.com", ON_NOTHING, IDS_REPLY, ids_parse, ids_start,
		ids_answer),
	EXTENSION("ranges@asyncssh.com", ON_HANDLE, RANGES_REPLY, ranges_parse, ranges_start, NULL),
	/* Not announced; some ask all the same. */
	EXTENSION_WRITES("posix-rename@openssh.com", ON_PATH),
	EXTENSION_WRITES("hardlink@openssh.com", ON_PATH),
	EXTENSION_WRITES("lsetstat@openssh.com", ON_PATH),
	EXTENSION_WRITES("fsync@openssh.com", ON_HANDLE),
	EXTENSION_WRITES("copy-data", ON_HANDLE),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct request_row *row_of_type(uint8_t type)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (rows[i].type == type && !rows[i].extension)
			return &rows[i];
	return NULL;
}

const struct request_row *row_of_extension(const uint8_t *name, size_t len)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		const char *extension = rows[i].extension;

		if (extension && strlen(extension) == len && memcmp(extension, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

void row_pack_extensions(struct pack *p)
{
	static const char *const announced[][2] = {
		{"limits@openssh.com", "1"},
		{"statvfs@openssh.com", "2"},
		{"fstatvfs@openssh.com", "2"},
		{"home-directory", "1"},
		{"expand-path@openssh.com", "1"},
		{"users-groups-by-id@openssh.com", "1"},
		{"ranges@asyncssh.com", "1"},
	};
	size_t i;

	for (i = 0; i < sizeof(announced) / sizeof(announced[0]); i++) {
		pack_text(p, announced[i][0]);
		pack_text(p, announced[i][1]);
	}
}

/* --- requests on nothing --- */

static enum request_step limits_start(struct sftpd *s, struct request *r)
{
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_EXTENDED_REPLY, r->id);

	pack_u64(&p, SFTPD_PACKET_MAX);
	pack_u64(&p, SFTPD_READ_MAX);
	pack_u64(&p, SFTPD_READ_MAX); /* of a WRITE, which is refused whatever its length */
	pack_u64(&p, SFTPD_HANDLES_MAX);
	reply_end(s, &p);
	return STEP_DONE;
}

static enum sftp_status home_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	const char *user = s->config.user;
	const uint8_t *name;
	size_t len;

	name = unpack_string(in, &len);
	if (len > 0 && !(user && strlen(user) == len && memcmp(user, name, len) == 0))
		return SFTP_NO_SUCH_FILE;
	return SFTP_OK; /* realpath_start says it */
}
