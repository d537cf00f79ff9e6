/* Task: find the ticket in a domain's XML. Pure. */
#include <errno.h>
#include <string.h>

#include "console/domain/domain_xml.h"
#include "console/domain/graphics.h"

/* A time that does not fit is one that nobody can read: not the same as none. */
static void read_time(const xmlNode *node, char out[GRAPHICS_TIME_MAX])
{
	domain_attribute(node, "passwdValidTo", out, GRAPHICS_TIME_MAX);
	if (!*out && xmlHasProp(node, (const xmlChar *)"passwdValidTo"))
		memcpy(out, "unreadable", sizeof("unreadable"));
}

static int read_graphics(const xmlNode *node, struct graphics_ticket *ticket)
{
	if (!node)
		return -ENOENT;
	domain_attribute(node, "passwd", ticket->password, sizeof(ticket->password));
	read_time(node, ticket->valid_to);
	return *ticket->password ? 0 : -ENOENT;
}

int graphics_parse(const char *xml, struct graphics_ticket *ticket)
{
	const xmlNode *root;
	xmlDoc *document;
	int r = domain_xml_parse(xml, &document, &root);

	memset(ticket, 0, sizeof(*ticket));
	if (r < 0)
		return r;
	r = read_graphics(domain_child(domain_child(root, "devices"), "graphics"), ticket);
	xmlFreeDoc(document);
	return r;
}
