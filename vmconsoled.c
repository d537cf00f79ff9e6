/* Task: options; then become the broker, or one of its doors or workers. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "broker/broker.h"
#include "broker/preflight/preflight.h"
#include "config/config.h"
#include "core/build_id.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/sandbox.h"
#include "http/https_door.h"
#include "sshd/ssh_door.h"
#include "worker/dmesg_worker.h"
#include "worker/match_worker.h"
#include "worker/screen_worker.h"
#include "worker/upstream_worker.h"

#define DEFAULT_CONFIG "/etc/vmconsoled/vmconsoled.conf"
#define EXIT_USAGE 64

enum { DOOR_CONTROL_FD = 3, DOOR_KEYS_FD = 4 };

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT };

static void usage(FILE *out)
{
	fputs("usage: vmconsoled [--config FILE] [--check [--user NAME] | --print-config]\n"
	      "       vmconsoled --sample-config | --version | --help\n"
	      "\n"
	      "  --config FILE    read FILE (default " DEFAULT_CONFIG ")\n"
	      "  --check          look at what a start would need, say what is wrong, and end\n"
	      "  --user NAME      look at it as the user whom the service will run as\n"
	      "  --print-config   print the configuration in force, and end\n"
	      "  --sample-config  print every key with its help and default, and end\n"
	      "\n"
	      "It stays in the foreground. See vmconsoled(8) and vmconsoled.conf(5).\n",
		out);
}

/* The soft limit is raised to the hard one; what the configuration allows must fit in. */
static int raise_descriptors(const struct config *config, struct config_errors *errors)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return config_check_descriptors(config, limit.rlim_max, errors);
}

static int load(const char *path, struct config **config)
{
	struct config_errors errors = {0};
	int r = config_load(path, config, &errors);

	if (r == 0)
		r = raise_descriptors(*config, &errors);
	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	return r;
}

static int check_loaded(
	int r, const struct config *config, bool managed, struct config_errors *found)
{
	if (r == 0)
		preflight(config, managed, found);
	config_errors_print(stderr, found);
	if (r == -ENOMEM)
		fputs("vmconsoled: out of memory\n", stderr);
	if (r < 0 || !config_errors_none(found))
		return 1;
	printf("the configuration is good");
	if (found->warnings)
		printf(", with %zu warning%s", found->warnings, found->warnings == 1 ? "" : "s");
	puts("");
	return 0;
}

/* user: whom the service will run as; NULL: whoever calls. */
static int check(const char *path, const char *user)
{
	struct config_errors found = {0};
	struct config *config = NULL;
	char why[PREFLIGHT_WHY_MAX];
	int r;

	if (user && preflight_become(user, why) < 0) {
		fprintf(stderr, "vmconsoled: %s\n", why);
		return 1;
	}
	r = config_load(path, &config, &found);
	r = check_loaded(r, config, user != NULL, &found);
	config_errors_finish(&found);
	config_free(config);
	return r;
}

static int run(const char *path)
{
	struct config *config = NULL;
	struct broker_options options;
	int r = load(path, &config);

	if (r < 0)
		return 1;
	log_set_level(config->daemon.log_level);
	options = (struct broker_options){
		.config_path = path, .config = config, .build_id = build_id()};
	r = sandbox_harden();
	if (r == 0)
		r = loop_block_signals();
	if (r < 0) {
		log_error("cannot prepare the process: %s", strerror(-r));
		return 1;
	}
	return broker_main(&options);
}

static int print(const char *path)
{
	struct config *config = NULL;
	int r = load(path, &config);

	if (r == 0)
		r = config_print(stdout, config);
	config_free(config);
	return r == 0 ? 0 : 1;
}

static int act(enum action action, const char *path, const char *user)
{
	if (user && action != ACTION_CHECK) {
		fputs("vmconsoled: --user belongs to --check; the service runs as who starts it\n",
			stderr);
		return EXIT_USAGE;
	}
	switch (action) {
	case ACTION_RUN:
		return run(path);
	case ACTION_CHECK:
		return check(path, user);
	case ACTION_PRINT:
		return print(path);
	}
	return EXIT_USAGE;
}

static int become_door(const char *kind)
{
	const struct door_options options = {.control_fd = DOOR_CONTROL_FD,
		.line = WIRE_CONTROL,
		.keys_fd = DOOR_KEYS_FD,
		.build_id = build_id()};

	if (strcmp(kind, "ssh") == 0)
		ssh_door_main(&options);
	if (strcmp(kind, "https") == 0)
		https_door_main(&options);
	fprintf(stderr, "vmconsoled: unknown door %s\n", kind);
	return EXIT_USAGE;
}

static int become_worker(const char *kind)
{
	struct door_options options = {.control_fd = DOOR_CONTROL_FD,
		.line = WIRE_WORKER,
		.keys_fd = -1,
		.build_id = build_id()};

	if (strcmp(kind, "match") == 0)
		match_worker_main(&options);
	if (strcmp(kind, "dmesg") == 0)
		dmesg_worker_main(&options);
	if (strcmp(kind, "screen") == 0)
		screen_worker_main(&options);
	options.keys_fd = DOOR_KEYS_FD;
	if (strcmp(kind, "upstream") == 0)
		upstream_worker_main(&options);
	fprintf(stderr, "vmconsoled: there is no worker %s\n", kind);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'C'}, {"user", required_argument, NULL, 'U'},
		{"print-config", no_argument, NULL, 'P'}, {"sample-config", no_argument, NULL, 'S'},
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'},
		{"door", required_argument, NULL, 'D'}, {"worker", required_argument, NULL, 'W'},
		{"door-selftest", no_argument, NULL, 'T'}, {NULL, 0, NULL, 0}};
	const char *path = DEFAULT_CONFIG, *user = NULL;
	enum action action = ACTION_RUN;
	int c;

	log_init("vmconsoled");
	while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			action = ACTION_CHECK;
			break;
		case 'U':
			user = optarg;
			break;
		case 'P':
			action = ACTION_PRINT;
			break;
		case 'S':
			return config_sample(stdout) == 0 ? 0 : 1;
		case 'V':
			puts("vmconsoled " VMC_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		case 'D':
			return become_door(optarg);
		case 'W':
			return become_worker(optarg);
		case 'T':
			return door_selftest();
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vmconsoled: unexpected argument %s\n", argv[optind]);
		return EXIT_USAGE;
	}
	return act(action, path, user);
}
