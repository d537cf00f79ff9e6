/* Task: see password_file.h. Knows no verb but run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/password_file.h"

#define OPTION "--password-file"

bool password_file_is_before_value(const char *word)
{
	static const char *const options[] = {
		"--timeout", "--login", "--lease", "--device", OPTION};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(word, options[i]) == 0)
			return true;
	}
	return false;
}

static int become_input(const char *file, char why[CTL_WHY_MAX])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), r = 0;

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		r = -errno;
	if (fd > STDIN_FILENO)
		close(fd);
	if (r < 0)
		snprintf(why, CTL_WHY_MAX, "run: cannot read the password file %.60s: %s", file,
			strerror(-r));
	return r;
}

/* value is that of the option, inside word. */
static int take(char **word, const char *value, char *instead, char why[CTL_WHY_MAX])
{
	int r = strcmp(value, "-") == 0 ? 0 : become_input(value, why);

	*word = instead;
	return r;
}

int password_file_take(int count, char **words, char why[CTL_WHY_MAX])
{
	static char dash[] = "-", whole[] = OPTION "=-";
	int i, r = 0;

	if (count == 0 || strcmp(words[0], "run") != 0)
		return 0;
	/* The options stand between the VM and the command. */
	for (i = 2; r == 0 && i < count && words[i][0] == '-' && strcmp(words[i], "--") != 0; i++) {
		if (strncmp(words[i], OPTION "=", sizeof(OPTION)) == 0)
			r = take(&words[i], words[i] + sizeof(OPTION), whole, why);
		else if (strcmp(words[i], OPTION) == 0 && i + 1 < count)
			r = take(&words[i + 1], words[i + 1], dash, why);
		i += password_file_is_before_value(words[i]);
	}
	return r;
}
