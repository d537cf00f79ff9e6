/* Task: what is wrong with the host, of what the service knows. No state. */
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "broker/admin/doctor.h"
#include "broker/login/context.h"
#include "config/config.h"
#include "console/hypervisor/hypervisor.h"

#define CLOCK_SLACK_S 3600 /* that a file may be ahead: clocks of hosts differ */

void doctor_hypervisor(const struct hypervisor *h, struct findings *f)
{
	if (!hypervisor_is_up(h))
		findings_add(f, "hypervisor", hypervisor_cure(h),
			"hypervisor %s cannot be reached: %s", hypervisor_name(h),
			hypervisor_error(h));
}

/* Certificates are judged by it. */
static bool needs_the_time(const struct config_auth *auth)
{
	return auth->ssh_user_ca.count || auth->vdsm_ca.count || auth->vdsm_certificates.count;
}

/* A service manager may not let us ask: then it is not known, and counts as set. */
static bool is_clock_set(void)
{
	struct timex clock = {0};

	return adjtimex(&clock) != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

/* It was written at a time that has not come yet. */
static bool is_of_the_future(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime > time(NULL) + CLOCK_SLACK_S;
}

static void check_clock(const struct broker_context *context, struct findings *f)
{
	static const char cure[] = "set it, and have it kept right: timedatectl set-ntp true";
	const char *paths[] = {context->config_path, context->config->audit.file};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (is_of_the_future(paths[i])) {
			findings_add(f, "clock", cure,
				"the clock of this host stands before the time at which %s was "
				"written: certificates and tickets are judged by it",
				paths[i]);
			return;
		}
	}
	if (needs_the_time(&context->config->auth) && !is_clock_set())
		findings_add(f, "clock", cure,
			"nobody keeps the clock of this host right, and certificates are judged by "
			"it");
}

void doctor_host(const struct broker_context *context, struct findings *f)
{
	for (size_t i = 0; i < context->hypervisor_count; i++)
		doctor_hypervisor(context->hypervisors[i], f);
	if (context->hypervisor_count == 0)
		findings_add(f, "no-hypervisor", "add a section [hypervisor NAME] with its uri",
			"no hypervisor is configured");
	check_clock(context, f);
}
