/* Task: read the command line. Knows no verb: the daemon does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/options.h"

/* The value of "-SFILE", "-S FILE", "--socket=FILE" or "--socket FILE", *at moved past it; NULL if
 * the word is another or the value is missing. */
static const char *socket_value(int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (strncmp(word, "--socket=", 9) == 0)
		return word + 9;
	if (word[1] == 'S' && word[2] != '\0')
		return word + 2;
	if ((strcmp(word, "-S") == 0 || strcmp(word, "--socket") == 0) && *at + 1 < argc)
		return argv[++*at];
	return NULL;
}

int ctl_options_parse(int argc, char **argv, const char *socket_variable, struct ctl_options *out,
	char why[CTL_WHY_MAX])
{
	int at;

	out->task = CTL_RUN;
	out->socket = socket_variable && *socket_variable ? socket_variable : CTL_SOCKET_DEFAULT;
	for (at = 1; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
		const char *word = argv[at], *value;

		if (strcmp(word, "--") == 0) {
			at++;
			break;
		}
		value = socket_value(argc, argv, &at);
		if (value && *value) {
			out->socket = value;
		} else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
			out->task = CTL_HELP;
		} else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
			out->task = CTL_VERSION;
		} else if (value || strcmp(word, "-S") == 0 || strcmp(word, "--socket") == 0) {
			snprintf(why, CTL_WHY_MAX, "%.40s needs a file", word);
			return -EINVAL;
		} else {
			snprintf(why, CTL_WHY_MAX, "unknown option %.80s", word);
			return -EINVAL;
		}
	}
	out->words = (const char *const *)argv + at;
	out->word_count = argc - at;
	return 0;
}

const char *ctl_usage(void)
{
	return "usage: vmconsolectl [-S SOCKET] VERB [VM] [ARGUMENT...]\n"
	       "       vmconsolectl [-S SOCKET]        (on a terminal: a menu)\n"
	       "\n"
	       "  -S, --socket FILE  control socket (" CTL_SOCKET_DEFAULT
	       ", or $" CTL_SOCKET_VARIABLE ")\n"
	       "  -h, --help         this text\n"
	       "  -V, --version      the version\n"
	       "\n"
	       "Verbs: attach VM, list, status [VM], who [VM], reload, explain USER VM, help "
	       "[VERB].\n"
	       "\"vmconsolectl help\" asks the daemon for all of them; see vmconsolectl(8).\n";
}
