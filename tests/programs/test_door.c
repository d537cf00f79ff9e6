/*
 * The ssh door in its sandbox, with stock clients at one end and a stand-in broker at the other.
 *
 * Each case is a line of shell and what it must print. $T/vm is an ssh that trusts any host key, $T
 * the test's folder, $C the clients of door_client.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX 65536
#define START_SECONDS 20

/* KiB by which a door may grow while clients stall: two windows of input, and what was sent. */
#ifdef VMC_SANITIZE
#define RSS_LIMIT "60000"
#else
#define RSS_LIMIT "10000"
#endif

struct host {
	char folder[64];
	pid_t broker;
	int door;
};

struct sh_result {
	char text[OUTPUT_MAX];
	int status;
};

static struct sh_result last;

/* Runs a script, at most 90 s; standard output comes back, standard error goes to ours. */
static int sh(const char *script)
{
	FILE *libvirt_backend_end;
	size_t n;
	int status;

	setenv("SCRIPT", script, 1);
	libvirt_backend_end = popen("timeout 90 bash -c \"$SCRIPT\"", "r");
	assert_non_null(libvirt_backend_end);
	n = fread(last.text, 1, sizeof(last.text) - 1, libvirt_backend_end);
	last.text[n] = '\0';
	status = pclose(libvirt_backend_end);
	last.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return last.status;
}

static void expect(const char *script, const char *output)
{
	sh(script);
	if (strcmp(last.text, output) != 0)
		fail_msg("%s\nprinted: %s\ninstead: %s", script, last.text, output);
}

static void need(const char *program)
{
	char script[128];

	snprintf(script, sizeof(script), "command -v %s >/dev/null", program);
	if (sh(script) != 0) {
		print_message("no %s here\n", program);
		skip();
	}
}

/* --- the stand-in broker and its door --- */

static void build_folder(char *path, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", path, room - 1);

	assert_true(n > 0);
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
}

static void start_broker(struct host *host, const char *grace, const char *keepalive)
{
	char program[PATH_MAX + 16], here[PATH_MAX], script[512];

	build_folder(here, sizeof(here));
	snprintf(program, sizeof(program), "%s/door_broker", here);
	snprintf(script, sizeof(script), "%s/log", host->folder);
	unlink(script);
	host->broker = fork();
	assert_true(host->broker >= 0);
	if (host->broker == 0) {
		if (chdir(host->folder) < 0 || !freopen("log", "w", stdout) ||
			!freopen("err", "a", stderr))
			_exit(127);
		execl(program, "door_broker", "keys", "authorized", grace, keepalive, (char *)NULL);
		_exit(127);
	}
	snprintf(script, sizeof(script),
		"for i in $(seq %d); do grep -q ^ready $T/log 2>/dev/null && break; sleep 0.05; "
		"done;"
		"awk '/^port/{print $2}' $T/log; awk '/^door/{print $2; exit}' $T/log",
		START_SECONDS * 20);
	sh(script);
	assert_int_equal(sscanf(last.text, "%*d %d", &host->door), 1);
	last.text[strcspn(last.text, "\n")] = '\0';
	setenv("PORT", last.text, 1);
	snprintf(script, sizeof(script), "%d", host->door);
	setenv("DOOR", script, 1);
}

static void stop_broker(struct host *host)
{
	int status;

	kill(host->broker, SIGTERM);
	assert_int_equal(waitpid(host->broker, &status, 0), host->broker);
	assert_int_equal(status, 0);
}

static const char make_keys[] =
	"cd $T && for k in host_ed25519 host_ecdsa ed25519 ecdsa rsa wrong1 wrong2 wrong3 wrong4 "
	"wrong5"
	" wrong6; do t=${k#host_}; case $t in wrong*) t=ed25519;; esac;"
	" ssh-keygen -q -t $t -N '' -f $k </dev/null; done;"
	" cat host_ed25519 host_ecdsa > keys; cat ed25519.pub ecdsa.pub rsa.pub > authorized";

static const char make_ssh[] =
	"echo 'exec ssh -F none -p $PORT -l ${LOGIN:-vm} -o StrictHostKeyChecking=no -o "
	"IdentitiesOnly=yes"
	" -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes 127.0.0.1 \"$@\"'"
	" > $T/vm; chmod +x $T/vm";

static int set_up(void **state)
{
	struct host *host = calloc(1, sizeof(*host));
	const char *source = getenv("SOURCE_DIR");
	char script[PATH_MAX];

	assert_non_null(host);
	strcpy(host->folder, "/tmp/test_door.XXXXXX");
	assert_non_null(mkdtemp(host->folder));
	setenv("T", host->folder, 1);
	setenv("RSS_LIMIT", RSS_LIMIT, 1);
	snprintf(script, sizeof(script), "/usr/bin/python3 %s/tests/programs/door_client.py",
		source ? source : ".");
	setenv("C", script, 1);
	assert_int_equal(sh(make_keys), 0);
	assert_int_equal(sh(make_ssh), 0);
	start_broker(host, "20000", "0");
	*state = host;
	return 0;
}

static int tear_down(void **state)
{
	struct host *host = *state;

	stop_broker(host);
	/* What a sanitizer had to say would be here. */
	expect("cat $T/err", "");
	sh("rm -rf $T");
	free(host);
	return 0;
}

#define SSH(options, command) "$T/vm " options " " command " "

/* --- cases --- */

static void the_door_is_confined(void **state)
{
	expect("grep -E 'NoNewPrivs|Seccomp:' /proc/$DOOR/status | tr -d '\\t'",
		"NoNewPrivs:1\nSeccomp:2\n");
	expect("grep -o 'seccomp=1' $T/log", "seccomp=1\n");
	/* epoll, timers, control line, the threads' wakeup, the three standard ones */
	expect("ls /proc/$DOOR/fd | wc -l", "7\n");
	/* Those that read files were made before the filter, which holds for them as well. */
	expect("cat /proc/$DOOR/task/*/status | grep -cE 'Seccomp:.2|NoNewPrivs:.1'", "10\n");
}

static void each_key_type_logs_in(void **state)
{
	expect("for k in ed25519 ecdsa rsa; do " SSH("-i $T/$k", "exit 7") "; echo $?; done",
		"7\n7\n7\n");
	expect(SSH("-i $T/wrong1", "exit 7") "2>/dev/null; echo $?", "255\n");
}

static void passwords_log_in(void **state)
{
	expect("$C $PORT interactive", "[('Password (ticket): ', False)] True\n");
	expect("$C $PORT interactive_wrong", "refused\n");
}

static void other_clients_work(void **state)
{
	need("plink");
	need("dbclient");
	expect("cd $T; puttygen ed25519 -o ppk; dropbearconvert openssh dropbear ed25519 db "
	       "2>/dev/null;"
	       "fp=$(ssh-keygen -lf host_ed25519.pub | cut -d' ' -f2);"
	       "echo a | plink -batch -P $PORT -i ppk -hostkey $fp vm@127.0.0.1 cat; echo $?;"
	       "plink -batch -P $PORT -pw sesame -hostkey $fp vm@127.0.0.1 exit 9 2>/dev/null; "
	       "echo $?;"
	       "echo b | dbclient -y -y -p $PORT -i db vm@127.0.0.1 cat 2>/dev/null; echo $?",
		"a\n0\n9\nb\n0\n");
}

static void a_key_that_is_only_offered_is_no_guess(void **state)
{
	expect("cd $T; ./vm -i wrong1 -i wrong2 -i wrong3 -i wrong4 -i wrong5 -i wrong6 -i "
	       "ed25519"
	       " exit 7; echo $?",
		"7\n");
	expect("cd $T; $C $PORT offers", "64 refused, then ended\n");
}

static void wrong_tickets_end_the_login(void **state)
{
	expect("$C $PORT guesses", "5 refused, then ended\n");
}

static void verdicts_may_take_their_time(void **state)
{
	expect("for i in 1 2 3; do " SSH(
		       "-i $T/ed25519 -l later", "exit 7") " & p=\"$p $!\"; done;"
							   "for i in $p; do wait $i; echo $?; done",
		"7\n7\n7\n");
}

static void output_error_and_status_arrive(void **state)
{
	expect(SSH("-i $T/ed25519", "err") "2>/dev/null; echo $?", "one\nthree\n3\n");
	expect(SSH("-i $T/ed25519", "err") "2>&1 >/dev/null", "two\n");
	expect(SSH("-tt -i $T/ed25519", "err") "2>/dev/null", "one\ntwo\nthree\n");
	expect(SSH("-i $T/ed25519", "vanish") "; echo $?", "70\n");
	expect(SSH("-i $T/ed25519", "kick") "2>/dev/null; echo $?", "goodbye\n84\n");
}

static void input_and_its_end_arrive(void **state)
{
	expect("echo hello | " SSH("-i $T/ed25519", "cat"), "hello\n");
	expect("echo hello | " SSH("-i $T/ed25519", ""), "hello\n");
	expect(SSH("-n -i $T/ed25519", "cat") "; echo $?", "0\n");
	expect("printf '' | " SSH("-i $T/ed25519", "sink"),
		"0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
}

static void terminals_have_sizes(void **state)
{
	expect("$C $PORT terminal", "pty=1 90x30 term=vt220\nwinsize 100x40\nsignal INT\n");
	expect("LOGIN=nopty " SSH("-tt -i $T/ed25519", "request") "2>/dev/null; echo $?", "255\n");
	expect("LOGIN=nopty " SSH("-i $T/ed25519", "request"), "pty=0 0x0 term=\n");
}

static void what_is_not_offered_is_refused(void **state)
{
	expect("$C $PORT requests 2>/dev/null",
		"refused\naccepted\ndirect-tcpip 1\nforwarded-tcpip 1\nx11 1\nrefused\n3\n");
	expect(SSH("-A -X -i $T/ed25519", "exit 3") "2>/dev/null; echo $?", "3\n");
	expect("$C $PORT many 2>/dev/null", "12 1\n");
}

/* 32 MiB each way, keys renewed all the time, the reader late. */
static void bulk_is_exact_through_rekeys(void **state)
{
	expect("head -c 33554432 /dev/urandom > $T/big; a=$(sha256sum < $T/big | cut -c1-64);"
	       "b=$(" SSH("-o RekeyLimit=1M -i $T/ed25519",
		       "sink") " < $T/big);"
			       "test \"$b\" = \"33554432 $a\" && echo up;"
			       "c=$(" SSH("-o RekeyLimit=1M -i $T/ed25519",
				       "cat") " < $T/big | (sleep 1; sha256sum) | cut -c1-64);"
					      "test \"$a\" = \"$c\" && echo both",
		"up\nboth\n");
	expect("a=$(" SSH("-i $T/ed25519",
		       "flood 33554432") " | (sleep 0.5; sha256sum));"
					 "b=$(/usr/bin/python3 -c 'import sys; "
					 "sys.stdout.buffer.write(bytes((i * 31 >> 3) & 255"
					 " for i in range(2048)) * 16384)' | sha256sum); test "
					 "\"$a\" = \"$b\" && echo down",
		"down\n");
	/* Many single bytes, gathered on their way. */
	expect(SSH("-i $T/ed25519", "dribble 5000") " | wc -c", "5000\n");
}

/* A broker that rests lets the client fill its window, now and then to the brim: it does when the
 * line fills up just as the window has been opened anew. */
static void a_resting_broker_gets_all_input(void **state)
{
	expect("for i in 1 2 3 4; do (head -c 100000000 /dev/zero | " SSH(
		       "-i $T/ed25519", "nap 2500000") " | cut -d' ' -f1) & done; wait",
		"100000000\n100000000\n100000000\n100000000\n");
}

/* The broker has long said its last word when the reader wakes up. */
static void a_late_reader_gets_it_all(void **state)
{
	expect(SSH("-i $T/ed25519", "flood 6000000") "| (sleep 7; wc -c)", "6000000\n");
}

static void channels_share_a_connection(void **state)
{
	expect("$T/vm -i $T/ed25519 -M -S $T/cm -fN;"
	       "for i in 1 2 3 4 5 6 7 8 9 10; do"
	       " (head -c 300000 /dev/zero | ssh -F none -S $T/cm x cat | wc -c) & done; wait;"
	       "ssh -F none -S $T/cm -O exit x 2>/dev/null",
		"300000\n300000\n300000\n300000\n300000\n300000\n300000\n300000\n300000\n300000\n");
}

static void a_stalled_client_costs_no_memory(void **state)
{
	expect("rss() { awk '/^VmRSS/{print $2}' /proc/$DOOR/status; };"
	       "a=$(rss); mkfifo $T/end; $C $PORT stall < $T/end > $T/stalled & exec 3> $T/end;"
	       "while ! grep -q stalled $T/stalled; do sleep 0.05; done;"
	       "head -c 50000000 /dev/zero | " SSH("-i $T/ed25519",
		       "silent") " & p=$!;"
				 "sleep 2; b=$(rss); " SSH("-i $T/ed25519",
					 "exit 7") "; echo $?;"
						   "kill $p; exec 3>&-; test $((b - a)) -lt "
						   "$RSS_LIMIT && echo flat || echo $a $b",
		"7\nflat\n");
	expect("$C $PORT overflow", "cut off\n");
}

static void nothing_said_ends_by_itself(void **state)
{
	struct host *host = *state;

	stop_broker(host);
	start_broker(host, "700", "0");
	expect("$C $PORT closed_within", "closed\n");
	expect("grep -o 'login grace time expired' $T/log", "login grace time expired\n");
	stop_broker(host);
	start_broker(host, "20000", "0");
}

/* A stopped client answers no keepalive; the connection itself is whole. */
static void a_client_that_does_not_answer_is_let_go(void **state)
{
	struct host *host = *state;

	stop_broker(host);
	start_broker(host, "20000", "500");
	expect(SSH("-i $T/ed25519", "silent") " >/dev/null 2>&1 & p=$!;"
					      "while ! grep -q 'auth vm 3 yes' $T/log; do sleep "
					      "0.05; done; sleep 3;"
					      "kill -0 $p && echo lives; kill -STOP $p;"
					      "for i in $(seq 300); do grep -q 'does not answer' "
					      "$T/log && break; sleep 0.1; done;"
					      "grep -o 'does not answer' $T/log; kill -CONT $p",
		"lives\ndoes not answer\n");
	stop_broker(host);
	start_broker(host, "20000", "0");
}

static void hostile_clients_do_not_reach_it(void **state)
{
	expect("$C $PORT gssapi 2>/dev/null", "sent\n");
	expect("$C $PORT junk", "done\n");
	expect("for i in $(seq 20); do " SSH("-i $T/ed25519",
		       "flood 100000000") " >/dev/null & p=$!;"
					  "sleep 0.1; kill -9 $p; done 2>/dev/null; wait "
					  "2>/dev/null; " SSH("-i $T/ed25519",
						  "exit 7") "; echo $?; for i in $(seq 100); do "
							    "test $(ls /proc/$DOOR/fd | wc -l) = 7 "
							    "&& break;"
							    "sleep 0.1; done; ls /proc/$DOOR/fd | "
							    "wc -l",
		"7\n7\n");
}

static void stop_tells_the_clients(void **state)
{
	struct host *host = *state;

	expect("(" SSH("-i $T/ed25519",
		       "silent") " 2>&1; echo $?) > $T/left & "
				 "while ! grep -q ^silent $T/log; do sleep 0.05; done",
		"");
	stop_broker(host);
	expect("for i in $(seq 100); do grep -q 255 $T/left && break; sleep 0.1; done;"
	       "grep -o 'service is restarting' $T/left",
		"service is restarting\n");
	start_broker(host, "20000", "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_door_is_confined),
		cmocka_unit_test(each_key_type_logs_in),
		cmocka_unit_test(passwords_log_in),
		cmocka_unit_test(other_clients_work),
		cmocka_unit_test(a_key_that_is_only_offered_is_no_guess),
		cmocka_unit_test(wrong_tickets_end_the_login),
		cmocka_unit_test(verdicts_may_take_their_time),
		cmocka_unit_test(output_error_and_status_arrive),
		cmocka_unit_test(input_and_its_end_arrive),
		cmocka_unit_test(terminals_have_sizes),
		cmocka_unit_test(what_is_not_offered_is_refused),
		cmocka_unit_test(bulk_is_exact_through_rekeys),
		cmocka_unit_test(a_resting_broker_gets_all_input),
		cmocka_unit_test(a_late_reader_gets_it_all),
		cmocka_unit_test(channels_share_a_connection),
		cmocka_unit_test(a_stalled_client_costs_no_memory),
		cmocka_unit_test(hostile_clients_do_not_reach_it),
		cmocka_unit_test(nothing_said_ends_by_itself),
		cmocka_unit_test(a_client_that_does_not_answer_is_let_go),
		cmocka_unit_test(stop_tells_the_clients),
	};

	if (system("/usr/bin/python3 -c 'import paramiko, asyncssh' 2>/dev/null") != 0) {
		puts("paramiko or asyncssh is missing");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
