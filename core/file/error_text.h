/*
 * What to say of a file, folder or socket that a call has failed on: the system's words, what they
 * mean for this path and this user, and what to do about it.
 */
#ifndef CORE_FILE_ERROR_TEXT_H
#define CORE_FILE_ERROR_TEXT_H

#define ERROR_TEXT_ROOM 1024

/*
 * error: an errno, what was done with path has failed with it; mode: what it was wanted for, R_OK,
 * W_OK and X_OK as for access(2). One line without the path in front. Returns out.
 *
 * Looks at path and the folders above it, as they are now.
 */
const char *error_text(const char *path, int error, int mode, char out[ERROR_TEXT_ROOM]);

/* The same for calls that fail for want of descriptors or memory and not for a path. */
const char *error_text_shortage(int error, char out[ERROR_TEXT_ROOM]);

#endif
