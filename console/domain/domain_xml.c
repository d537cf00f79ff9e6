/*
 * Task: parse a domain's XML without believing it. Owner: the caller, of the tree.
 * libvirt never writes a document type; one is refused, and with it entities.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlmemory.h>

#include "console/domain/domain_xml.h"

bool domain_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

const xmlNode *domain_child(const xmlNode *node, const char *name)
{
	const xmlNode *at;

	for (at = node ? node->children : NULL; at; at = at->next)
		if (domain_is(at, name))
			return at;
	return NULL;
}

void domain_attribute(const xmlNode *node, const char *name, char *out, size_t room)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;

	*out = '\0';
	if (value && strlen((const char *)value) < room)
		snprintf(out, room, "%s", (const char *)value);
	xmlFree(value);
}

static void refuse_doctype(
	void *arg, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	xmlParserCtxt *parser = arg;

	parser->wellFormed = 0;
	xmlStopParser(parser);
}

/* --- libxml2's memory --- */

/* A password of VDSM's passes through it, in the parser's buffers, the tree and the copies that are
 * handed out: so it is all wiped when it goes. What is underneath is still malloc's, and may be
 * freed by either. */
static void wiping_free(void *mem)
{
	if (mem)
		explicit_bzero(mem, malloc_usable_size(mem));
	free(mem);
}

static void *wiping_realloc(void *mem, size_t size)
{
	size_t had = mem ? malloc_usable_size(mem) : 0;
	void *fresh = malloc(size);

	if (!fresh)
		return NULL;
	if (had > 0)
		memcpy(fresh, mem, had < size ? had : size);
	wiping_free(mem);
	return fresh;
}

static pthread_once_t parser_once = PTHREAD_ONCE_INIT;

static void init_parser(void)
{
	xmlMemSetup(wiping_free, malloc, wiping_realloc, strdup);
	xmlInitParser(); /* not safe in two threads at once */
}

void domain_xml_init(void)
{
	pthread_once(&parser_once, init_parser);
}

static int error_of(xmlParserCtxt *parser)
{
	const xmlError *error = xmlCtxtGetLastError(parser);

	return error ? error->code : XML_ERR_OK;
}

static int parse(const char *xml, xmlDoc **document)
{
	size_t len = xml ? strnlen(xml, DOMAIN_XML_MAX + 1) : 0;
	xmlParserCtxt *parser;
	int r = -EBADMSG;

	*document = NULL;
	if (len == 0 || len > DOMAIN_XML_MAX)
		return -EBADMSG;
	domain_xml_init();
	parser = xmlCreateMemoryParserCtxt(xml, (int)len);
	if (!parser)
		return -ENOMEM;
	xmlCtxtUseOptions(parser,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS);
	parser->sax->internalSubset = refuse_doctype;
	if (xmlParseDocument(parser) == 0 && parser->wellFormed)
		r = 0;
	else if (error_of(parser) == XML_ERR_NO_MEMORY)
		r = -ENOMEM;
	if (r == 0)
		*document = parser->myDoc;
	else
		xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	return r;
}

int domain_xml_parse(const char *xml, xmlDoc **document, const xmlNode **domain)
{
	int r = parse(xml, document);

	*domain = r == 0 ? xmlDocGetRootElement(*document) : NULL;
	if (r == 0 && !(*domain && domain_is(*domain, "domain"))) {
		xmlFreeDoc(*document);
		*document = NULL;
		r = -EBADMSG;
	}
	return r;
}
