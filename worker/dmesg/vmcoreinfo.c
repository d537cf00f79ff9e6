/* Task: see vmcoreinfo.h. Owner: who has the text. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dmesg/vmcoreinfo.h"

int vmcoreinfo_set(struct vmcoreinfo *info, const void *text, size_t len)
{
	info->len = strnlen(text, len);
	if (info->len == 0 || info->len > VMCOREINFO_MAX)
		return -EINVAL;
	memcpy(info->text, text, info->len);
	info->text[info->len] = '\0';
	return 0;
}

/* Behind "KEY=" at the beginning of a line. */
static const char *value_of(const struct vmcoreinfo *info, const char *key)
{
	size_t len = strlen(key);
	const char *at = info->text, *end;

	while (strncmp(at, key, len) != 0 || at[len] != '=') {
		end = strchr(at, '\n');
		if (!end)
			return NULL;
		at = end + 1;
	}
	return at + len + 1;
}

static int read_value(const struct vmcoreinfo *info, const char *key, int base, uint64_t *out)
{
	const char *value = value_of(info, key);
	char *end;

	if (!value)
		return -ENOENT;
	errno = 0;
	*out = strtoull(value, &end, base);
	return end == value || errno || (*end && *end != '\n') ? -ENOENT : 0;
}

int vmcoreinfo_hex(const struct vmcoreinfo *info, const char *key, uint64_t *out)
{
	return read_value(info, key, 16, out);
}

int vmcoreinfo_number(const struct vmcoreinfo *info, const char *key, uint64_t *out)
{
	return read_value(info, key, 0, out);
}

/* --- the note --- */

struct head {
	uint32_t name_len, text_len, type;
	char name[12];
	char text[10];
} __attribute__((packed));

_Static_assert(sizeof(struct head) == VMCOREINFO_HEAD, "what is searched for");
_Static_assert(offsetof(struct head, text) == VMCOREINFO_TEXT, "the text is behind the name");

static bool is_head(const uint8_t *bytes)
{
	struct head head;

	memcpy(&head, bytes, sizeof(head));
	return head.name_len == sizeof(VMCOREINFO_NAME) && head.type == 0 && head.text_len > 0 &&
	       head.text_len <= VMCOREINFO_MAX &&
	       memcmp(head.name, VMCOREINFO_NAME "\0", sizeof(head.name)) == 0 &&
	       memcmp(head.text, "OSRELEASE=", sizeof(head.text)) == 0;
}

size_t vmcoreinfo_search(const uint8_t *bytes, size_t len)
{
	const size_t before = offsetof(struct head, name);
	const uint8_t *at = bytes, *end = bytes + len;

	while ((at = memmem(at, (size_t)(end - at), VMCOREINFO_NAME, sizeof(VMCOREINFO_NAME)))) {
		size_t where = (size_t)(at - bytes);

		if (where >= before && len - (where - before) >= VMCOREINFO_HEAD &&
			is_head(bytes + where - before))
			return where - before;
		at++;
	}
	return len;
}

uint32_t vmcoreinfo_text_len(const uint8_t head[VMCOREINFO_HEAD])
{
	struct head fields;

	memcpy(&fields, head, sizeof(fields));
	return fields.text_len;
}
