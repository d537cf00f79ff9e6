/*
 * A domain's XML as a tree, and looking around in it. For the parsers of this folder. Pure
 * (libxml2; no network, no entities, no files).
 */
#ifndef CONSOLE_DOMAIN_DOMAIN_XML_H
#define CONSOLE_DOMAIN_DOMAIN_XML_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

#define DOMAIN_XML_MAX (4U << 20) /* bytes of one domain's XML */

/* For the whole process: from then on libxml2 wipes what it frees. Best called before there are
 * threads; domain_xml_parse sees to it otherwise. */
void domain_xml_init(void);

/* 0, *document for xmlFreeDoc, and its element <domain>; -EBADMSG when it is no XML, has a document
 * type, or is of something else; -ENOMEM. */
int domain_xml_parse(const char *xml, xmlDoc **document, const xmlNode **domain)
	__attribute__((warn_unused_result));

bool domain_is(const xmlNode *node, const char *name);

/* The first child element of that name, or NULL; node may be NULL. */
const xmlNode *domain_child(const xmlNode *node, const char *name);

/* "" when absent, or when it does not fit: half an alias or path would be another one. */
void domain_attribute(const xmlNode *node, const char *name, char *out, size_t room);

#endif
