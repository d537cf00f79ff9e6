/*
 * A bell: ringing it from any thread makes fn(arg) run on the loop, once for any number of rings
 * before. After virt_bell_del, called on the loop, fn is not called any more.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_BELL_H
#define CONSOLE_LIBVIRT_VIRT_BELL_H

#include "core/loop.h"

int virt_bell_add(loop_fn fn, void *arg, int *id) MUST_CHECK;
void virt_bell_ring(int id);
void virt_bell_del(int *id); /* sets it to -1; takes -1 */

#endif
