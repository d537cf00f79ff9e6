/*
 * The file of `run --password-file FILE`: the service reads no files of its callers, so it becomes
 * standard input here, and the word becomes "-".
 */
#ifndef CTL_PASSWORD_FILE_H
#define CTL_PASSWORD_FILE_H

#include <stdbool.h>

#include "ctl/options.h"

/* Whether the word behind this option of run is its value: "--login". */
bool password_file_is_before_value(const char *word);

/* words: VERB and what follows; changed. 0; -errno with one line in why: the file cannot be read.
 */
int password_file_take(int count, char **words, char why[CTL_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
