/* Task: see nogss.h. Owner: the process. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "sshd/nogss.h"

#define GSS_FAILURE UINT32_C(0x000d0000) /* GSS_S_FAILURE, RFC 2744 §3.9.1 */

typedef uint32_t (*indicate_fn)(uint32_t *minor, void **mechanisms);
typedef uint32_t (*display_fn)(
	uint32_t *minor, uint32_t status, int type, void *mechanism, uint32_t *context, void *text);

uint32_t gss_indicate_mechs(uint32_t *minor, void **mechanisms);
uint32_t gss_display_status(
	uint32_t *minor, uint32_t status, int type, void *mechanism, uint32_t *context, void *text);

static _Atomic int refused;

void gss_refuse(void)
{
	atomic_store(&refused, 1);
}

/* RFC 2744 §7.17 */
uint32_t gss_indicate_mechs(uint32_t *minor, void **mechanisms)
{
	indicate_fn next = NULL;

	if (!atomic_load(&refused))
		*(void **)&next = dlsym(RTLD_NEXT, "gss_indicate_mechs");
	if (next)
		return next(minor, mechanisms);
	*minor = 0;
	*mechanisms = NULL;
	return GSS_FAILURE;
}

/* RFC 2744 §7.11: how libssh words the failure; it looks into message catalogues. */
uint32_t gss_display_status(
	uint32_t *minor, uint32_t status, int type, void *mechanism, uint32_t *context, void *text)
{
	display_fn next = NULL;

	if (!atomic_load(&refused))
		*(void **)&next = dlsym(RTLD_NEXT, "gss_display_status");
	if (next)
		return next(minor, status, type, mechanism, context, text);
	*minor = 0;
	return GSS_FAILURE;
}
