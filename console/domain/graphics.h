/*
 * The password of a guest's graphics, which VDSM's setVmTicket sets: the first <graphics> of a
 * domain's XML with VIR_DOMAIN_XML_SECURE. A value; whoever has one wipes it.
 */
#ifndef CONSOLE_DOMAIN_GRAPHICS_H
#define CONSOLE_DOMAIN_GRAPHICS_H

#define GRAPHICS_PASSWORD_MAX 1024
#define GRAPHICS_TIME_MAX 32

struct graphics_ticket {
	char password[GRAPHICS_PASSWORD_MAX]; /* "" : none */
	char valid_to[GRAPHICS_TIME_MAX];     /* "" : for ever; libvirt's UTC time */
};

/* 0; -ENOENT: no graphics, or no password there; -EBADMSG, -ENOMEM. Pure. */
int graphics_parse(const char *xml, struct graphics_ticket *ticket)
	__attribute__((warn_unused_result));

#endif
