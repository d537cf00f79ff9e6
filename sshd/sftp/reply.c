/* Task: the server's packets. Owner: the server. Room was kept for each of them before. */
#include <errno.h>
#include <string.h>

#include "sshd/sftp/server.h"

#define SPACE_BLOCK 4096 /* bytes of a block where there is no room: none has to be known */

void reply_fail(struct sftpd *s, const char *why)
{
	if (s->state == SFTPD_FAILED)
		return;
	s->state = SFTPD_FAILED;
	s->failure = why;
	buf_finish(&s->in);
	buf_finish(&s->out);
}

struct pack reply_begin(struct sftpd *s, size_t max, uint8_t type, uint32_t id)
{
	uint8_t *at = buf_space(&s->out, max);
	struct pack p = {.at = at, .end = at ? at + max : NULL};

	pack_u32(&p, 0);
	pack_u8(&p, type);
	pack_u32(&p, id);
	return p;
}

void reply_end(struct sftpd *s, const struct pack *p)
{
	uint8_t *begin = buf_end(&s->out);
	size_t len;

	if (p->bad)
		reply_fail(s, "out of memory");
	if (s->state == SFTPD_FAILED)
		return; /* the client is not talked to any more */
	len = (size_t)(p->at - begin);
	pack_at(begin, (uint32_t)(len - sizeof(uint32_t)));
	buf_grow(&s->out, len);
}

static const char *status_text(enum sftp_status status)
{
	switch (status) {
	case SFTP_OK:
		return "Success";
	case SFTP_EOF:
		return "End of file";
	case SFTP_NO_SUCH_FILE:
		return "No such file";
	case SFTP_PERMISSION_DENIED:
		return "Permission denied";
	case SFTP_FAILURE:
		return "Failure";
	case SFTP_BAD_MESSAGE:
		return "Bad message";
	case SFTP_NO_CONNECTION:
		return "No connection";
	case SFTP_CONNECTION_LOST:
		return "Connection lost";
	case SFTP_OP_UNSUPPORTED:
		return "Operation unsupported";
	}
	return "";
}

void reply_status(struct sftpd *s, uint32_t id, enum sftp_status status, const char *text)
{
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_STATUS, id);

	if (!text)
		text = status_text(status);
	pack_u32(&p, status);
	pack_string(&p, text, strnlen(text, STATUS_TEXT_MAX));
	pack_text(&p, ""); /* of no particular language */
	reply_end(s, &p);
}

static enum sftp_status status_of(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case EILSEQ:
		return SFTP_NO_SUCH_FILE;
	case EPERM:
	case EACCES:
	case EROFS:
		return SFTP_PERMISSION_DENIED;
	case ENOSYS:
	case EOPNOTSUPP:
		return SFTP_OP_UNSUPPORTED;
	default:
		return SFTP_FAILURE;
	}
}

/* For those that a status alone does not explain. */
static const char *error_text(int error)
{
	switch (-error) {
	case EBADF:
		return "Invalid handle";
	case EISDIR:
		return "Is a directory";
	case ENODATA:
		return "The file became shorter while it was read";
	case EIO:
		return "Input/output error";
	case EMFILE:
	case ENFILE:
		return "Too many open files";
	case ESTALE:
		return "The file has been removed";
	default:
		return NULL;
	}
}

void reply_error(struct sftpd *s, uint32_t id, int error, const char *reason)
{
	reply_status(s, id, status_of(error), reason ? reason : error_text(error));
}

/* Times of version 3 end in 2106. */
static uint32_t clamp_time(int64_t time)
{
	return time < 0 ? 0 : time > UINT32_MAX ? UINT32_MAX : (uint32_t)time;
}

void pack_attrs(struct pack *p, const struct tree_attr *attr)
{
	pack_u32(p, SFTP_ATTR_ALL);
	pack_u64(p, attr->size);
	pack_u32(p, attr->uid);
	pack_u32(p, attr->gid);
	pack_u32(p, attr->mode);
	pack_u32(p, clamp_time(attr->atime));
	pack_u32(p, clamp_time(attr->mtime));
}

void reply_attrs(struct sftpd *s, uint32_t id, const struct tree_attr *attr)
{
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_ATTRS, id);

	pack_attrs(&p, attr);
	reply_end(s, &p);
}

void reply_handle(struct sftpd *s, uint32_t id, const struct handle *h)
{
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_HANDLE, id);

	pack_u32(&p, 2 * sizeof(uint32_t));
	pack_u32(&p, h->slot);
	pack_u32(&p, h->serial);
	reply_end(s, &p);
}

void reply_data(struct sftpd *s, uint32_t id, const uint8_t *data, size_t len)
{
	struct pack p = reply_begin(s, DATA_HEAD + len, SFTP_DATA, id);

	pack_string(&p, data, len);
	reply_end(s, &p);
}

void reply_path(struct sftpd *s, uint32_t id, const char *path, size_t len)
{
	struct pack p = reply_begin(s, STATUS_MAX + 2 * TREE_PATH_MAX, SFTP_NAME, id);

	pack_u32(&p, 1);
	pack_string(&p, path, len);
	pack_string(&p, path, len); /* as the line of ls -l */
	pack_u32(&p, 0);            /* no attributes */
	reply_end(s, &p);
}

void reply_space(struct sftpd *s, uint32_t id, const struct tree_space *space)
{
	static const struct tree_space none = {.bsize = SPACE_BLOCK, .frsize = SPACE_BLOCK};
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_EXTENDED_REPLY, id);

	if (!space)
		space = &none;
	pack_u64(&p, space->bsize);
	pack_u64(&p, space->frsize);
	pack_u64(&p, space->blocks);
	pack_u64(&p, space->bfree);
	pack_u64(&p, space->bavail);
	pack_u64(&p, space->files);
	pack_u64(&p, space->ffree);
	pack_u64(&p, space->favail);
	pack_u64(&p, space->fsid);
	pack_u64(&p, SFTP_SPACE_RDONLY | SFTP_SPACE_NOSUID);
	pack_u64(&p, TREE_NAME_MAX);
	reply_end(s, &p);
}
