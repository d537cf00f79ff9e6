/*
 * Task: names of users and groups: users-groups-by-id@openssh.com. Two strings of numbers come,
 * two strings of names go; an empty one for who has none, or is beyond the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "sshd/sftp/server.h"

struct ids {
	size_t users, groups;             /* in the request */
	size_t users_asked, groups_asked; /* SFTPD_IDS_MAX together */
	uint32_t id[SFTPD_IDS_MAX];
};

static size_t add(struct ids *ids, size_t at, const uint8_t *numbers, size_t count)
{
	struct unpack in = {.at = numbers, .left = count * sizeof(uint32_t)};
	size_t i;

	for (i = 0; i < count && at + i < SFTPD_IDS_MAX; i++)
		ids->id[at + i] = unpack_u32(&in);
	return i;
}

enum sftp_status ids_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	const uint8_t *users, *groups;
	size_t users_len, groups_len;
	struct ids *ids;

	users = unpack_string(in, &users_len);
	groups = unpack_string(in, &groups_len);
	if (users_len % sizeof(uint32_t) || groups_len % sizeof(uint32_t))
		return SFTP_BAD_MESSAGE;
	ids = r->ids = calloc(1, sizeof(*ids));
	if (!ids)
		return SFTP_FAILURE;
	ids->users = users_len / sizeof(uint32_t);
	ids->groups = groups_len / sizeof(uint32_t);
	ids->users_asked = add(ids, 0, users, ids->users);
	ids->groups_asked = add(ids, ids->users_asked, groups, ids->groups);
	return SFTP_OK;
}

/* One string that holds a string for each. */
static void pack_names(struct pack *p, const char *const *names, size_t asked, size_t count)
{
	uint8_t *begin = p->at;
	size_t i;

	pack_u32(p, 0);
	for (i = 0; i < count; i++) {
		const char *name = names && i < asked && names[i] ? names[i] : "";

		pack_string(p, name, strnlen(name, TREE_OWNER_MAX));
	}
	if (!p->bad)
		pack_at(begin, (uint32_t)(p->at - begin - 4));
}

static void reply_names(struct sftpd *s, struct request *r, const char *const *names)
{
	const struct ids *ids = r->ids;
	const char *const *groups = names ? names + ids->users_asked : NULL;
	struct pack p = reply_begin(s, r->reply, SFTP_EXTENDED_REPLY, r->id);

	pack_names(&p, names, ids->users_asked, ids->users);
	pack_names(&p, groups, ids->groups_asked, ids->groups);
	reply_end(s, &p);
}

enum request_step ids_start(struct sftpd *s, struct request *r)
{
	const struct tree_ops *tree = s->config.tree;
	const struct ids *ids = r->ids;

	if (!tree->names) {
		reply_names(s, r, NULL);
		return STEP_DONE;
	}
	return query_asked(s, r,
		tree->names(s->config.tree_arg, query_next(s, r), ids->id, ids->users_asked,
			ids->id + ids->users_asked, ids->groups_asked));
}

bool ids_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	reply_names(s, r, a->error ? NULL : a->names);
	return true;
}
