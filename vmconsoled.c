/* Task: options; then become the broker, or one of its doors. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "broker/access.h"
#include "broker/broker.h"
#include "config/config.h"
#include "core/build_id.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/sandbox.h"
#include "sshd/door.h"

#define DEFAULT_CONFIG "/etc/vmconsoled/vmconsoled.conf"
#define EXIT_USAGE 64

enum { DOOR_CONTROL_FD = 3, DOOR_KEYS_FD = 4 };

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT };

static void usage(FILE *out)
{
	fputs("usage: vmconsoled [--config FILE] [--check | --print-config]\n"
	      "       vmconsoled --sample-config | --version | --help\n"
	      "\n"
	      "  --config FILE    read FILE (default " DEFAULT_CONFIG ")\n"
	      "  --check          say what is wrong with the configuration, and end\n"
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

static int check(const struct config *config)
{
	struct config_errors errors = {0};
	struct access *access = NULL;
	int r = access_load(config, &access, &errors);

	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	access_destroy(&access);
	if (r == 0)
		puts("the configuration is good");
	return r == 0 ? 0 : 1;
}

static int run(const char *path, enum action action)
{
	struct config *config = NULL;
	struct broker_options options;
	int r = load(path, &config);

	if (r < 0)
		return 1;
	switch (action) {
	case ACTION_CHECK:
		r = check(config);
		break;
	case ACTION_PRINT:
		r = config_print(stdout, config) == 0 ? 0 : 1;
		break;
	case ACTION_RUN:
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
	config_free(config);
	return r;
}

static int become_door(const char *kind)
{
	const struct door_options options = {
		.control_fd = DOOR_CONTROL_FD, .keys_fd = DOOR_KEYS_FD, .build_id = build_id()};

	if (strcmp(kind, "ssh") != 0) {
		fprintf(stderr, "vmconsoled: there is no door %s\n", kind);
		return EXIT_USAGE;
	}
	return door_main(&options);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'C'}, {"print-config", no_argument, NULL, 'P'},
		{"sample-config", no_argument, NULL, 'S'}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'}, {"door", required_argument, NULL, 'D'},
		{"door-selftest", no_argument, NULL, 'T'}, {NULL, 0, NULL, 0}};
	const char *path = DEFAULT_CONFIG;
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
	return run(path, action);
}
