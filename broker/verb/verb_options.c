/* Task: the options of a verb. Knows no verb. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "broker/verb/verb.h"

static int bad_option(struct verb_call *call, const char *what, const char *word)
{
	if (word[0] == '-' && verb_is_dashed_guest(call, word))
		return -EINVAL;
	channel_exit(call->channel, STATUS_USAGE, "%s: %s %s; see: help %s", call->verb->name, what,
		word, call->verb->name);
	return -EINVAL;
}

static const struct verb_option *find_option(
	const struct verb_option *options, size_t count, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strlen(options[i].name) == len && strncmp(options[i].name, word, len) == 0)
			return &options[i];
	}
	return NULL;
}

/* The words from in on are no options. */
static void keep_rest(struct verb_call *call, int in, int *out)
{
	while (in < call->argc)
		call->argv[(*out)++] = call->argv[in++];
}

static int read_options(
	struct verb_call *call, const struct verb_option *options, size_t count, bool first)
{
	int in, out = 0;

	for (in = 0; in < call->argc; in++) {
		const char *word = call->argv[in], *equals;
		const struct verb_option *o;
		size_t len;

		if (strcmp(word, "--") == 0) {
			keep_rest(call, in + 1, &out);
			break;
		}
		if (strncmp(word, "--", 2) != 0) {
			if (word[0] == '-' && word[1])
				return bad_option(call, "unknown option", word);
			if (first) {
				keep_rest(call, in, &out);
				break;
			}
			call->argv[out++] = call->argv[in];
			continue;
		}
		equals = strchr(word, '=');
		len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
		o = find_option(options, count, word + 2, len);
		if (!o)
			return bad_option(call, "unknown option", word);
		if (equals && o->kind == OPTION_FLAG)
			return bad_option(call, "this option takes no value:", word);
		if (!equals && o->kind == OPTION_VALUE && in + 1 == call->argc)
			return bad_option(call, "missing value after", word);
		*o->given = 1;
		if (equals)
			*o->value = equals + 1;
		else if (o->kind == OPTION_VALUE)
			*o->value = call->argv[++in];
	}
	call->argc = out;
	return 0;
}

int verb_options(struct verb_call *call, const struct verb_option *options, size_t count)
{
	return read_options(call, options, count, false);
}

int verb_options_first(struct verb_call *call, const struct verb_option *options, size_t count)
{
	return read_options(call, options, count, true);
}

int verb_no_more(struct verb_call *call, int most)
{
	return call->argc <= most ? 0 : bad_option(call, "unexpected argument", call->argv[most]);
}
