/* Task: paths as clients write them, to paths of the tree. Pure. */
#include <errno.h>
#include <string.h>

#include "sshd/sftp/path.h"

/* Back to the folder above; the root is its own. */
static void drop_name(struct tree_path *p)
{
	while (p->len > 1 && p->text[p->len - 1] != '/')
		p->len--;
	if (p->len > 1)
		p->len--;
}

static int add_name(struct tree_path *p, const char *name, size_t len)
{
	size_t slash = p->len > 1;

	if (len > TREE_NAME_MAX || p->len + slash + len >= sizeof(p->text))
		return -ENAMETOOLONG;
	if (slash)
		p->text[p->len++] = '/';
	memcpy(p->text + p->len, name, len);
	p->len += len;
	return 0;
}

static int step(struct tree_path *p, const char *name, size_t len)
{
	if (len == 0 || (len == 1 && name[0] == '.'))
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		drop_name(p);
		return 0;
	}
	return add_name(p, name, len);
}

static bool means_folder(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t last = slash ? len - (size_t)(slash + 1 - path) : len;
	const char *name = path + len - last;

	return last == 0 || (last == 1 && name[0] == '.') ||
	       (last == 2 && name[0] == '.' && name[1] == '.');
}

int tree_path_resolve(const char *base, const void *path, size_t len, struct tree_path *out)
{
	const char *at = path, *end = at + len;
	int r = 0;

	if (memchr(at, '\0', len))
		return -EILSEQ;
	out->folder = means_folder(at, len);
	if (len > 0 && *at == '/')
		base = "/";
	out->len = strlen(base);
	if (out->len >= sizeof(out->text))
		return -ENAMETOOLONG;
	memcpy(out->text, base, out->len);
	while (at < end && r == 0) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t name = slash ? (size_t)(slash - at) : (size_t)(end - at);

		r = step(out, at, name);
		at += slash ? name + 1 : name;
	}
	out->text[out->len] = '\0';
	return r;
}
