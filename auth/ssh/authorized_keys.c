/*
 * A line of authorized_keys.
 * Task: text to struct. Owner: the caller of the parsed key. May not know files or other lines.
 */
#include "auth/ssh/authorized_keys.h"
#include "auth/ssh/base64.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

static struct span next_word(struct cursor *c)
{
	const char *start = c->at;

	while (c->at < c->end && !is_blank(*c->at))
		c->at++;
	return span_of(start, (size_t)(c->at - start));
}

/* The options end at the first blank outside quotes; \" does not end a quotation. */
static struct span options_word(struct cursor *c)
{
	const char *start = c->at;
	bool quoted = false;

	for (; c->at < c->end && (quoted || !is_blank(*c->at)); c->at++) {
		if (*c->at == '\\' && c->at + 1 < c->end && c->at[1] == '"')
			c->at++;
		else if (*c->at == '"')
			quoted = !quoted;
	}
	return span_of(start, (size_t)(c->at - start));
}

static int refuse(char why[KEY_OPTIONS_WHY_MAX], int rc, const char *text)
{
	snprintf(why, KEY_OPTIONS_WHY_MAX, "%s", text);
	return rc;
}

/* Whether a word can only be meant as a key type: what follows it is then the key. */
static bool is_key_type(struct span word)
{
	enum pubkey_type type;

	return pubkey_type_parse(word, &type) == 0 || span_is(word, "ssh-dss") ||
	       (word.len > 12 && memmem(word.at, word.len, "-cert-v01@", 10));
}

static int parse_key(
	struct span type, struct span text, struct authorized_key *k, char why[KEY_OPTIONS_WHY_MAX])
{
	const char *reason;
	size_t len = 0;
	int rc;

	if (memmem(type.at, type.len, "-cert-v01@", 10))
		return refuse(why, -EKEYREJECTED, "a certificate cannot be an authorized key");
	if (text.len == 0)
		return refuse(why, -EINVAL, "the key is missing behind its type");
	if (text.len > BASE64_ROOM(PUBKEY_BLOB_MAX))
		return refuse(why, -EINVAL, "the key is too long");
	k->blob = (uint8_t *)malloc(BASE64_BYTES(text.len) + 1);
	if (!k->blob)
		return refuse(why, -ENOMEM, "out of memory");
	if (base64_decode((const char *)text.at, text.len, k->blob, BASE64_BYTES(text.len), &len) <
		0)
		return refuse(why, -EINVAL, "the key is not valid base64");
	rc = pubkey_parse(span_of(k->blob, len), &k->key, &reason);
	if (rc < 0)
		return refuse(why, rc, reason);
	if (!span_is(type, pubkey_type_name(k->key.type)))
		return refuse(why, -EINVAL, "the key is not of the type in front of it");
	return 0;
}

static int parse_parts(struct cursor c, struct authorized_key *k, char why[KEY_OPTIONS_WHY_MAX])
{
	struct cursor ahead = c;
	struct span word = next_word(&ahead);
	int rc;

	if (!is_key_type(word)) {
		struct span options = options_word(&c);

		k->has_options = true;
		skip_blanks(&c);
		ahead = c;
		word = next_word(&ahead);
		if (!is_key_type(word))
			return refuse(why, -EINVAL, "no key type that is accepted was found");
		rc = key_options_parse(&k->options, (const char *)options.at, options.len, why);
		if (rc < 0)
			return rc;
	}
	skip_blanks(&ahead);
	rc = parse_key(word, next_word(&ahead), k, why);
	if (rc < 0)
		return rc;
	skip_blanks(&ahead);
	k->comment = span_dup(span_of(ahead.at, (size_t)(ahead.end - ahead.at)));
	return k->comment ? 0 : refuse(why, -ENOMEM, "out of memory");
}

int authorized_keys_parse_line(
	const char *line, size_t len, struct authorized_key **out, char why[KEY_OPTIONS_WHY_MAX])
{
	struct cursor c = {line, line + len};
	struct authorized_key *k;
	int rc;

	while (c.end > c.at && isspace((unsigned char)c.end[-1]))
		c.end--;
	skip_blanks(&c);
	if (c.at == c.end || *c.at == '#')
		return LINE_EMPTY;
	if (len > AUTHORIZED_KEYS_LINE_MAX)
		return refuse(why, -EINVAL, "the line is too long");
	if (memchr(line, 0, len))
		return refuse(why, -EINVAL, "the line holds a NUL byte");
	k = (struct authorized_key *)calloc(1, sizeof(*k));
	if (!k)
		return refuse(why, -ENOMEM, "out of memory");
	key_options_init(&k->options);
	rc = parse_parts(c, k, why);
	if (rc < 0) {
		authorized_key_destroy(k);
		return rc;
	}
	*out = k;
	return LINE_KEY;
}

void authorized_key_destroy(struct authorized_key *k)
{
	if (!k)
		return;
	key_options_finish(&k->options);
	free(k->blob);
	free(k->comment);
	free(k->file);
	free(k);
}
