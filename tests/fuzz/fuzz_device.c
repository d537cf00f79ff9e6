/* A domain's XML as a hostile hypervisor would write it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "console/domain/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *xml = malloc(size + 1), slot[DEVICE_SLOT_MAX];
	struct devices devices;
	size_t i;

	if (!xml)
		return 0;
	memcpy(xml, data, size);
	xml[size] = '\0';
	if (devices_parse(xml, &devices) == 0) {
		if (devices.count > DEVICES_MAX || devices.main > devices.count)
			abort();
		for (i = 0; i < devices.count; i++) {
			device_slot(&devices.list[i], slot);
			if (devices.list[i].alias[0] &&
				devices_find(&devices, devices.list[i].alias) < 0)
				abort();
		}
	}
	free(xml);
	return 0;
}
