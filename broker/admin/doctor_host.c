/* Task: what is wrong with the host, of what the service knows. No state. */
#include <stdbool.h>
#include <sys/timex.h>

#include "broker/admin/doctor.h"
#include "broker/login/context.h"
#include "config/config.h"
#include "console/hypervisor/hypervisor.h"

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

static bool is_clock_set(void)
{
	struct timex clock = {0};

	return adjtimex(&clock) != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

void doctor_host(const struct broker_context *context, struct findings *f)
{
	for (size_t i = 0; i < context->hypervisor_count; i++)
		doctor_hypervisor(context->hypervisors[i], f);
	if (context->hypervisor_count == 0)
		findings_add(f, "no-hypervisor", "add a section [hypervisor NAME] with its uri",
			"no hypervisor is configured");
	if (needs_the_time(&context->config->auth) && !is_clock_set())
		findings_add(f, "clock", "timedatectl set-ntp true",
			"nobody keeps the clock of this host right, and certificates are judged by "
			"it");
}
