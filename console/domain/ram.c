/* Task: see ram.h. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console/domain/domain_xml.h"
#include "console/domain/ram.h"

#define KIB UINT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define VIDEO_FROM (640 * KIB)
#define VIDEO_TO (1024 * KIB)
#define HIGH_FROM (4 * GIB)
#define PC_LOW_MAX UINT64_C(0xe0000000) /* with as much, only so much is below the hole: */
#define PC_LOW UINT64_C(0xc0000000)
#define Q35_LOW_MAX UINT64_C(0xb0000000)
#define Q35_LOW UINT64_C(0x80000000)

static void add(struct ram *out, uint64_t from, uint64_t to)
{
	if (to > from)
		out->ranges[out->count++] = (struct ram_range){from, to};
}

void ram_of_pc(uint64_t bytes, bool q35, struct ram *out)
{
	uint64_t low = bytes;

	if (bytes >= (q35 ? Q35_LOW_MAX : PC_LOW_MAX))
		low = q35 ? Q35_LOW : PC_LOW;
	out->count = 0;
	add(out, 0, low < VIDEO_FROM ? low : VIDEO_FROM);
	add(out, VIDEO_TO, low);
	add(out, HIGH_FROM, HIGH_FROM + (bytes - low));
}

static int read_memory(const xmlNode *root, uint64_t *bytes)
{
	const xmlNode *node = domain_child(root, "memory");
	xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
	unsigned long long kib = 0;
	char unit[8], *end = NULL;

	if (!content)
		return -EBADMSG;
	domain_attribute(node, "unit", unit, sizeof(unit));
	kib = strtoull((const char *)content, &end, 10);
	if (*end || kib == 0 || kib > UINT64_MAX / KIB / 2 || (*unit && strcmp(unit, "KiB") != 0))
		kib = 0;
	xmlFree(content);
	*bytes = kib * KIB;
	return kib ? 0 : -EBADMSG;
}

static int read_domain(const xmlNode *root, struct ram *out)
{
	const xmlNode *type = domain_child(domain_child(root, "os"), "type");
	char arch[16], machine[64];
	uint64_t bytes;
	int r;

	domain_attribute(type, "arch", arch, sizeof(arch));
	domain_attribute(type, "machine", machine, sizeof(machine));
	if (strcmp(arch, "x86_64") != 0)
		return -EOPNOTSUPP;
	r = read_memory(root, &bytes);
	if (r == 0)
		ram_of_pc(bytes, strstr(machine, "q35") != NULL, out);
	return r;
}

int ram_parse(const char *xml, struct ram *out)
{
	const xmlNode *root;
	xmlDoc *document;
	int r = domain_xml_parse(xml, &document, &root);

	if (r < 0)
		return r;
	r = read_domain(root, out);
	xmlFreeDoc(document);
	return r;
}
