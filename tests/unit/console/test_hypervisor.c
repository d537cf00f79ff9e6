/*
 * One hypervisor, on libvirt's test driver (all in this process, no daemon) and on sockets that
 * nobody answers. What needs a real libvirtd is tested end to end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/hypervisor/hypervisor_peek.h"
#include "console/hypervisor/hypervisor_private.h"
#include "console/libvirt/virt_loop.h"
#include "core/io.h"
#include "core/log.h"

#define DEADLINE_US (10 * LOOP_SECOND)
#define TEST_GUEST "6695eb01-f6a4-8304-79aa-97f2502e193f" /* of test:///default */

struct seen {
	int up, down, places, gone, asked;
	int places_at_up;
	struct location_info last, gone_info, answer;
	int asked_error;
	bool asked_found;
	char text[256];
	int opened, ended;
	enum backend_error open_error;
	struct backend *backend;
};

static struct loop *loop;
static struct virt_loop *virt;
static struct hypervisor *h;
static struct seen seen;
static virConnectPtr other; /* somebody else, who does things to guests */
static struct uuid guest;

static void on_link(void *arg, struct hypervisor *from, int up, const char *text)
{
	if (up)
		seen.places_at_up = seen.places;
	seen.up += up;
	seen.down += !up;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void on_location(void *arg, struct hypervisor *from, const struct location_info *info)
{
	seen.places++;
	seen.last = *info;
}

static void on_gone(void *arg, struct hypervisor *from, const struct location_info *info)
{
	seen.gone++;
	seen.gone_info = *info;
}

static void on_guest(void *arg, struct hypervisor *from, const struct uuid *uuid)
{
}

/* The log's lines, and the last one that is a warning. */
static unsigned warnings;
static char warning[1024];

static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	if (level > LOG_LEVEL_WARNING)
		return;
	warnings++;
	snprintf(warning, sizeof(warning), "%s", text);
}

static const struct hypervisor_events events = {on_link, on_location, on_gone, on_guest, on_guest};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		uint64_t end_ = now_us() + DEADLINE_US;                                            \
		while (!(condition)) {                                                             \
			assert_true(now_us() < end_);                                              \
			assert_int_equal(loop_turn(loop, 100 * LOOP_MSEC), 0);                     \
		}                                                                                  \
	} while (0)

static void turn_for(uint64_t us)
{
	uint64_t end = now_us() + us, now;

	while ((now = now_us()) < end)
		assert_int_equal(loop_turn(loop, end - now), 0);
}

static void start(const char *uri)
{
	struct hypervisor_options options = {.name = "t", .uri = uri};

	assert_int_equal(hypervisor_create(loop, virt, &options, &events, NULL, &h), 0);
	hypervisor_start(h);
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(uuid_parse(TEST_GUEST, &guest), 0);
	loop = loop_create();
	if (!loop || virt_loop_create(loop, &virt) < 0)
		return -1;
	other = virConnectOpen("test:///default");
	return other ? 0 : -1;
}

static int teardown(void **state)
{
	backend_close(&seen.backend);
	hypervisor_destroy(&h);
	virConnectClose(other);
	virt_loop_destroy(&virt);
	loop_destroy(loop);
	return 0;
}

static virDomainPtr test_guest(void)
{
	virDomainPtr domain = virDomainLookupByUUID(other, guest.b);

	assert_non_null(domain);
	return domain;
}

/* Does something to the guest as another client. */
static void do_to_guest(int (*what)(virDomainPtr domain))
{
	virDomainPtr domain = test_guest();

	assert_int_equal(what(domain), 0);
	virDomainFree(domain);
}

static void guests_are_reported_before_the_link(void **state)
{
	start("test:///default");
	TURN_UNTIL(seen.up);
	assert_true(hypervisor_is_up(h));
	assert_string_equal(hypervisor_error(h), "");
	assert_int_equal(seen.places_at_up, 1);
	assert_true(uuid_equal(&seen.last.uuid, &guest));
	assert_string_equal(seen.last.name, "test");
	assert_int_equal(seen.last.state, LOCATION_RUNNING);
	assert_true(seen.last.generation > 0);
}

static void on_peek_opened(void *arg, int error, const char *text, const struct ram *ram)
{
}

static int open_peek(const char *owner, struct hypervisor_peek **out)
{
	static const struct hypervisor_peek_events peek_events = {.opened = on_peek_opened};

	return hypervisor_peek_open(h, &guest, owner, &peek_events, NULL, out);
}

static void nobody_has_all_who_read_memory(void **state)
{
	struct hypervisor_peek *peeks[HYPERVISOR_PEEKS_MAX], *none = NULL;
	int i;

	start("test:///default");
	TURN_UNTIL(seen.up);
	for (i = 0; i < HYPERVISOR_PEEKS_OWNER_MAX; i++)
		assert_int_equal(open_peek("key:a", &peeks[i]), 0);
	assert_int_equal(open_peek("key:a", &none), -EDQUOT);
	for (; i < HYPERVISOR_PEEKS_MAX; i++)
		assert_int_equal(open_peek("key:b", &peeks[i]), 0);
	assert_int_equal(open_peek("key:c", &none), -EBUSY);
	for (i = 0; i < HYPERVISOR_PEEKS_MAX; i++)
		hypervisor_peek_forget(&peeks[i]);
	TURN_UNTIL(open_peek("key:a", &none) == 0); /* one that is forgotten is his to its end */
	hypervisor_peek_forget(&none);
}

static void stop_and_start_are_followed(void **state)
{
	unsigned long long generation;

	start("test:///default");
	TURN_UNTIL(seen.up);
	generation = seen.last.generation;
	do_to_guest(virDomainSuspend);
	TURN_UNTIL(seen.last.state == LOCATION_PAUSED);
	do_to_guest(virDomainResume);
	TURN_UNTIL(seen.last.state == LOCATION_RUNNING);
	assert_true(seen.last.generation == generation);
	do_to_guest(virDomainDestroy);
	TURN_UNTIL(seen.last.state == LOCATION_OFF);
	assert_int_equal(seen.last.reason, LOCATION_REASON_DESTROYED);
	do_to_guest(virDomainCreate);
	TURN_UNTIL(seen.last.state == LOCATION_RUNNING);
	assert_int_equal(seen.last.reason, LOCATION_REASON_NONE);
	assert_true(seen.last.generation > generation);
}

static void a_new_guest_appears_and_a_transient_one_goes(void **state)
{
	static const char xml[] =
		"<domain type='test'><name>extra</name><memory>1024</memory>"
		"<os><type>hvm</type></os><devices><serial type='pty'/></devices></domain>";
	virDomainPtr domain;

	start("test:///default");
	TURN_UNTIL(seen.up);
	domain = virDomainCreateXML(other, xml, 0);
	assert_non_null(domain);
	TURN_UNTIL(strcmp(seen.last.name, "extra") == 0);
	assert_int_equal(seen.last.state, LOCATION_RUNNING);
	assert_true(seen.last.transient);
	assert_int_equal(seen.last.devices.count, 1);
	assert_int_equal(virDomainDestroy(domain), 0);
	TURN_UNTIL(seen.gone);
	assert_string_equal(seen.gone_info.name, "extra");
	assert_int_equal(seen.gone_info.state, LOCATION_OFF);
	assert_int_equal(seen.gone_info.reason, LOCATION_REASON_DESTROYED);
	virDomainFree(domain);
}

/* Over a socket, the answer that it is gone may overtake the event that says why. The test driver
 * has no socket, so the answer is given by hand. */
static void the_reason_of_a_transient_guests_end_is_waited_for(void **state)
{
	static const char xml[] = "<domain type='test'><name>brief</name><memory>1024</memory>"
				  "<os><type>hvm</type></os></domain>";
	virDomainPtr domain;

	start("test:///default");
	TURN_UNTIL(seen.up);
	domain = virDomainCreateXML(other, xml, 0);
	assert_non_null(domain);
	TURN_UNTIL(strcmp(seen.last.name, "brief") == 0);
	guests_read(h, table_find(h, &seen.last.uuid), -ENOENT, NULL, NULL);
	assert_int_equal(seen.gone, 0);
	assert_int_equal(virDomainDestroy(domain), 0);
	TURN_UNTIL(seen.gone);
	assert_int_equal(seen.gone_info.reason, LOCATION_REASON_DESTROYED);
	virDomainFree(domain);
}

static void a_guest_that_is_gone_without_an_event_is_reported_all_the_same(void **state)
{
	start("test:///default");
	TURN_UNTIL(seen.up);
	guests_read(h, table_find(h, &guest), -ENOENT, NULL, NULL);
	guests_read(h, table_find(h, &guest), -ENOENT, NULL, NULL);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.gone_info.state, LOCATION_OFF);
	assert_int_equal(seen.gone_info.reason, LOCATION_REASON_NONE);
	assert_null(table_find(h, &guest));
}

static void on_asked(void *arg, int error, const struct location_info *info)
{
	assert_ptr_equal(arg, &seen);
	seen.asked++;
	seen.asked_error = error;
	seen.asked_found = info != NULL;
	if (info)
		seen.answer = *info;
}

static void a_question_is_answered_once_unless_forgotten(void **state)
{
	struct uuid unknown = {{1}};

	start("test:///default");
	assert_int_equal(hypervisor_ask(h, &guest, on_asked, &seen), -ENOTCONN);
	TURN_UNTIL(seen.up);
	assert_int_equal(hypervisor_ask(h, &unknown, on_asked, &seen), -ENOENT);
	assert_int_equal(hypervisor_ask(h, &guest, on_asked, &seen), 0);
	assert_int_equal(seen.asked, 0);
	TURN_UNTIL(seen.asked);
	assert_true(seen.asked_found);
	assert_int_equal(seen.answer.state, LOCATION_RUNNING);
	assert_int_equal(hypervisor_ask(h, &guest, on_asked, &seen), 0);
	hypervisor_forget(h, &seen);
	turn_for(50 * LOOP_MSEC);
	assert_int_equal(seen.asked, 1);
}

/* An answer is not older than its question, even if an earlier reading is still under way. */
static void an_answer_is_fresh(void **state)
{
	virDomainPtr domain;
	int i;

	start("test:///default");
	TURN_UNTIL(seen.up);
	domain = test_guest();
	for (i = 0; i < 200; i++) {
		seen.asked = 0;
		assert_int_equal(hypervisor_ask(h, &guest, on_asked, &seen), 0);
		assert_int_equal(i % 2 ? virDomainCreate(domain) : virDomainDestroy(domain), 0);
		assert_int_equal(hypervisor_ask(h, &guest, on_asked, &seen), 0);
		TURN_UNTIL(seen.asked == 2);
		assert_int_equal(seen.answer.state, i % 2 ? LOCATION_RUNNING : LOCATION_OFF);
	}
	virDomainFree(domain);
}

static void check_cure(const char *text, enum virt_fault wanted, const char *word)
{
	struct virt_error error = {.code = VIR_ERR_SYSTEM_ERROR};
	char cure[VIRT_CURE_MAX];

	snprintf(error.text, sizeof(error.text), "%s", text);
	assert_int_equal(virt_cure(&error, cure), wanted);
	if (word)
		assert_non_null(strstr(cure, word));
	else
		assert_string_equal(cure, "");
}

static void a_cure_names_the_socket_or_the_group(void **state)
{
	check_cure("Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or "
		   "directory",
		VIRT_FAULT_MISSING, "start it: systemctl enable --now libvirtd.socket");
	check_cure("Failed to connect socket to '/run/libvirt/virtqemud-sock': Connection refused",
		VIRT_FAULT_MISSING, "start it: systemctl enable --now virtqemud.socket");
	check_cure("Failed to connect socket to '/somewhere/sock': Permission denied",
		VIRT_FAULT_REFUSED, "unix_sock_group in libvirtd.conf");
	check_cure("unable to connect to server at 'host:16514': Connection refused",
		VIRT_FAULT_OTHER, NULL);
	check_cure("internal error: it's odd", VIRT_FAULT_OTHER, NULL);
}

static void an_unreachable_one_is_tried_again(void **state)
{
	warnings = 0;
	log_set_sink(on_log, NULL);
	start("qemu+unix:///session?socket=/nonexistent/libvirt-sock");
	TURN_UNTIL(seen.down >= 3);
	log_set_sink(NULL, NULL);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warning, "hypervisor t: Failed to connect socket"));
	assert_non_null(strstr(warning, "; no libvirt listens on /nonexistent/libvirt-sock: start "
					"it, or mend the uri"));
	assert_int_equal(seen.up, 0);
	assert_false(hypervisor_is_up(h));
	assert_non_null(strstr(hypervisor_error(h), "/nonexistent/libvirt-sock"));
	assert_string_equal(seen.text, hypervisor_error(h));
}

/* A libvirtd that is stopped still has its socket: connecting works, and nothing comes. */
struct silent {
	struct sockaddr_un at;
	int fd;
	char dir[32], uri[160];
};

static void silent_begin(struct silent *s)
{
	*s = (struct silent){.at = {.sun_family = AF_UNIX},
		.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.dir = "/tmp/vmc-unit-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->at.sun_path, sizeof(s->at.sun_path), "%s/s", s->dir);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)), 0);
	assert_int_equal(listen(s->fd, 5), 0);
	snprintf(s->uri, sizeof(s->uri), "qemu+unix:///session?socket=%s", s->at.sun_path);
}

static void silent_end(struct silent *s)
{
	fd_close(&s->fd);
	unlink(s->at.sun_path);
	rmdir(s->dir);
}

static void ending_while_libvirtd_says_nothing_takes_a_second_at_most(void **state)
{
	struct silent silent;
	uint64_t began;

	silent_begin(&silent);
	start(silent.uri);
	turn_for(200 * LOOP_MSEC);
	assert_int_equal(seen.up + seen.down, 0);
	began = now_us();
	hypervisor_destroy(&h);
	assert_true(now_us() - began < 2 * LOOP_SECOND);
	silent_end(&silent);
}

/* --- back ends --- */

static void on_opened(void *arg, enum backend_error error, const char *text)
{
	seen.opened++;
	seen.open_error = error;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void on_output(void *arg, const uint8_t *data, size_t len)
{
}

static void on_sent(void *arg, size_t len)
{
}

static void on_ended(void *arg, enum backend_end end, const char *text)
{
	seen.ended++;
}

static const struct backend_events backend_events = {
	.opened = on_opened, .output = on_output, .sent = on_sent, .ended = on_ended};

static int open_backend(void)
{
	return backend_libvirt_open(h, &guest, NULL, 0, &backend_events, NULL, &seen.backend);
}

static void a_failed_open_says_why_and_is_closed_by_its_owner(void **state)
{
	start("test:///default");
	assert_int_equal(open_backend(), -ENOTCONN);
	assert_null(seen.backend);
	TURN_UNTIL(seen.up);
	assert_int_equal(open_backend(), 0);
	assert_int_equal(seen.opened, 0);
	assert_int_equal(backend_send(seen.backend, (const uint8_t *)"x", 1), -EPIPE);
	TURN_UNTIL(seen.opened);
	assert_int_equal(
		seen.open_error, BACKEND_UNSUPPORTED); /* the test driver has no consoles */
	assert_true(strlen(seen.text) > 0);
	assert_int_equal(backend_send(seen.backend, (const uint8_t *)"x", 1), -EPIPE);
	backend_close(&seen.backend);
	assert_null(seen.backend);
}

static void no_event_comes_after_close(void **state)
{
	int i;

	start("test:///default");
	TURN_UNTIL(seen.up);
	for (i = 0; i < 50; i++) {
		assert_int_equal(open_backend(), 0);
		backend_close(&seen.backend);
	}
	turn_for(100 * LOOP_MSEC);
	assert_int_equal(seen.opened + seen.ended, 0);
	/* And one that is under way when the hypervisor ends. */
	assert_int_equal(open_backend(), 0);
	backend_close(&seen.backend);
	hypervisor_destroy(&h);
	assert_int_equal(seen.opened + seen.ended, 0);
}

/* What a thread still works with is not freed because the hypervisor is lost meanwhile. */
static void one_that_was_left_while_it_opened_is_there_until_the_opening_is_over(void **state)
{
	struct hypervisor_client *client;
	struct silent silent;

	start("test:///default");
	TURN_UNTIL(seen.up);
	silent_begin(&silent);
	h->target.uri = silent.uri;
	assert_int_equal(open_backend(), 0);
	client = hypervisor_next_client(h, NULL);
	TURN_UNTIL(virt_socket_fd(&client->socket) >= 0);
	backend_close(&seen.backend);
	client->lost(client);
	turn_for(100 * LOOP_MSEC);
	assert_ptr_equal(hypervisor_next_client(h, NULL), client);
	virt_socket_break(&client->socket);
	TURN_UNTIL(!hypervisor_next_client(h, NULL));
	assert_int_equal(seen.opened + seen.ended, 0);
	silent_end(&silent);
}

static enum backend_error error_of(int code, int domain, const char *text)
{
	struct virt_error error = {.code = code, .domain = domain};

	snprintf(error.text, sizeof(error.text), "%s", text);
	return libvirt_backend_error_of(&error);
}

static void errors_of_libvirt_are_told_apart(void **state)
{
	assert_int_equal(error_of(VIR_ERR_OPERATION_FAILED, VIR_FROM_QEMU,
				 "operation failed: Active console session exists for this domain"),
		BACKEND_BUSY);
	assert_int_equal(error_of(VIR_ERR_OPERATION_FAILED, VIR_FROM_QEMU,
				 "operation failed: PTY device is not yet assigned"),
		BACKEND_EARLY);
	assert_int_equal(
		error_of(VIR_ERR_OPERATION_FAILED, VIR_FROM_QEMU, "translated"), BACKEND_BUSY);
	assert_int_equal(error_of(VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU,
				 "internal error: character device serial0 is not using a PTY"),
		BACKEND_EARLY);
	assert_int_equal(error_of(VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC,
				 "internal error: client socket is closed"),
		BACKEND_UNREACHED);
	assert_int_equal(
		error_of(VIR_ERR_OPERATION_INVALID, VIR_FROM_QEMU, "not running"), BACKEND_OFF);
	assert_int_equal(error_of(VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, "no such"), BACKEND_OFF);
	assert_int_equal(
		error_of(VIR_ERR_OPERATION_DENIED, VIR_FROM_DOMAIN, "read only"), BACKEND_DENIED);
	assert_int_equal(
		error_of(VIR_ERR_ACCESS_DENIED, VIR_FROM_ACCESS, "denied"), BACKEND_DENIED);
	assert_int_equal(error_of(VIR_ERR_NO_MEMORY, VIR_FROM_NONE, "?"), BACKEND_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cure_names_the_socket_or_the_group),
		TEST(guests_are_reported_before_the_link),
		TEST(nobody_has_all_who_read_memory),
		TEST(stop_and_start_are_followed),
		TEST(a_new_guest_appears_and_a_transient_one_goes),
		TEST(the_reason_of_a_transient_guests_end_is_waited_for),
		TEST(a_guest_that_is_gone_without_an_event_is_reported_all_the_same),
		TEST(a_question_is_answered_once_unless_forgotten),
		TEST(an_answer_is_fresh),
		TEST(an_unreachable_one_is_tried_again),
		TEST(ending_while_libvirtd_says_nothing_takes_a_second_at_most),
		TEST(a_failed_open_says_why_and_is_closed_by_its_owner),
		TEST(no_event_comes_after_close),
		TEST(one_that_was_left_while_it_opened_is_there_until_the_opening_is_over),
		TEST(errors_of_libvirt_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
