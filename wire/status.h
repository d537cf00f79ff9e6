/* Exit statuses: what a session ends with. The words of vmconsoled(8), EXIT STATUS. */
#ifndef WIRE_STATUS_H
#define WIRE_STATUS_H

enum status {
	STATUS_OK = 0,
	STATUS_USAGE = 64,       /* bad verb, option, argument */
	STATUS_NOT_FOUND = 66,   /* no such VM, device, dump or offset */
	STATUS_UNAVAILABLE = 69, /* VM off, hypervisor unreachable, no console to open */
	STATUS_INTERNAL = 70,
	STATUS_BUSY = 75, /* keyboard or console held, or a limit reached */
	STATUS_DENIED = 77,
	STATUS_SHUTDOWN = 80,     /* guest shut down, destroyed, saved, cause unknown */
	STATUS_CRASHED = 81,      /* guest crashed or QEMU failed */
	STATUS_MOVED = 82,        /* guest moved to a host not served here */
	STATUS_KICKED = 84,       /* ended by an administrator */
	STATUS_LIMIT = 85,        /* idle or session limit */
	STATUS_RESTART = 86,      /* service restarting */
	STATUS_TIMEOUT = 124,     /* a wait timed out */
	STATUS_INTERRUPTED = 130, /* by its client, before there was an answer */
};

#endif
