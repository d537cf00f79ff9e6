/* Time: a millisecond count that costs nothing while idle, and a one-shot alarm. */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdint.h>

#define CLOCK_ALARM_MAX_MS 50

void clock_init(void);

/* Milliseconds since boot. Exact only if asked at least every 4 s (the counter has 24 bits). */
uint32_t clock_ms(void);

/* One timer interrupt in ms (at most CLOCK_ALARM_MAX_MS): it ends a hlt, nothing else. */
void clock_alarm(uint32_t ms);
void clock_on_interrupt(void);

/* Sleeps; interrupts stay on, so bytes are still received into the ring. */
void clock_sleep(uint32_t ms);

#endif
