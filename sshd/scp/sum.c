/* Task: see sum.h. Owner: a channel. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text/escape.h"
#include "core/text/hex.h"
#include "core/file/tree_file.h"
#include "sshd/scp/sum.h"

enum sum_state {
	SUM_NEXT,  /* the next word can be begun */
	SUM_STDIN, /* the end of the client's input is waited for */
	SUM_OPENS, /* the tree is asked for a file */
	SUM_READY, /* the next piece can be read */
	SUM_READS, /* one is waited for */
	SUM_ENDED,
};

struct sum {
	struct sftp_config config;
	const EVP_MD *kind;
	struct tokens words;
	size_t at; /* the word at work, from 1 */
	enum sum_state state;
	bool has_input, input_ended, tree_full;
	struct buf out;
	EVP_MD_CTX *digest;
	uint32_t query, last_query; /* query 0: none asked */
	struct tree_file *file;
	uint32_t file_number;
	uint64_t size, done;
	struct taken taken;
	char failure[SUM_FAILURE_MAX]; /* "": none */
};

/* --- the end --- */

static void close_file(struct sum *s)
{
	if (!s->file)
		return;
	tree_file_destroy(&s->file);
	s->config.tree->close(s->config.tree_arg, s->file_number, &s->taken);
}

static void fail(struct sum *s, const char *name, const char *why)
{
	char text[SUM_FAILURE_MAX / 2];

	close_file(s);
	escape_text(name, strlen(name), text, sizeof(text));
	snprintf(s->failure, sizeof(s->failure), "%s: %s: %.200s", s->words.list[0], text, why);
	s->state = SUM_ENDED;
}

static void fail_word(struct sum *s, int error, const char *reason)
{
	fail(s, s->words.list[s->at], reason ? reason : strerror(-error));
}

/* --- a sum --- */

static int begin_sum(struct sum *s)
{
	return EVP_DigestInit_ex(s->digest, s->kind, NULL) == 1 ? 0 : -ENOTSUP;
}

/* In the form of coreutils. */
static void end_sum(struct sum *s, const char *name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char line[SUM_LINE_MAX], text[2 * EVP_MAX_MD_SIZE + 1];
	unsigned len = 0;
	int n;

	if (EVP_DigestFinal_ex(s->digest, digest, &len) != 1) {
		fail(s, name, "out of memory");
		return;
	}
	hex_text(digest, len, text);
	n = snprintf(line, sizeof(line), "%s  %s\n", text, name);
	if (n >= (int)sizeof(line) || buf_add(&s->out, line, (size_t)n) < 0)
		fail(s, name, "out of memory");
	else
		s->state = SUM_NEXT;
	s->at++;
}

/* --- reading --- */

static void on_piece(void *arg, int error, const uint8_t *data, size_t len)
{
	struct sum *s = arg;

	if (!error && EVP_DigestUpdate(s->digest, data, len) != 1)
		error = -ENOMEM;
	if (error) {
		fail_word(s, error, NULL);
		return;
	}
	taken_add(&s->taken, s->done, len);
	s->done += len;
	s->state = SUM_READY;
}

static void work(struct sum *s);

static void on_job_piece(void *arg, int error, const uint8_t *data, size_t len)
{
	struct sum *s = arg;

	on_piece(s, error, data, len);
	work(s);
	s->config.wake(s->config.wake_arg);
}

static uint32_t next_query(struct sum *s)
{
	return s->query = tree_query_next(&s->last_query);
}

/* After asking: error is what the tree returned. */
static void asked(struct sum *s, int error, enum sum_state then)
{
	if (!error) {
		s->state = then;
		return;
	}
	s->query = 0;
	s->tree_full = error == -EAGAIN;
	if (!s->tree_full)
		fail_word(s, error, NULL);
}

static void ask_piece(struct sum *s, size_t len)
{
	int r;

	if (s->tree_full)
		return;
	asked(s,
		s->config.tree->read(
			s->config.tree_arg, next_query(s), s->file_number, s->done, (uint32_t)len),
		SUM_READS);
	if (s->state != SUM_READS)
		return;
	r = tree_file_fetch(s->file, NULL, s->done, NULL, 0, len, on_piece, s);
	if (r < 0)
		fail_word(s, r, NULL);
}

/* Always by a thread, what is in memory too: others get their turns between two pieces. */
static void read_piece(struct sum *s)
{
	uint64_t left = s->size - s->done;
	size_t len = left < SUM_PIECE ? (size_t)left : SUM_PIECE;
	int r;

	if (left == 0) {
		close_file(s);
		end_sum(s, s->words.list[s->at]);
		return;
	}
	if (tree_file_asks(s->file)) {
		ask_piece(s, len);
		return;
	}
	r = tree_file_fetch(s->file, s->config.jobs, s->done, NULL, 0, len, on_job_piece, s);
	if (r < 0)
		fail_word(s, r, NULL);
	else
		s->state = SUM_READS;
}

/* --- words --- */

static void open_word(struct sum *s)
{
	const char *word = s->words.list[s->at];
	struct tree_path path;
	int r = tree_path_resolve(s->config.home, word, strlen(word), &path);

	if (s->tree_full)
		return;
	if (r == 0 && path.folder)
		r = -EISDIR;
	if (r < 0)
		fail_word(s, r, NULL);
	else
		asked(s, s->config.tree->open(s->config.tree_arg, next_query(s), path.text),
			SUM_OPENS);
}

/* What has come while another word was at work counts. */
static void begin_stdin(struct sum *s)
{
	s->state = SUM_STDIN;
	if (s->has_input)
		fail(s, "-", "only files of this host have sums here");
}

static void begin_word(struct sum *s)
{
	const char *word = s->words.list[s->at];

	if (s->at == s->words.count)
		s->state = SUM_ENDED;
	else if (strcmp(word, "-") == 0)
		begin_stdin(s);
	else if (*word == '-')
		fail(s, word, "unknown option; usage: sha256sum|md5sum [PATH...]");
	else
		open_word(s);
}

static void end_stdin(struct sum *s)
{
	int r = begin_sum(s);

	if (r < 0)
		fail(s, "-", strerror(-r));
	else
		end_sum(s, "-");
}

static void work(struct sum *s)
{
	enum sum_state before;
	size_t at;

	do {
		before = s->state;
		at = s->at;
		if (s->state == SUM_NEXT)
			begin_word(s);
		else if (s->state == SUM_READY)
			read_piece(s);
		else if (s->state == SUM_STDIN && s->input_ended)
			end_stdin(s);
	} while (s->state != before || s->at != at);
}

/* --- life --- */

static const EVP_MD *kind_of(const char *word)
{
	return strcmp(word, "sha256sum") == 0 ? EVP_sha256()
	       : strcmp(word, "md5sum") == 0  ? EVP_md5()
					      : NULL;
}

int sum_create(const struct sftp_config *config, const char *command, size_t len, struct sum **out)
{
	static char dash[] = "-";
	struct sum *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->config = *config;
	if (!s->config.home)
		s->config.home = "/";
	s->at = 1;
	buf_init(&s->out, SUM_OUTPUT_MAX);
	r = tokenize(command, len, &s->words);
	if (r != -ENOMEM)
		s->kind = r == 0 && s->words.count ? kind_of(s->words.list[0]) : NULL;
	if (r == 0 && s->kind && s->words.count == 1)
		s->words.list[s->words.count++] = dash;
	s->digest = s->kind ? EVP_MD_CTX_new() : NULL;
	*out = s;
	if (s->digest)
		return 0;
	r = r == -ENOMEM || s->kind ? -ENOMEM : -ENOENT;
	sum_destroy(out);
	return r;
}

void sum_destroy(struct sum **sum)
{
	struct sum *s = *sum;

	*sum = NULL;
	if (!s)
		return;
	close_file(s);
	EVP_MD_CTX_free(s->digest);
	buf_finish(&s->out);
	tokens_finish(&s->words);
	free(s);
}

/* --- input and output --- */

size_t sum_input(struct sum *s, const void *data, size_t len)
{
	s->has_input |= len > 0;
	if (s->state == SUM_STDIN)
		begin_stdin(s);
	return len;
}

void sum_input_ends(struct sum *s)
{
	s->input_ended = true;
	if (s->state == SUM_STDIN)
		work(s);
}

size_t sum_output(const struct sum *s, const uint8_t **data)
{
	*data = buf_data(&s->out);
	return buf_len(&s->out);
}

void sum_sent(struct sum *s, size_t len)
{
	buf_drop(&s->out, len);
}

bool sum_finished(const struct sum *s)
{
	return s->state == SUM_ENDED && buf_len(&s->out) == 0;
}

int sum_status(const struct sum *s)
{
	return *s->failure != '\0';
}

const char *sum_failure(const struct sum *s)
{
	return *s->failure ? s->failure : NULL;
}

/* --- the tree --- */

static void on_open(struct sum *s, const struct tree_answer *a)
{
	int r;

	if (a->error) {
		fail_word(s, a->error, a->reason);
		return;
	}
	s->file_number = s->last_query;
	s->size = a->attr.size;
	s->done = 0;
	s->taken = (struct taken){0};
	s->file = tree_file_create(a->fd, s->size);
	r = s->file ? begin_sum(s) : -ENOMEM;
	if (!s->file)
		s->config.tree->close(s->config.tree_arg, s->file_number, &s->taken);
	if (r < 0)
		fail_word(s, r, NULL);
	else
		s->state = SUM_READY;
}

int sum_answer(struct sum *s, uint32_t query, const struct tree_answer *answer)
{
	if (query == 0 || query != s->query || (s->state != SUM_OPENS && s->state != SUM_READS))
		return -ESRCH;
	if (s->state == SUM_OPENS) {
		s->query = 0;
		on_open(s, answer);
	} else if (s->file) {
		(void)tree_file_add(
			s->file, answer->error, answer->data, answer->len, answer->last);
	}
	work(s);
	return 0;
}

void sum_resume(struct sum *s)
{
	s->tree_full = false;
	work(s);
}
