/* How it is told that a guest has stopped, and with which status what waited for it ends. */
#ifndef BROKER_SESSION_GUEST_TEXT_H
#define BROKER_SESSION_GUEST_TEXT_H

#include "console/guest/viewer.h"
#include "wire/status.h"

/* "has shut down": goes behind the guest's name. */
const char *guest_stop_text(enum console_stop stop);
enum status guest_stop_status(enum console_stop stop);

/* For an error of guest_power, or 0. */
enum status guest_power_status(int error);

#endif
