/*
 * The line that `ls -l` would print for a file. Some clients (FileZilla, Go's pkg/sftp) read it,
 * by columns: so these are always there, and always apart. Pure, but for the time zone.
 */
#ifndef SSHD_SFTP_LONGNAME_H
#define SSHD_SFTP_LONGNAME_H

#include "sshd/sftp/tree.h"

#define LONGNAME_MAX (TREE_NAME_MAX + 2 * TREE_OWNER_MAX + 96)

/* Cut to room, terminated. now: seconds since 1970; decides between time of day and year. */
size_t longname_format(const struct tree_entry *e, int64_t now, char *out, size_t room);

#endif
