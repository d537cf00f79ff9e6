/* Task: see guest_words.h. */
#include <errno.h>

#include "broker/session/guest_text.h"

const char *guest_stop_text(enum console_stop stop)
{
	switch (stop) {
	case CONSOLE_STOP_UNKNOWN:
		return "has stopped, cause unknown";
	case CONSOLE_STOP_SHUTDOWN:
		return "has shut down";
	case CONSOLE_STOP_DESTROYED:
		return "was destroyed";
	case CONSOLE_STOP_CRASHED:
		return "has crashed";
	case CONSOLE_STOP_FAILED:
		return "failed: QEMU has died";
	case CONSOLE_STOP_SAVED:
		return "was saved";
	case CONSOLE_STOP_MOVED:
		return "moved to a host not served here";
	}
	return "has stopped";
}

enum status guest_stop_status(enum console_stop stop)
{
	switch (stop) {
	case CONSOLE_STOP_UNKNOWN:
	case CONSOLE_STOP_SHUTDOWN:
	case CONSOLE_STOP_DESTROYED:
	case CONSOLE_STOP_SAVED:
		return STATUS_SHUTDOWN;
	case CONSOLE_STOP_CRASHED:
	case CONSOLE_STOP_FAILED:
		return STATUS_CRASHED;
	case CONSOLE_STOP_MOVED:
		return STATUS_MOVED;
	}
	return STATUS_SHUTDOWN;
}

enum status guest_power_status(int error)
{
	switch (error) {
	case 0:
		return STATUS_OK;
	case -EBUSY:
	case -EAGAIN:
		return STATUS_BUSY;
	case -EACCES:
		return STATUS_DENIED;
	case -ECONNABORTED:
		return STATUS_CRASHED;
	case -ENOMEM:
		return STATUS_INTERNAL;
	default:
		return STATUS_UNAVAILABLE;
	}
}
