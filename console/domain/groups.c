/* Task: find the groups in a domain's metadata. Pure. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "console/domain/domain_xml.h"
#include "console/domain/groups.h"

static bool is_in(const xmlNode *node, const char *space, const char *name)
{
	return domain_is(node, name) && node->ns && node->ns->href &&
	       strcmp((const char *)node->ns->href, space) == 0;
}

static void add(struct groups *groups, const xmlNode *node)
{
	xmlChar *content = xmlNodeGetContent(node);
	const char *text = (const char *)content;
	size_t len;

	if (!text)
		return;
	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	/* Half a name, or two of them, would be another group. */
	if (len > 0 && len < GROUP_NAME_MAX && text[len + strspn(text + len, " \t\r\n")] == '\0' &&
		groups->count < GROUPS_MAX)
		snprintf(groups->names[groups->count++], GROUP_NAME_MAX, "%.*s", (int)len, text);
	xmlFree(content);
}

static void read_children(
	struct groups *groups, const xmlNode *list, const char *space, const char *name)
{
	const xmlNode *at;

	for (at = list->children; at; at = at->next) {
		if (is_in(at, space, name))
			add(groups, at);
	}
}

static void read_ovirt(struct groups *groups, const xmlNode *vm)
{
	const xmlNode *at;

	read_children(groups, vm, GROUPS_OVIRT_NAMESPACE, "tag");
	for (at = vm->children; at; at = at->next) {
		if (is_in(at, GROUPS_OVIRT_NAMESPACE, "tags"))
			read_children(groups, at, GROUPS_OVIRT_NAMESPACE, "tag");
	}
}

static void read_metadata(struct groups *groups, const xmlNode *metadata)
{
	const xmlNode *at;

	for (at = metadata->children; at; at = at->next) {
		if (is_in(at, GROUPS_NAMESPACE, "groups"))
			read_children(groups, at, GROUPS_NAMESPACE, "group");
		else if (is_in(at, GROUPS_OVIRT_NAMESPACE, "vm"))
			read_ovirt(groups, at);
	}
}

int groups_parse(const char *xml, struct groups *groups)
{
	const xmlNode *root, *metadata;
	xmlDoc *document;
	int r;

	memset(groups, 0, sizeof(*groups));
	if (xml && !strstr(xml, "<metadata"))
		return 0; /* most guests have none: no second parse for them */
	r = domain_xml_parse(xml, &document, &root);
	if (r < 0)
		return r;
	metadata = domain_child(root, "metadata");
	if (metadata)
		read_metadata(groups, metadata);
	xmlFreeDoc(document);
	return 0;
}

int groups_equal(const struct groups *a, const struct groups *b)
{
	size_t i;

	if (a->count != b->count)
		return 0;
	for (i = 0; i < a->count; i++) {
		if (strcmp(a->names[i], b->names[i]) != 0)
			return 0;
	}
	return 1;
}
