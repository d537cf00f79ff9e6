/* The exit statuses a door gives by itself; all others come from the broker. */
#ifndef SSHD_STATUS_H
#define SSHD_STATUS_H

#define STATUS_INTERNAL 70 /* the broker's side of a channel broke */
#define STATUS_LIMIT 75    /* no descriptors left for a channel */
#define STATUS_RESTART 86

#endif
