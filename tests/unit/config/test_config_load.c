/* Loading: mistakes are told with file, line and the nearest known name; drop-ins; defaults. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/protocols.h"
#include "config/keys.h"
#include "core/io.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND UINT64_C(1000000)
#define TEN_FOLDERS "/a, /b, /c, /d, /e, /f, /g, /h, /i, /j"

/* A folder of the test's own; the working directory while it runs, so that messages are short. */
static char folder[64];

static int enter_folder(void **state)
{
	strcpy(folder, "/tmp/test_config_XXXXXX");
	return mkdtemp(folder) && chdir(folder) == 0 && mkdir("conf.d", 0755) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_text(const char *path, const char *text)
{
	assert_int_equal(write_file(path, text, strlen(text), 0644), 0);
}

static struct config *load_good(void)
{
	struct config_errors errors = {0};
	struct config *c = NULL;
	int rc = config_load("main.conf", &c, &errors);

	if (rc != 0) {
		config_errors_print(stderr, &errors);
		fail();
	}
	assert_true(config_errors_none(&errors));
	config_errors_finish(&errors);
	return c;
}

static struct config *load_text(const char *text)
{
	write_text("main.conf", text);
	return load_good();
}

/* Loads main.conf, which has to be refused. */
static void load_bad(struct config_errors *errors)
{
	struct config *c = NULL;

	*errors = (struct config_errors){0};
	assert_int_equal(config_load("main.conf", &c, errors), -EINVAL);
	assert_null(c);
	assert_false(config_errors_none(errors));
}

static void an_empty_file_gives_the_defaults(void **state)
{
	struct config *c = load_text("");
	const char *file;
	unsigned line;

	assert_string_equal(c->daemon.state_dir, "/var/lib/vmconsoled");
	assert_string_equal(c->daemon.run_dir, "/run/vmconsoled");
	assert_int_equal(c->daemon.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->ssh.listen.count, 1);
	assert_string_equal(c->ssh.listen.items[0].text, "[::]:2222");
	assert_string_equal(c->ssh.host_keys, "/var/lib/vmconsoled/hostkeys");
	assert_int_equal(c->ssh.login_grace, 60 * SECOND);
	assert_int_equal(c->ssh.idle_timeout, 0);
	assert_string_equal(c->ssh.banner, "");
	assert_int_equal(c->auth.authorized_keys.count, 0);
	assert_int_equal(c->console.escape, 0x1d);
	assert_int_equal(c->console.linger, SECOND);
	assert_int_equal(c->console.linger_max, 3600 * SECOND);
	assert_int_equal(c->console.history_memory, 1 << 20);
	assert_int_equal(c->console.keep_open, 600 * SECOND);
	assert_int_equal(c->console.writers, CONFIG_WRITERS_ONE);
	assert_int_equal(c->hypervisor_count, 1);
	assert_string_equal(c->hypervisors[0].at.name, "local");
	assert_string_equal(c->hypervisors[0].uri, "qemu:///system");
	assert_int_equal(c->access_count, 0);
	config_place(c, "ssh", "listen", &file, &line);
	assert_null(file);
	config_free(c);
}

static void every_key_is_read(void **state)
{
	struct config *c = load_text("[daemon]\nstate_dir = /s/\nrun_dir = /r%20r\n"
				     "log_level = debug\n"
				     "[hypervisor a]\nuri = test:///default\nsasl_user = me\n"
				     "sasl_password_file = /p\n[hypervisor b]\n"
				     "uri = qemu+ssh://h/system?command=/a%20b\n"
				     "[ssh]\nlisten = 127.0.0.1:1, [::1]:2\nlogin_grace = 2m\n"
				     "max_connections = 7\nmax_unauthenticated = 6\n"
				     "max_per_source = 5\nmax_channels = 4\nidle_timeout = 1h\n"
				     "banner = a%0A%22b%22\n"
				     "[auth]\nauthorized_keys = /k/*.pub,/l\n"
				     "[console]\nescape = ^%5C\nlinger = 250ms\nlinger_max = 3\n"
				     "history_memory = 64K\nkeep_open = 0\nwriters = many\n"
				     "[access x]\nwho = key:*, ticket\nvms = web-*, a%2Cb\n"
				     "allow = view, dump-get\n");
	const char *file;
	unsigned line;

	assert_string_equal(c->daemon.state_dir, "/s");
	assert_string_equal(c->daemon.run_dir, "/r r");
	assert_int_equal(c->daemon.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->hypervisor_count, 2);
	assert_string_equal(c->hypervisors[0].at.name, "a");
	assert_string_equal(c->hypervisors[0].uri, "test:///default");
	assert_string_equal(c->hypervisors[0].sasl_user, "me");
	assert_string_equal(c->hypervisors[0].sasl_password_file, "/p");
	assert_string_equal(c->hypervisors[1].uri, "qemu+ssh://h/system?command=/a%20b");
	assert_string_equal(c->hypervisors[1].sasl_user, "");
	assert_int_equal(c->ssh.listen.count, 2);
	assert_string_equal(c->ssh.listen.items[1].text, "[::1]:2");
	assert_string_equal(c->ssh.host_keys, "/s/hostkeys");
	assert_int_equal(c->ssh.login_grace, 120 * SECOND);
	assert_int_equal(c->ssh.max_connections, 7);
	assert_int_equal(c->ssh.max_unauthenticated, 6);
	assert_int_equal(c->ssh.max_per_source, 5);
	assert_int_equal(c->ssh.max_channels, 4);
	assert_int_equal(c->ssh.idle_timeout, 3600 * SECOND);
	assert_string_equal(c->ssh.banner, "a\n\"b\"");
	assert_int_equal(c->auth.authorized_keys.count, 2);
	assert_string_equal(c->auth.authorized_keys.items[0], "/k/*.pub");
	assert_int_equal(c->console.escape, 0x1c);
	assert_int_equal(c->console.linger, SECOND / 4);
	assert_int_equal(c->console.linger_max, 3 * SECOND);
	assert_int_equal(c->console.history_memory, 65536);
	assert_int_equal(c->console.keep_open, 0);
	assert_int_equal(c->console.writers, CONFIG_WRITERS_MANY);
	assert_int_equal(c->access_count, 1);
	assert_string_equal(c->accesses[0].at.name, "x");
	assert_string_equal(c->accesses[0].at.file, "main.conf");
	assert_int_equal(c->accesses[0].at.line, 29);
	assert_int_equal(c->accesses[0].who.count, 2);
	assert_string_equal(c->accesses[0].vms.items[1], "a,b");
	assert_int_equal(c->accesses[0].allow, RIGHT_VIEW | RIGHT_DUMP_GET);
	config_place(c, "ssh", "listen", &file, &line);
	assert_string_equal(file, "main.conf");
	assert_int_equal(line, 12);
	config_free(c);
}

static void host_keys_follow_state_dir_unless_they_are_set(void **state)
{
	struct config *c = load_text("[daemon]\nstate_dir = /s\n");

	assert_string_equal(c->ssh.host_keys, "/s/hostkeys");
	config_free(c);
	c = load_text("[ssh]\nhost_keys = /k/\n[daemon]\nstate_dir = /s\n");
	assert_string_equal(c->ssh.host_keys, "/k");
	config_free(c);
	c = load_text("[daemon]\nstate_dir = /\n");
	assert_string_equal(c->ssh.host_keys, "/hostkeys");
	config_free(c);
}

static void a_port_that_carries_ssh_is_instead_of_the_default_one(void **state)
{
	static const char with_https[] = "[https]\ncertificate = /c\nkey = /k\n";
	char both[256];
	struct config *c;

	snprintf(
		both, sizeof(both), "%s[listen all]\naddress = 127.0.0.1:5, [::1]:5\n", with_https);
	c = load_text(both);
	assert_int_equal(c->ssh.listen.count, 0);
	assert_int_equal(c->listen_count, 1);
	assert_int_equal(c->listens[0].address.count, 2);
	assert_int_equal(c->listens[0].sniff_timeout, 2 * SECOND);
	assert_true(config_listen_has(&c->listens[0], "ssh"));
	assert_true(config_has_https(c));
	config_free(c);

	snprintf(both, sizeof(both), "%s[listen web]\naddress = *:5\nprotocols = https\n",
		with_https);
	c = load_text(both);
	assert_string_equal(c->ssh.listen.items[0].text, "[::]:2222");
	config_free(c);

	c = load_text("[ssh]\nlisten = *:1\n[listen more]\naddress = *:5\nprotocols = ssh\n");
	assert_string_equal(c->ssh.listen.items[0].text, "[::]:1");
	assert_false(config_has_https(c));
	config_free(c);
}

static void plain_http_is_for_this_host_and_needs_no_certificate(void **state)
{
	struct config *c = load_text("[listen web]\nprotocols = http\ngroup = www\naddress = "
				     "unix:/run/x, 127.9.9.9:5, [::1]:5, [::ffff:127.0.0.1]:5\n");

	assert_string_equal(c->listens[0].address.items[0].text, "unix:/run/x");
	assert_string_equal(c->listens[0].group, "www");
	assert_false(config_has_https(c));
	assert_true(config_has_web(c));
	assert_string_equal(c->ssh.listen.items[0].text, "[::]:2222");
	config_free(c);
}

static void mistakes_are_told_with_file_line_and_nearest_name(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"[listen x]\nprotocols = ssh\n",
			"main.conf:1: missing key address: this section needs it"},
		{"[listen x]\naddress = *:5\nprotocols = ssh, htps\n",
			"main.conf:1: [listen x] protocols: unknown protocol \"htps\": write ssh, "
			"https or both; or http"},
		{"[listen x]\naddress = 127.0.0.1:5\nprotocols = ssh, http\n",
			"main.conf:1: [listen x] protocols: http stands alone: give the others a "
			"section of their own"},
		{"[listen x]\naddress = 127.0.0.1:5, 192.0.2.1:5\nprotocols = http\n",
			"main.conf:1: [listen x] address: http has no TLS, and other hosts can "
			"reach 192.0.2.1:5: write unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, or "
			"serve https"},
		{"[listen x]\naddress = *:5\nprotocols = http\n",
			"main.conf:1: [listen x] address: http has no TLS, and other hosts can "
			"reach [::]:5: write unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, or serve "
			"https"},
		{"[listen x]\naddress = [::ffff:192.0.2.1]:5\nprotocols = http\n",
			"main.conf:1: [listen x] address: http has no TLS, and other hosts can "
			"reach [::ffff:192.0.2.1]:5: write unix:/PATH, 127.0.0.1:PORT or "
			"[::1]:PORT, or serve https"},
		{"[listen x]\naddress = unix:/s\nprotocols = ssh\n",
			"main.conf:1: [listen x] address: a unix socket is for protocols = http "
			"alone"},
		{"[listen x]\naddress = unix:s\nprotocols = http\n",
			"main.conf:2: address: invalid address \"unix:s\": write 192.0.2.1:2222, "
			"[2001:db8::1]:2222 or *:2222"},
		{"[https]\nlisten = unix:/s\ncertificate = /c\nkey = /k\n",
			"main.conf:2: listen: a unix socket is for a [listen] section with "
			"protocols = http"},
		{"[https]\nupstream = http://unix:/s\n",
			"main.conf:2: invalid upstream \"http://unix:/s\": write "
			"http://192.0.2.1:8080, https://192.0.2.1:8443 or unix:/PATH"},
		{"[https]\nupstream = https://127.0.0.1:5\n",
			"main.conf:2: an upstream of https:// needs upstream_ca: the authorities "
			"that sign its certificate"},
		{"[https]\nupstream = https://127.0.0.1:5\nupstream_ca = /ca\nupstream_key = /k\n",
			"main.conf:4: upstream_key and upstream_certificate belong together: set "
			"both or none"},
		{"[https]\nupstream = http://127.0.0.1:5\nupstream_ca = /ca\n",
			"main.conf:2: upstream is asked without TLS, and upstream_ca, "
			"upstream_certificate or upstream_key is set: write https://, or take them "
			"out"},
		{"[https]\nupstream = https://host1:5\n",
			"main.conf:2: invalid upstream \"https://host1:5\": write "
			"http://192.0.2.1:8080, https://192.0.2.1:8443 or unix:/PATH"},
		{"[listen x]\naddress = *:5\n",
			"https needs certificate and key in [https]: the server's certificate, and "
			"its key"},
		{"[ssh]\nlisten = *:5\n[listen x]\naddress = *:5\nprotocols = ssh\n",
			"main.conf:3: [listen x] address: duplicate address"},
		{"[listen ssh]\naddress = *:5\nprotocols = ssh\n",
			"main.conf:1: [listen ssh]: sockets of this name are those of [ssh]: "
			"choose "
			"another name"},
		{"[ssh]\nlisten =\n", "main.conf:2: listen is empty, and no [listen] section has "
				      "ssh: one of them "
				      "must say where to listen"},
		{"[deamon]\n", "main.conf:1: unknown section [deamon]; did you mean [daemon]?"},
		{"[acess x]\n", "main.conf:1: unknown section [acess]; did you mean [access]?"},
		{"[nonsense]\nfoo = 1\n", "main.conf:1: unknown section [nonsense]"},
		{"[ssh]\n\nlisten_on = *:1\n",
			"main.conf:3: unknown key listen_on in [ssh]; did you mean listen?"},
		{"[auth]\nmax_channels = 1\n",
			"main.conf:2: unknown key max_channels in [auth]; it belongs in [ssh]"},
		{"[auth]\nwhatever_this_is = 1\n",
			"main.conf:2: unknown key whatever_this_is in [auth]"},
		{"[access]\n", "main.conf:1: [access] needs a name: [access NAME]"},
		{"[ssh two]\n", "main.conf:1: [ssh] takes no name: write [ssh]"},
		{"[ssh]\n[ssh]\n", "main.conf:2: duplicate section [ssh]: line 1 of this file "
				   "begins it already"},
		{"[ssh]\nbanner = a\nbanner = b\n",
			"main.conf:3: duplicate key banner: line 2 sets it already"},
		{"[ssh]\nbanner = a;b\n",
			"main.conf:2: a value cannot hold ; as it is: write %3B (a comment has a "
			"line of its own)"},
		{"[ssh]\nbanner = 50%\n",
			"main.conf:2: banner: % must be followed by two hex digits, not 00; write "
			"%25 for the character itself"},
		{"[ssh]\nlogin_grace = soon\n",
			"main.conf:2: login_grace: invalid duration \"soon\": write 250ms, 30s, "
			"5m, 1h, 2d or seconds"},
		{"[ssh]\nlogin_grace = 999ms\n",
			"main.conf:2: login_grace: 999ms is out of range: 1s to 1h"},
		{"[ssh]\nlogin_grace = 61m\n",
			"main.conf:2: login_grace: 61m is out of range: 1s to 1h"},
		{"[ssh]\nmax_connections = 0\n",
			"main.conf:2: max_connections: 0 is out of range: 1 to 100000"},
		{"[ssh]\nmax_connections = 99999999999999999999\n",
			"main.conf:2: max_connections: 99999999999999999999 is out of range: 1 "
			"to 100000"},
		{"[ssh]\nmax_connections =\n", "main.conf:2: max_connections: invalid number \"\""},
		{"[ssh]\nlisten = :::22\n",
			"main.conf:2: listen: invalid address \":::22\": write 192.0.2.1:2222, "
			"[2001:db8::1]:2222 or *:2222"},
		{"[ssh]\nlisten = *:1, [::]:1\n", "main.conf:2: listen: duplicate address"},
		{"[ssh]\nlisten = *:1,*:2,*:3,*:4,*:5,*:6,*:7,*:8,*:9,*:10,*:11,*:12,*:13,*:14,"
		 "*:15,*:16,*:17\n",
			"main.conf:2: listen: the list has more than 16 addresses"},
		{"[ssh]\nhost_keys =\n", "main.conf:2: host_keys: \"\" is not an absolute path"},
		{"[daemon]\nstate_dir = var\n",
			"main.conf:2: state_dir: \"var\" is not an absolute path"},
		{"[daemon]\nstate_dir = /var/*\n",
			"main.conf:2: state_dir: \"/var/*\": a pattern (* ? [) is not possible "
			"here"},
		{"[daemon]\nlog_level = chatty\n",
			"main.conf:2: log_level: invalid value \"chatty\": write "
			"one of error, warning, info, debug"},
		{"[auth]\nauthorized_keys = /a, b\n",
			"main.conf:2: authorized_keys: \"b\" is not an absolute path"},
		{"[auth]\nauthorized_keys = /a,,/b\n",
			"main.conf:2: authorized_keys: item 2 is empty, or has a % without two hex "
			"digits"},
		{"[console]\nhistory_memory = 63K\n",
			"main.conf:2: history_memory: 63K is out of range: 64K to 64M"},
		{"[console]\nhistory_memory = 1s\n",
			"main.conf:2: history_memory: invalid size \"1s\": write bytes, 64K, 1M or "
			"1G"},
		{"[console]\nescape = ^J\n",
			"main.conf:2: escape: invalid escape character \"^J\": "
			"write ^] or another of "
			"^A to ^_, but not ^J or ^M; or none"},
		{"[dump]\ndirectories = " TEN_FOLDERS ", " TEN_FOLDERS ", " TEN_FOLDERS
		 ", /k, /l\n",
			"main.conf:2: directories: 32 folders, and the most is 31: take some out"},
		{"[console]\nlinger_max = 999ms\n", "main.conf:2: linger_max is less than linger"},
		{"[console]\nwriters = two\n",
			"main.conf:2: writers: invalid value \"two\": write one of one, many"},
		{"[hypervisor x]\nuri = system\n", "main.conf:2: uri: invalid libvirt URI "
						   "\"system\": write it as qemu:///system"},
		{"[hypervisor x]\nuri =\n", "main.conf:2: uri: is empty"},
		{"[hypervisor x]\nsasl_password_file = /p\n",
			"main.conf:1: [hypervisor x] has sasl_password_file without sasl_user"},
		{"[hypervisor x]\n[hypervisor y]\n",
			"main.conf:2: [hypervisor y] has the same uri as [hypervisor x]"},
		{"[access x]\nvms = *\nallow = view\n",
			"main.conf:1: missing key who: this section needs it"},
		{"[access x]\nwho =\nvms = *\nallow = view\n", "main.conf:2: who: is empty"},
		{"[access x]\nwho = kye:*\nvms = *\nallow = view\n",
			"main.conf:2: who: unknown kind in \"kye:*\"; did you mean key:?"},
		{"[access x]\nwho = alice\nvms = *\nallow = view\n",
			"main.conf:2: who: invalid item \"alice\": write KIND:PATTERN, such as "
			"key:SHA256:*"},
		{"[access x]\nwho = key:\nvms = *\nallow = view\n",
			"main.conf:2: who: missing value in \"key:\": write key:PATTERN"},
		{"[access x]\nwho = user\nvms = *\nallow = view\n",
			"main.conf:2: who: missing value in \"user\": write user:PATTERN"},
		{"[access x]\nwho = key:*\nvms = *\nallow = veiw\n",
			"main.conf:4: allow: invalid right \"veiw\"; did you mean view?"},
		{"[access x]\nwho = key:*\nvms = *\nallow = everything\n",
			"main.conf:4: allow: invalid right \"everything\""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config_errors errors;

		write_text("main.conf", cases[i].text);
		load_bad(&errors);
		assert_string_equal(errors.lines[0], cases[i].error);
		assert_int_equal(errors.count, 1);
		config_errors_finish(&errors);
	}
}

static void all_mistakes_are_told_at_once(void **state)
{
	static const char *const expected[] = {
		"main.conf:3: a value cannot hold # as it is: write %23 (a comment has a line of "
		"its own)",
		"main.conf:2: login_grace: invalid duration \"x\": write 250ms, 30s, 5m, 1h, 2d or "
		"seconds",
		"main.conf:4: unknown section [foo]",
		"conf.d/a.conf:2: state_dir: \"x\" is not an absolute path",
	};
	struct config_errors errors;

	write_text("main.conf", "[ssh]\nlogin_grace = x\nbanner = #1\n[foo]\n[access a]\n");
	write_text("conf.d/a.conf", "[daemon]\nstate_dir = x\n");
	load_bad(&errors);
	/* That [access a] lacks keys may follow from the line that could not be read: not told. */
	assert_int_equal(errors.count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(errors.lines[i], expected[i]);
	config_errors_finish(&errors);
}

static void a_flood_of_mistakes_is_bounded(void **state)
{
	struct config_errors errors;
	char text[4096], *printed;
	size_t used = 0, len;
	FILE *out;

	for (int i = 0; i < CONFIG_ERRORS_MAX + 7; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "rubbish %d\n", i);
	write_text("main.conf", text);
	load_bad(&errors);
	assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
	assert_int_equal(errors.dropped, 7);
	out = open_memstream(&printed, &len);
	config_errors_print(out, &errors);
	fclose(out);
	assert_non_null(strstr(printed, "\n... and 7 more\n"));
	free(printed);
	config_errors_finish(&errors);
	assert_true(config_errors_none(&errors));
}

static void foreign_bytes_in_file_names_are_escaped(void **state)
{
	struct config_errors errors;

	write_text("main.conf", "");
	write_text("conf.d/a\x1b[2J.conf", "[foo]\n");
	load_bad(&errors);
	assert_string_equal(errors.lines[0], "conf.d/a\\x1b[2J.conf:1: unknown section [foo]");
	config_errors_finish(&errors);
}

static void dropins_follow_in_the_order_of_their_names(void **state)
{
	const char *file;
	struct config *c;
	unsigned line;

	write_text("conf.d/20-b.conf", "[ssh]\nmax_channels = 20\n[access b]\nwho = key:*\n"
				       "vms = *\nallow = view\n");
	write_text("conf.d/10-a.conf", "[ssh]\nmax_channels = 10\nmax_per_source = 10\n"
				       "[access a]\nwho = key:*\nvms = *\nallow = view\n");
	write_text("conf.d/B.conf", "[daemon]\nlog_level = error\n");
	write_text("conf.d/a.conf", "[daemon]\nlog_level = debug\n");
	write_text("conf.d/.hidden.conf", "rubbish");
	write_text("conf.d/30-c.conf.off", "rubbish");
	write_text("conf.d/.conf", "rubbish");
	c = load_text("[access main]\nwho = key:*\nvms = *\nallow = view\n"
		      "[ssh]\nmax_channels = 1\nmax_per_source = 1\nmax_unauthenticated = 1\n");
	assert_int_equal(c->ssh.max_channels, 20);
	assert_int_equal(c->ssh.max_per_source, 10);
	assert_int_equal(c->ssh.max_unauthenticated, 1);
	assert_int_equal(c->daemon.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->access_count, 3);
	assert_string_equal(c->accesses[0].at.name, "main");
	assert_string_equal(c->accesses[1].at.name, "a");
	assert_string_equal(c->accesses[2].at.name, "b");
	assert_string_equal(c->accesses[2].at.file, "conf.d/20-b.conf");
	config_place(c, "ssh", "max_channels", &file, &line);
	assert_string_equal(file, "conf.d/20-b.conf");
	assert_int_equal(line, 2);
	config_free(c);
}

static void dropins_lie_beside_the_main_file(void **state)
{
	struct config_errors errors = {0};
	struct config *c;
	char path[128];

	write_text("main.conf", "");
	write_text("conf.d/a.conf", "[ssh]\nmax_channels = 3\n");
	assert_int_equal(mkdir("elsewhere", 0755), 0);
	assert_int_equal(chdir("elsewhere"), 0);
	snprintf(path, sizeof(path), "%s/main.conf", folder);
	assert_int_equal(config_load(path, &c, &errors), 0);
	assert_int_equal(c->ssh.max_channels, 3);
	config_free(c);
	config_errors_finish(&errors);
	assert_int_equal(config_load("../main.conf", &c, &errors), 0);
	assert_int_equal(c->ssh.max_channels, 3);
	config_free(c);
	config_errors_finish(&errors);
	assert_int_equal(chdir(".."), 0);

	/* Without the folder there are none. */
	assert_int_equal(unlink("conf.d/a.conf"), 0);
	assert_int_equal(rmdir("conf.d"), 0);
	config_free(load_good());
}

static void a_named_section_cannot_be_repeated_in_a_dropin(void **state)
{
	struct config_errors errors;

	write_text("main.conf", "\n[access a]\nwho = key:*\nvms = *\nallow = view\n");
	write_text("conf.d/a.conf", "[access a]\nwho = user:*\nvms = *\nallow = admin\n");
	load_bad(&errors);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.lines[0],
		"conf.d/a.conf:1: duplicate section [access a]: it is in main.conf:2 already");
	config_errors_finish(&errors);
}

static void the_default_hypervisor_gives_way_to_configured_ones(void **state)
{
	struct config *c;

	write_text("conf.d/a.conf", "[hypervisor far]\nuri = qemu+tls://far/system\n");
	c = load_text("");
	assert_int_equal(c->hypervisor_count, 1);
	assert_string_equal(c->hypervisors[0].at.name, "far");
	config_free(c);
}

static void unreadable_files_are_told(void **state)
{
	struct config_errors errors;
	char *big = calloc(1, CONFIG_FILE_MAX + 1);

	load_bad(&errors);
	assert_string_equal(errors.lines[0],
		"main.conf: there is no such file; vmconsoled --sample-config "
		"prints one to begin with");
	config_errors_finish(&errors);

	assert_int_equal(mkdir("main.conf", 0755), 0);
	load_bad(&errors);
	assert_string_equal(errors.lines[0], "main.conf: is not a regular file");
	config_errors_finish(&errors);
	assert_int_equal(rmdir("main.conf"), 0);

	/* Opening a fifo would wait for ever. */
	assert_int_equal(mkfifo("main.conf", 0644), 0);
	load_bad(&errors);
	assert_string_equal(errors.lines[0], "main.conf: is not a regular file");
	config_errors_finish(&errors);
	assert_int_equal(unlink("main.conf"), 0);

	write_text("main.conf", "");
	assert_int_equal(chmod("main.conf", 0666), 0);
	load_bad(&errors);
	assert_string_equal(errors.lines[0],
		"main.conf: others may write to it (mode 0666): chmod go-w main.conf");
	config_errors_finish(&errors);

	memset(big, '\n', CONFIG_FILE_MAX);
	write_text("main.conf", big);
	assert_int_equal(chmod("main.conf", 0644), 0);
	config_free(load_good());
	big[CONFIG_FILE_MAX - 1] = ' ';
	assert_int_equal(write_file("main.conf", big, CONFIG_FILE_MAX + 1, 0644), 0);
	load_bad(&errors);
	assert_string_equal(errors.lines[0], "main.conf: cannot be read: it is larger than 1M");
	config_errors_finish(&errors);
	free(big);
}

static void a_folder_of_dropins_that_others_rule_is_refused(void **state)
{
	struct config_errors errors;

	write_text("main.conf", "");
	write_text("conf.d/a.conf", "[access a]\nwho = user:*\nvms = *\nallow = view\n");
	assert_int_equal(chmod("conf.d", 0775), 0);
	load_bad(&errors);
	assert_int_equal(errors.count, 1);
	assert_string_equal(
		errors.lines[0], "conf.d: others may write to it (mode 0775): chmod go-w conf.d");
	config_errors_finish(&errors);
	assert_int_equal(chmod("conf.d", 0755), 0);
	assert_int_equal(chmod("conf.d/a.conf", 0664), 0);
	load_bad(&errors);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.lines[0], "conf.d/a.conf: others may write to it (mode 0664): "
					     "chmod go-w conf.d/a.conf");
	config_errors_finish(&errors);
	assert_int_equal(chmod("conf.d/a.conf", 0644), 0);

	if (geteuid() != 0)
		return;
	assert_int_equal(chown("conf.d", 4711, (gid_t)-1), 0);
	load_bad(&errors);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.lines[0],
		"conf.d: it belongs to user 4711, neither to root nor to root: chown root conf.d");
	config_errors_finish(&errors);
	assert_int_equal(chown("conf.d", 0, (gid_t)-1), 0);
	assert_int_equal(chown("main.conf", 4711, (gid_t)-1), 0);
	load_bad(&errors);
	assert_non_null(strstr(errors.lines[0], "main.conf: it belongs to user 4711"));
	config_errors_finish(&errors);
}

/* They refuse nothing. */
static void what_is_hardly_meant_gets_a_warning(void **state)
{
	static const struct {
		const char *text, *warning; /* NULL: none */
	} cases[] = {
		{"", "there is no [access] section: nobody may do anything but root and the "
		     "service's own user, on this host"},
		{"[access x]\nwho = user:*\nvms = *\nallow = view, type, force, control, log, "
		 "admin\n",
			NULL},
		{"[access x]\nwho = user:*\nvms = *\nallow = view\n"
		 "[listen x]\naddress = [::1]:5\nprotocols = http\ngroup = www\n",
			"main.conf:5: [listen x] group: it is for unix sockets, and address has "
			"none"},
		{"[access x]\nwho = user:*, ticket, address:::1\nvms = *\nallow = log\n", NULL},
		{"[access x]\nwho = user:*\nvms = *\nallow = view\n"
		 "[https]\nkey = /etc/pki/vdsm/keys/vdsmkey.pem\n",
			"main.conf:6: key: whoever breaks into the process that speaks HTTP has "
			"this key, which opens more than consoles: make one for https alone; "
			"VDSM's "
			"belongs in upstream_key"},
		{"[access x]\nwho = user:*, address:::1\nvms = *\nallow = view\n"
		 "[https]\nlisten = [::1]:1\ncertificate = /c\nkey = /k\ndump_auth = ticket, "
		 "none\n",
			"main.conf:1: [access x] who: \"address:::1\" lets in by https whoever "
			"sends from there, with nothing to show: none is in console_auth, "
			"dump_auth or rpc_auth"},
		{"\n[access x]\nwho = user:*\nvms = *\nallow = type, force\n",
			"main.conf:2: [access x] allows type, force without view: it has no effect "
			"where no other section allows view"},
		{"[access x]\nwho = user:*\nvms = *\nallow = view, force\n",
			"main.conf:1: [access x] allows force without type: it has no effect where "
			"no other section allows type"},
		{"[access x]\nwho = user:*\nvms = *\nallow = view, dump-make, dump-delete\n",
			"main.conf:1: [access x] allows dump-delete without dump-get: it has no "
			"effect where no other section allows dump-get"},
		{"[access x]\nwho = user:*, key:*\nvms = *\nallow = view\n",
			"main.conf:1: [access x] who: \"key:*\" is nobody without authorized_keys "
			"in "
			"[auth]"},
		{"[access x]\nwho = cert:*\nvms = *\nallow = view\n",
			"main.conf:1: [access x] who: \"cert:*\" is nobody without "
			"vdsm_certificates in [auth]"},
		{"[access x]\nwho = principal:p\nvms = *\nallow = view\n",
			"main.conf:1: [access x] who: \"principal:p\" is nobody without "
			"ssh_user_ca "
			"in [auth]"},
		{"[access x]\nwho = entity:e\nvms = *\nallow = view\n",
			"main.conf:1: [access x] who: \"entity:e\" is nobody without key_command "
			"in "
			"[auth]"},
		{"[access x]\nwho = entity-id:1\nvms = *\nallow = view\n"
		 "[auth]\nkey_command = /bin/true\n",
			NULL},
		{"[access x]\nwho = key:*, access:x, principal:p\nvms = *\nallow = view\n"
		 "[auth]\nauthorized_keys = /k\n",
			NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config_errors errors = {0};
		struct config *c = NULL;

		write_text("main.conf", cases[i].text);
		assert_int_equal(config_load("main.conf", &c, &errors), 0);
		assert_int_equal(errors.count, cases[i].warning != NULL);
		assert_int_equal(errors.warnings, errors.count);
		if (cases[i].warning) {
			assert_string_equal(errors.lines[0], cases[i].warning);
			assert_string_equal(config_errors_prefix(&errors, 0), "warning: ");
		}
		config_errors_finish(&errors);
		config_free(c);
	}
}

static void maxima_beyond_the_descriptor_limit_are_refused(void **state)
{
	struct config_errors errors = {0};
	struct config *c = load_text("\n[ssh]\nmax_connections = 100\nmax_channels = 8\n");
	uint64_t needed = config_descriptors(c);

	assert_int_equal(needed, CONFIG_DESCRIPTORS_OTHER + 100 * (1 + 8));
	assert_int_equal(config_check_descriptors(c, needed, &errors), 0);
	assert_int_equal(config_check_descriptors(c, RLIM_INFINITY, &errors), 0);
	assert_true(config_errors_none(&errors));
	assert_int_equal(config_check_descriptors(c, needed - 1, &errors), -EINVAL);
	assert_string_equal(errors.lines[0],
		"main.conf:3: max_connections 100 with max_channels 8 may need 1924 descriptors, "
		"and the hard limit (ulimit -Hn, LimitNOFILE=) is 1923: lower one of them or raise "
		"the limit");
	config_errors_finish(&errors);
	config_free(c);
}

/* The broker keeps the socket that it hands over. */
static void an_upstream_takes_one_descriptor_more_for_each_channel(void **state)
{
	struct config *c = load_text("\n[ssh]\nmax_connections = 100\nmax_channels = 8\n"
				     "[https]\nupstream = http://127.0.0.1:8080\n");

	assert_int_equal(config_descriptors(c), CONFIG_DESCRIPTORS_OTHER + 100 * (1 + 2 * 8));
	config_free(c);
}

/* And what the worker that speaks TLS passes on, for each connection. */
static void an_upstream_with_tls_takes_three_more_for_each_connection(void **state)
{
	struct config *c = load_text("\n[ssh]\nmax_connections = 100\nmax_channels = 8\n"
				     "[https]\nupstream = https://127.0.0.1:8443\n"
				     "upstream_ca = /ca.pem\n");

	assert_int_equal(config_descriptors(c), CONFIG_DESCRIPTORS_OTHER + 100 * (1 + 3 + 2 * 8));
	config_free(c);
}

/* As libvirt reads it: the last line that counts, of hypervisors on this host. */
static void dumps_are_looked_for_where_libvirt_puts_them(void **state)
{
	static const char hosts[] = "[hypervisor a]\nuri = qemu:///session\n"
				    "[hypervisor b]\nuri = qemu+ssh://h/session\n";
	char here[PATH_MAX], libvirt[PATH_MAX + 64];
	struct config *c;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(setenv("XDG_CONFIG_HOME", here, 1), 0);
	snprintf(libvirt, sizeof(libvirt), "%s/libvirt", here);
	assert_int_equal(mkdir(libvirt, 0700), 0);
	write_text("libvirt/qemu.conf", "auto_dump_path = \"/old\"\n"
					"  auto_dump_path=\"/srv/my dumps\" # ours\n"
					"#auto_dump_path = \"/no\"\n"
					"auto_dump_path = \"relative\"\n"
					"auto_dump_path = \"/open\n");
	c = load_text(hosts);
	assert_int_equal(c->dump.directories.count, 3);
	assert_string_equal(c->dump.directories.items[0], "/var/lib/libvirt/qemu/dump");
	assert_string_equal(c->dump.directories.items[2], "/srv/my dumps");
	config_free(c);
	write_text(
		"libvirt/qemu.conf", "auto_dump_path = '/srv/it\"s'\nauto_dump_path = '/open\"\n");
	c = load_text(hosts);
	assert_int_equal(c->dump.directories.count, 3);
	assert_string_equal(c->dump.directories.items[2], "/srv/it\"s");
	config_free(c);
	c = load_text("[hypervisor b]\nuri = qemu+ssh://h/session\n");
	assert_int_equal(c->dump.directories.count, 2);
	config_free(c);
	c = load_text("[hypervisor a]\nuri = qemu:///session\n[dump]\ndirectories = /mine\n");
	assert_int_equal(c->dump.directories.count, 1);
	config_free(c);
	assert_int_equal(unlink("libvirt/qemu.conf"), 0);
	assert_int_equal(rmdir("libvirt"), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

static void five_hundred_rules_load_at_once(void **state)
{
	char *text = malloc((size_t)500 * 100);
	size_t used = 0;
	struct config *c;

	for (int i = 0; i < 500; i++)
		used += (size_t)snprintf(text + used, 100,
			"[access rule-%d]\nwho = user:u%d\nvms = vm-%d\nallow = view\n", i, i, i);
	c = load_text(text);
	free(text);
	assert_int_equal(c->access_count, 500);
	assert_string_equal(c->accesses[499].vms.items[0], "vm-499");
	config_free(c);
}

/* The table itself: what the rows promise holds. */
static void every_default_is_within_its_own_limits(void **state)
{
	struct config *c;

	assert_int_equal(config_default(&c), 0);
	config_free(c);
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		assert_ptr_equal(key_find(key->section, key->name), key);
		assert_true(key->def || key->example);
		if (key->def && key->def[0] == '\0')
			assert_non_null(key->example);
		assert_int_equal(key->help[strlen(key->help) - 1], '.');
	}
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		assert_int_equal(config_sections[i].section, i);
		assert_ptr_equal(section_find(config_sections[i].name), &config_sections[i]);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_FOLDER(an_empty_file_gives_the_defaults),
		IN_FOLDER(every_key_is_read),
		IN_FOLDER(host_keys_follow_state_dir_unless_they_are_set),
		IN_FOLDER(a_port_that_carries_ssh_is_instead_of_the_default_one),
		IN_FOLDER(plain_http_is_for_this_host_and_needs_no_certificate),
		IN_FOLDER(mistakes_are_told_with_file_line_and_nearest_name),
		IN_FOLDER(all_mistakes_are_told_at_once),
		IN_FOLDER(a_flood_of_mistakes_is_bounded),
		IN_FOLDER(foreign_bytes_in_file_names_are_escaped),
		IN_FOLDER(dropins_follow_in_the_order_of_their_names),
		IN_FOLDER(dropins_lie_beside_the_main_file),
		IN_FOLDER(a_named_section_cannot_be_repeated_in_a_dropin),
		IN_FOLDER(the_default_hypervisor_gives_way_to_configured_ones),
		IN_FOLDER(unreadable_files_are_told),
		IN_FOLDER(a_folder_of_dropins_that_others_rule_is_refused),
		IN_FOLDER(maxima_beyond_the_descriptor_limit_are_refused),
		IN_FOLDER(an_upstream_takes_one_descriptor_more_for_each_channel),
		IN_FOLDER(an_upstream_with_tls_takes_three_more_for_each_connection),
		IN_FOLDER(what_is_hardly_meant_gets_a_warning),
		IN_FOLDER(dumps_are_looked_for_where_libvirt_puts_them),
		IN_FOLDER(five_hundred_rules_load_at_once),
		cmocka_unit_test(every_default_is_within_its_own_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
