/* Task: the value of an option, as its row says. Knows no call. */
#include <errno.h>
#include <string.h>

#include "broker/verb/text_value.h"
#include "broker/verb/verb_option.h"
#include "config/values.h"

static int read_position(const char *text, struct option_position *place)
{
	if (strcmp(text, "start") == 0) {
		place->kind = POSITION_START;
		return 0;
	}
	place->kind = *text == '-' ? POSITION_BACK : POSITION_OFFSET;
	return text_number(text + (*text == '-'), &place->value);
}

static int read_number(const struct verb_option *o, const char *text, struct option_number *number)
{
	int r = -EINVAL;

	if (o->type == OPTION_DURATION)
		r = value_duration(text, &number->value);
	else if (o->type == OPTION_TIME)
		r = text_time(text, &number->value);
	else if (o->type == OPTION_BOOT)
		r = text_number(text + (*text == '-'), &number->value);
	else if (o->type == OPTION_NUMBER)
		r = text_number(text, &number->value);
	number->given = true;
	if (r < 0 || number->value < o->least || (o->most && number->value > o->most))
		return -EINVAL;
	return 0;
}

int verb_option_set(const struct verb_option *option, const char *text, void *out)
{
	void *field = (char *)out + option->field;

	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		*(const char **)field = text;
		break;
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_TIME:
	case OPTION_BOOT:
		return read_number(option, text, field);
	case OPTION_POSITION:
		return read_position(text, field);
	case OPTION_DEVICE:
	case OPTION_JSON:
		break; /* of the call */
	}
	return 0;
}
