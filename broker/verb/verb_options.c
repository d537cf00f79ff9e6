/* Task: the words of a call that are options. Knows no verb. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/verb/verb.h"

/* The words of a call beside the table of its verb. */
struct option_tokens {
	const char *text[VERB_OPTIONS_MAX]; /* NULL: not given */
};

static const char no_value[] = "";

static int bad_word(struct verb_call *call, const char *what, const char *word)
{
	if (word[0] == '-' && verb_is_dashed_guest(call, word))
		return -EINVAL;
	channel_exit(call->channel, STATUS_USAGE, "%s: %s %s; see: help %s", call->verb->name, what,
		word, call->verb->name);
	return -EINVAL;
}

/* --- words --- */

/* -1: there is none. */
static int find_option(const struct verb *verb, const char *word, size_t len)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		const char *name = verb->options[i].name;

		if (strlen(name) == len && strncmp(name, word, len) == 0)
			return (int)i;
	}
	return -1;
}

/* The words from in on are no options. */
static void keep_rest(struct verb_call *call, int in, int *out)
{
	while (in < call->argc)
		call->argv[(*out)++] = call->argv[in++];
}

/* "--name..." at argv[*in], and perhaps its value behind it. */
static int read_option(struct verb_call *call, int *in, struct option_tokens *words)
{
	const char *word = call->argv[*in], *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	int at = find_option(call->verb, word + 2, len);
	const struct verb_option *o;

	if (at < 0)
		return bad_word(call, "unknown option", word);
	o = &call->verb->options[at];
	if (equals && !o->takes)
		return bad_word(call, "this option takes no value:", word);
	if (!equals && o->takes && !o->may_lack && *in + 1 == call->argc)
		return bad_word(call, "missing value after", word);
	if (equals)
		words->text[at] = equals + 1;
	else if (!o->takes || o->may_lack)
		words->text[at] = words->text[at] ? words->text[at] : no_value;
	else
		words->text[at] = call->argv[++*in];
	return 0;
}

static int read_words(struct verb_call *call, struct option_tokens *words)
{
	int in, out = 0;

	for (in = 0; in < call->argc; in++) {
		const char *word = call->argv[in];

		if (strcmp(word, "--") == 0) {
			keep_rest(call, in + 1, &out);
			break;
		}
		if (strncmp(word, "--", 2) == 0) {
			if (read_option(call, &in, words) < 0)
				return -EINVAL;
			continue;
		}
		if (word[0] == '-' && word[1])
			return bad_word(call, "unknown option", word);
		if (call->verb->takes_command) {
			keep_rest(call, in, &out);
			break;
		}
		call->argv[out++] = call->argv[in];
	}
	call->argc = out;
	return 0;
}

/* --- what goes together --- */

/* "--a and --b cannot go together", "only one of --a, --b, --c" */
static int refuse_group(struct verb_call *call, unsigned group, unsigned size)
{
	const struct verb *verb = call->verb;
	char names[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < verb->option_count; i++) {
		if (verb->options[i].group == group && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s--%s",
				!used       ? ""
				: size == 2 ? " and "
					    : ", ",
				verb->options[i].name);
	}
	if (size == 2)
		channel_exit(call->channel, STATUS_USAGE, "%s: %s cannot go together; see: help %s",
			verb->name, names, verb->name);
	else
		channel_exit(call->channel, STATUS_USAGE, "%s: only one of %s; see: help %s",
			verb->name, names, verb->name);
	return -EINVAL;
}

static int check_groups(struct verb_call *call, const struct option_tokens *words)
{
	unsigned given[VERB_OPTIONS_MAX] = {0}, size[VERB_OPTIONS_MAX] = {0}, group;

	for (size_t i = 0; i < call->verb->option_count; i++) {
		group = call->verb->options[i].group;
		size[group]++;
		given[group] += words->text[i] != NULL;
	}
	for (group = 1; group < VERB_OPTIONS_MAX; group++) {
		if (given[group] > 1)
			return refuse_group(call, group, size[group]);
	}
	return 0;
}

/* --- values --- */

static int bad_value(struct verb_call *call, const struct verb_option *o, const char *text)
{
	const char *verb = call->verb->name;

	if (!o->cure)
		channel_exit(call->channel, STATUS_USAGE,
			"%s: invalid value %s of --%s; see: help %s", verb, text, o->name, verb);
	else if (o->type == OPTION_TIME)
		channel_exit(call->channel, STATUS_USAGE, "%s: invalid time %s: %s", verb, text,
			o->cure);
	else
		channel_exit(call->channel, STATUS_USAGE, "%s: invalid --%s %s: %s", verb, o->name,
			text, o->cure);
	return -EINVAL;
}

static void set_unless(const struct verb_option *o, bool given, void *out)
{
	struct option_number *number = (void *)((char *)out + o->field);

	if (o->type == OPTION_NUMBER || o->type == OPTION_DURATION || o->type == OPTION_TIME ||
		o->type == OPTION_BOOT)
		*number = (struct option_number){o->unless, given};
}

static int set_value(
	struct verb_call *call, const struct verb_option *o, const char *text, void *out)
{
	if (!text || (o->may_lack && text == no_value)) {
		set_unless(o, text != NULL, out);
		return 0;
	}
	if (o->type == OPTION_DEVICE)
		call->device = text;
	if (o->type == OPTION_JSON)
		call->json = true;
	return verb_option_set(o, text, out) < 0 ? bad_value(call, o, text) : 0;
}

int verb_options_read(struct verb_call *call, void *out)
{
	const struct verb *verb = call->verb;
	struct option_tokens words = {0};

	if (verb->option_count && read_words(call, &words) < 0)
		return -EINVAL;
	if (verb->arguments >= 0 && call->argc > verb->arguments)
		return bad_word(call, "unexpected argument", call->argv[verb->arguments]);
	if (check_groups(call, &words) < 0)
		return -EINVAL;
	for (size_t i = 0; i < verb->option_count; i++) {
		if (set_value(call, &verb->options[i], words.text[i], out) < 0)
			return -EINVAL;
	}
	return 0;
}
