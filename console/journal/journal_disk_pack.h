/*
 * Packs a journal's ended segments, one after the other, in a job thread. Part of journal_disk.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_DISK_PACK_H
#define CONSOLE_JOURNAL_JOURNAL_DISK_PACK_H

#include "console/journal/journal_disk.h"

/* Starts packing the oldest segment that can be, unless one is being packed. */
void journal_disk_pack_next(struct journal_disk *d);

/* The journal goes: what a thread still does is left to itself. */
void journal_disk_pack_abandon(struct journal_disk *d);

#endif
