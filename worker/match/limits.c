/* Task: the names of the limits. */
#include "worker/match/limits.h"

#define STRING(x) #x
#define NUMBER(x) STRING(x)

static const struct {
	const char *name, *text;
} limits[MATCH_LIMIT_COUNT] = {
	[MATCH_LIMIT_NONE] = {"none", ""},
	[MATCH_LIMIT_PATTERNS] = {"patterns", "more than " NUMBER(MATCH_PATTERNS_MAX) " patterns"},
	[MATCH_LIMIT_LENGTH] = {"pattern-length",
		"longer than " NUMBER(MATCH_PATTERN_MAX) " bytes"},
	[MATCH_LIMIT_NESTING] = {"nesting",
		"more than " NUMBER(MATCH_NESTING_MAX) " parentheses in each other"},
	[MATCH_LIMIT_SIZE] = {"pattern-size", "more than 64 KiB when its repeats are written out"},
	[MATCH_LIMIT_MEMORY] = {"memory", "more than 512 KiB for the patterns"},
	[MATCH_LIMIT_STEPS] = {"steps",
		"more than " NUMBER(MATCH_STEPS_MAX) " steps for one piece of output"},
	[MATCH_LIMIT_TIME] = {"time",
		"more than " NUMBER(MATCH_TIME_MAX_MS) " ms for one piece of output"},
	[MATCH_LIMIT_DEPTH] = {"depth",
		"more than " NUMBER(MATCH_DEPTH_MAX) " decisions that depend on each other"},
	[MATCH_LIMIT_HEAP] = {"heap",
		"more than " NUMBER(MATCH_HEAP_MAX_KIB) " KiB to remember decisions"},
	[MATCH_LIMIT_EFFORT] = {"effort",
		"more than " NUMBER(MATCH_EFFORT_SECONDS) " seconds of "
							  "processor time, and one more for each 5 "
							  "MB of output"},
};

const char *match_limit_name(enum match_limit limit)
{
	return limits[limit].name;
}

const char *match_limit_text(enum match_limit limit)
{
	return limits[limit].text;
}
