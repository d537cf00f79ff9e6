/*
 * Figures in the text format that Prometheus reads (version 0.0.4): a family of samples with its
 * name, type and help, then each with its labels. Pure; into a stream.
 */
#ifndef BROKER_METRICS_EXPOSITION_H
#define BROKER_METRICS_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPOSITION_VALUE_MAX 512 /* bytes of a label's value; the rest is left out */

struct exposition {
	FILE *out;
	const char *family;
};

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER };

struct exposition_label {
	const char *name;
	const char *value; /* any bytes: escaped here */
};

/* Begins a family; its samples follow before the next one. A counter's name ends in _total. */
void exposition_family(
	struct exposition *e, const char *name, enum exposition_type type, const char *help);
void exposition_sample(
	struct exposition *e, const struct exposition_label *labels, size_t count, uint64_t value);

/* A family of one sample without labels. */
void exposition_single(struct exposition *e, const char *name, enum exposition_type type,
	const char *help, uint64_t value);

/* A gauge of a time, which Prometheus wants in seconds; us in microseconds. */
void exposition_seconds(struct exposition *e, const char *name, const char *help, uint64_t us);

#endif
