/*
 * A wakeup: firing it from any thread makes fn(arg) run on the loop, once for all times it was
 * fired before. After virt_wakeup_del, called on the loop, fn is not called any more.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_WAKEUP_H
#define CONSOLE_LIBVIRT_VIRT_WAKEUP_H

#include "core/loop.h"

int virt_wakeup_add(loop_fn fn, void *arg, int *id) MUST_CHECK;
void virt_wakeup_fire(int id);
void virt_wakeup_del(int *id); /* sets it to -1; takes -1 */

#endif
