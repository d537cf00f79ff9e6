/* Task: see aids.h. Pure. */
#include <errno.h>
#include <string.h>

#include "console/domain/aids.h"
#include "console/domain/domain_xml.h"

static bool is_on(const xmlNode *node)
{
	char state[8];

	domain_attribute(node, "state", state, sizeof(state));
	return node && strcmp(state, "off") != 0; /* libvirt leaves out what is on */
}

int aids_parse(const char *xml, struct aids *aids)
{
	const xmlNode *root;
	xmlDoc *document;
	int r = domain_xml_parse(xml, &document, &root);

	*aids = (struct aids){0};
	if (r < 0)
		return r;
	*aids = (struct aids){.panic = domain_child(domain_child(root, "devices"), "panic") != NULL,
		.vmcoreinfo = is_on(domain_child(domain_child(root, "features"), "vmcoreinfo"))};
	xmlFreeDoc(document);
	return 0;
}
