/* One line to standard error: "vmconsolectl: ...", foreign bytes escaped. Errors are ignored. */
#ifndef CTL_COMPLAIN_H
#define CTL_COMPLAIN_H

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Exit statuses of vmconsolectl's own; what the daemon says is passed on as it is. */
enum ctl_status {
	CTL_USAGE = 64,
	CTL_UNREACHABLE = 69,
	CTL_INTERNAL = 70,
	CTL_BUSY = 75,
	CTL_DENIED = 77,
	CTL_LOST = 255, /* as ssh has it for a connection that breaks */
};

#endif
