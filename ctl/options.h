/* vmconsolectl's command line. Pure: prints nothing, looks at no file. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#define CTL_SOCKET_DEFAULT "/run/vmconsoled/control"
#define CTL_SOCKET_VARIABLE "VMCONSOLED_SOCKET"
#define CTL_LEASE_VARIABLE "VMC_LEASE"
#define CTL_WHY_MAX 128

enum ctl_task { CTL_RUN, CTL_HELP, CTL_VERSION };

/* Everything points into argv or the environment. */
struct ctl_options {
	enum ctl_task task;
	const char *socket;
	int word_count; /* VERB and what follows; may be 0 */
	const char *const *words;
};

/*
 * Options end at the first word that is none, so that the verb's own pass untouched.
 * socket_variable is the value of CTL_SOCKET_VARIABLE or NULL. 0, or -EINVAL and one line in why.
 */
int ctl_options_parse(int argc, char **argv, const char *socket_variable, struct ctl_options *out,
	char why[CTL_WHY_MAX]) __attribute__((warn_unused_result));

const char *ctl_usage(void);

#endif
