/*
 * What a domain has for the day on which its guest crashes, as its XML says. A value.
 */
#ifndef CONSOLE_DOMAIN_AIDS_H
#define CONSOLE_DOMAIN_AIDS_H

#include <stdbool.h>

struct aids {
	bool panic;      /* a device by which the guest reports a panic */
	bool vmcoreinfo; /* a dump names the guest's kernel */
};

/* 0, -EBADMSG when it is not XML of a domain, -ENOMEM. Pure (libxml2; no network, no entities, no
 * files). */
int aids_parse(const char *xml, struct aids *aids) __attribute__((warn_unused_result));

#endif
