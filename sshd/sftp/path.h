/*
 * Names in the tree: absolute, without "." and "..", one slash between names. Pure.
 *
 * A client's path is resolved by its text alone, as RFC 3986 §5.2.4 does it; ".." stops at the
 * root. The tree sees nothing but paths of this form, so none leads out of it.
 */
#ifndef SSHD_SFTP_PATH_H
#define SSHD_SFTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_PATH_MAX 4096 /* with its end */
#define TREE_NAME_MAX 255

struct tree_path {
	size_t len;
	char text[TREE_PATH_MAX];
	/* It ends with "/", "/." or "/..", or is empty: it means a folder, and nothing else. Some
	 * clients find out in this way what a name is. */
	bool folder;
};

/*
 * base is of that form, and where a relative path begins. 0; -ENAMETOOLONG; -EILSEQ: a NUL byte;
 * both mean that there can be no such name.
 */
int tree_path_resolve(const char *base, const void *path, size_t len, struct tree_path *out)
	__attribute__((warn_unused_result));

#endif
