/*
 * Bytes between a stream and an upstream that speaks TLS: whole, both ways, with their end, and no
 * more of them held than there is room for. The upstream is the server's side of tls/.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/file/memory_file.h"
#include "core/io.h"
#include "tls/tls.h"
#include "wire/line.h"
#include "worker/relay.h"
#include "worker/upstream_job.h"

#define DEADLINE_US (100 * LOOP_SECOND)
#define MUCH ((size_t)4 << 20)
#define QUIET_US (50 * LOOP_MSEC)

static struct loop *loop;
static EVP_PKEY *key;
static X509 *certificate, *other;             /* of 127.0.0.1; both signed by themselves */
static struct tls *server, *client, *foreign; /* foreign trusts the other one */

/* --- certificates --- */

static X509 *make_certificate(long serial)
{
	X509 *made = X509_new();
	X509_EXTENSION *names;

	assert_non_null(made);
	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
	X509_gmtime_adj(X509_getm_notBefore(made), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
		(const unsigned char *)(serial == 1 ? "upstream" : "other"), -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:host1");
	assert_non_null(names);
	X509_add_ext(made, names, -1);
	X509_EXTENSION_free(names);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	return made;
}

/* A file as the broker makes it. */
static struct tls *make_tls(bool is_client, X509 *authority)
{
	int fd = memory_file_create("keys");
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	struct tls *tls;

	assert_non_null(bio);
	if (!is_client) {
		assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
		assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	} else {
		assert_int_equal(PEM_write_bio_X509_AUX(bio, authority), 1);
	}
	BIO_free(bio);
	assert_int_equal(memory_file_seal(fd), 0);
	assert_int_equal(is_client ? tls_client_create(fd, &tls) : tls_server_create(fd, &tls), 0);
	close(fd);
	return tls;
}

/* --- what is between whom --- */

struct world {
	struct relay *relay;
	bool began, ended, is_bare;
	char why[200]; /* "": in order */
	int inside;    /* our end */
	/* The upstream. */
	int fd;
	struct tls_connection *tls;
	bool shaken, says_end, closed, deaf;
	struct buf in, out;
};

static void on_began(void *arg)
{
	struct world *w = arg;

	assert_false(w->ended);
	w->began = true;
}

static void on_ended(void *arg, const char *why, bool is_bare)
{
	struct world *w = arg;

	w->is_bare = is_bare;
	w->ended = true;
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
}

/* fds: the ends that a relay is for, outside and inside. */
static void make_world(struct world *w, int fds[2])
{
	int outside[2], inside[2];

	memset(w, 0, sizeof(*w));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, outside), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, inside), 0);
	w->fd = outside[0];
	w->inside = inside[0];
	assert_int_equal(fd_nonblock(w->fd), 0);
	assert_int_equal(fd_nonblock(w->inside), 0);
	assert_int_equal(tls_accept(server, w->fd, &w->tls), 0);
	buf_init(&w->in, 2 * MUCH);
	buf_init(&w->out, 2 * MUCH);
	fds[0] = outside[1];
	fds[1] = inside[1];
}

static void begin(struct world *w, struct tls *ours, const char *name)
{
	int fds[2];

	make_world(w, fds);
	assert_int_equal(relay_create(&(struct relay_options){.loop = loop,
					      .tls = ours,
					      .name = name,
					      .outside = fds[0],
					      .inside = fds[1],
					      .began = on_began,
					      .ended = on_ended,
					      .arg = w},
				 &w->relay),
		0);
}

static void finish(struct world *w)
{
	relay_destroy(&w->relay);
	tls_free(w->tls);
	fd_close(&w->fd);
	fd_close(&w->inside);
	buf_finish(&w->in);
	buf_finish(&w->out);
}

static void upstream_turn(struct world *w)
{
	if (w->fd < 0 || (!w->shaken && tls_handshake(w->tls) != TLS_DONE))
		return;
	w->shaken = true;
	if (!w->deaf && !w->closed)
		w->closed = tls_read(w->tls, &w->in) == TLS_CLOSED;
	if (tls_write(w->tls, &w->out) == TLS_DONE && w->says_end)
		w->says_end = tls_end(w->tls) == TLS_WAIT;
}

static void turn(struct world *w)
{
	static uint64_t end;

	if (!end)
		end = loop_now(loop) + DEADLINE_US;
	upstream_turn(w);
	assert_true(loop_turn(loop, LOOP_MSEC) >= 0);
	assert_true(loop_now(loop) < end);
}

/* A relay that has ended waits for nothing, though its outside can be read: its end. */
static void assert_asleep(void)
{
	uint64_t begun;

	assert_true(loop_turn(loop, 0) >= 0);
	begun = loop_clock();
	assert_true(loop_turn(loop, QUIET_US) >= 0);
	assert_true(loop_clock() - begun >= QUIET_US);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void assert_pattern(const uint8_t *data, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], byte_at(from + i));
}

static void fill(struct buf *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = byte_at(i);

		assert_int_equal(buf_add(b, &byte, 1), 0);
	}
}

/* What is inside; looked at from the from-th byte on. -1: nothing now; 0: the end. */
static ssize_t take(struct world *w, size_t from)
{
	static uint8_t piece[65536];
	ssize_t n = read(w->inside, piece, sizeof(piece));

	if (n > 0)
		assert_pattern(piece, from, (size_t)n);
	else if (n < 0)
		assert_int_equal(errno, EAGAIN);
	return n;
}

static void take_all(struct world *w, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		turn(w);
		while ((n = take(w, got)) > 0)
			got += (size_t)n;
		assert_true(n < 0 || got == len);
	}
	assert_int_equal(got, len);
}

/* --- tests --- */

static void bytes_go_both_ways_at_once(void **state)
{
	size_t put = 0, got = 0;
	struct buf mine;
	struct world w;
	ssize_t n;

	begin(&w, client, "127.0.0.1");
	buf_init(&mine, MUCH);
	fill(&mine, MUCH);
	fill(&w.out, MUCH);
	while (put < MUCH || got < MUCH || buf_len(&w.in) < MUCH) {
		turn(&w);
		n = write(w.inside, buf_data(&mine) + put, MUCH - put);
		put += n > 0 ? (size_t)n : 0;
		while ((n = take(&w, got)) > 0)
			got += (size_t)n;
	}
	assert_int_equal(got, MUCH);
	assert_pattern(buf_data(&w.in), 0, MUCH);
	assert_true(w.began && !w.ended);
	buf_finish(&mine);
	finish(&w);
}

static void the_end_of_one_way_is_carried_and_the_other_goes_on(void **state)
{
	struct world w;

	begin(&w, client, "host1");
	assert_int_equal(write(w.inside, "ask", 3), 3);
	shutdown(w.inside, SHUT_WR);
	while (!w.closed)
		turn(&w);
	assert_int_equal(buf_len(&w.in), 3);
	fill(&w.out, 300000);
	w.says_end = true;
	take_all(&w, 300000);
	while (!w.ended)
		turn(&w);
	assert_string_equal(w.why, "");
	assert_int_equal(take(&w, 300000), 0);
	finish(&w);
}

static void an_upstream_that_ends_first_is_still_told(void **state)
{
	struct world w;

	begin(&w, client, "127.0.0.1");
	w.says_end = true;
	while (!w.ended)
		turn(&w);
	assert_string_equal(w.why, "");
	assert_int_equal(take(&w, 0), 0);
	while (!w.closed)
		turn(&w);
	finish(&w);
}

static void an_upstream_that_breaks_off_is_named_behind_its_bytes(void **state)
{
	struct world w;

	begin(&w, client, "127.0.0.1");
	fill(&w.out, 100000);
	while (!w.shaken || buf_len(&w.out) > 0)
		turn(&w);
	fd_close(&w.fd);
	take_all(&w, 100000);
	while (!w.ended)
		turn(&w);
	assert_string_equal(w.why, "unexpected eof while reading");
	assert_true(w.is_bare);
	assert_int_equal(take(&w, 100000), 0);
	assert_asleep();
	finish(&w);
}

/* What has come of a record is not what was said. */
static void an_upstream_that_breaks_off_within_a_record_has_not_just_closed(void **state)
{
	static const char head[] = "\x17\x03\x03\x00\x40"
				   "a part of it";
	struct world w;

	begin(&w, client, "127.0.0.1");
	fill(&w.out, 1000);
	take_all(&w, 1000);
	assert_int_equal(write(w.fd, head, sizeof(head)), sizeof(head));
	fd_close(&w.fd);
	while (!w.ended)
		turn(&w);
	assert_string_equal(w.why, "unexpected eof while reading");
	assert_false(w.is_bare);
	finish(&w);
}

static void what_is_not_read_holds_the_upstream_up(void **state)
{
	size_t before = 0;
	struct world w;
	int still = 0;

	begin(&w, client, "127.0.0.1");
	fill(&w.out, MUCH);
	while (!w.shaken || still < 200) {
		turn(&w);
		still = buf_len(&w.out) == before ? still + 1 : 0;
		before = buf_len(&w.out);
	}
	/* Two sockets hold some of it, and the relay its share. */
	assert_true(MUCH - before < MUCH / 2);
	take_all(&w, MUCH);
	finish(&w);
}

static void what_the_upstream_does_not_read_holds_the_stream_up(void **state)
{
	static const uint8_t piece[4096];
	size_t put = 0;
	struct world w;
	int still = 0;
	ssize_t n;

	begin(&w, client, "127.0.0.1");
	w.deaf = true;
	while (!w.began || still < 200) {
		turn(&w);
		n = write(w.inside, piece, sizeof(piece));
		still = n < 0 ? still + 1 : 0;
		put += n > 0 ? (size_t)n : 0;
	}
	assert_true(put < MUCH / 2);
	w.deaf = false;
	while (buf_len(&w.in) < put)
		turn(&w);
	assert_int_equal(buf_len(&w.in), put);
	finish(&w);
}

static void an_upstream_of_another_authority_or_name_gets_nothing(void **state)
{
	static const struct {
		bool other;
		const char *name, *why;
	} cases[] = {{true, "127.0.0.1", "self-signed certificate"},
		{false, "127.0.0.2", "IP address mismatch"}, {false, "host2", "hostname mismatch"},
		{false, "upstream", "hostname mismatch"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		begin(&w, cases[i].other ? foreign : client, cases[i].name);
		assert_int_equal(write(w.inside, "secret", 6), 6);
		while (!w.ended)
			turn(&w);
		assert_string_equal(w.why, cases[i].why);
		assert_false(w.began);
		upstream_turn(&w);
		assert_int_equal(buf_len(&w.in), 0);
		finish(&w);
	}
}

/* The next message to the broker. */
static enum wire_type said(struct world *w, struct line *line)
{
	struct line_message m;
	enum wire_type type;
	int r;

	while ((r = line_receive(line, &m)) == -EAGAIN)
		turn(w);
	assert_int_equal(r, 1);
	type = m.type;
	line_message_finish(&m);
	return type;
}

static void a_job_begins_with_its_first_message_alone(void **state)
{
	struct upstream_job_owner owner = {.loop = loop, .tls = client};
	const struct wire_bytes bytes = {0};
	int fds[2], ends[2];
	struct line line;
	struct world w;

	make_world(&w, fds);
	assert_int_equal(line_pair(ends), 0);
	line_init(&line, ends[0], WIRE_JOB, WIRE_BROKER);
	assert_int_equal(upstream_job_create(&owner, ends[1]), 0);
	assert_int_equal(line_send_fds(&line, WIRE_WRAP, NULL, "host1", 5, fds, 2), 0);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	assert_int_equal(said(&w, &line), WIRE_WRAPPED);
	assert_int_equal(line_send(&line, WIRE_BYTES, &bytes, "x", 1), 0);
	fill(&w.out, 300000);
	w.says_end = true;
	take_all(&w, 300000);
	assert_int_equal(said(&w, &line), WIRE_WHOLE);
	line_finish(&line);
	turn(&w);
	finish(&w);
}

static int set_up(void **state)
{
	(void)signal(SIGPIPE, SIG_IGN);
	loop = loop_create();
	key = EVP_EC_gen("P-256");
	assert_true(loop && key);
	certificate = make_certificate(1);
	other = make_certificate(2);
	server = make_tls(false, NULL);
	client = make_tls(true, certificate);
	foreign = make_tls(true, other);
	return 0;
}

static int tear_down(void **state)
{
	X509_free(certificate);
	X509_free(other);
	EVP_PKEY_free(key);
	loop_destroy(loop);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_at_once),
		cmocka_unit_test(the_end_of_one_way_is_carried_and_the_other_goes_on),
		cmocka_unit_test(an_upstream_that_ends_first_is_still_told),
		cmocka_unit_test(an_upstream_that_breaks_off_is_named_behind_its_bytes),
		cmocka_unit_test(an_upstream_that_breaks_off_within_a_record_has_not_just_closed),
		cmocka_unit_test(what_is_not_read_holds_the_upstream_up),
		cmocka_unit_test(what_the_upstream_does_not_read_holds_the_stream_up),
		cmocka_unit_test(an_upstream_of_another_authority_or_name_gets_nothing),
		cmocka_unit_test(a_job_begins_with_its_first_message_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
