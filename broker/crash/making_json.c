/* Task: tell of a dump that is being made. */
#include "broker/dump/making.h"
#include "broker/verb/json.h"
#include "broker/crash/making_json.h"

static json_t *number_or_null(uint64_t value, int known)
{
	return known ? json_integer((json_int_t)value) : json_null();
}

json_t *making_json(const struct making_info *info)
{
	json_t *o = json_object();
	int known = info->total > 0;
	double percent = known ? (double)info->written * 100 / (double)info->total : 0;

	json_object_set_new(o, "state", json_string(info->state));
	json_object_set_new(o, "format", json_string(info->format));
	json_object_set_new(o, "mode", json_string(info->mode));
	json_object_set_new(o, "percent", number_or_null((uint64_t)percent, known));
	json_object_set_new(o, "bytes", number_or_null(info->written, known));
	json_object_set_new(o, "memory", number_or_null(info->total, known));
	json_object_set_new(
		o, "bytes_per_second", number_or_null(info->per_second, info->per_second > 0));
	json_object_set_new(
		o, "seconds_left", number_or_null(info->seconds_left, info->per_second > 0));
	json_object_set_new(o, "cancelled", json_boolean(info->cancelled_by));
	return o;
}
