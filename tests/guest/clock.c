/*
 * Time from the ACPI power management timer (free running, no interrupts), alarms from PIT
 * channel 0 in one-shot mode: a periodic timer would cost the host 1 % of a CPU per idle guest.
 */
#include "clock.h"

#include "cpu.h"
#include "machine.h"

#define PORT_PM_TIMER 0x608
#define PM_TIMER_MASK 0xFFFFFF
#define PM_TICKS_PER_MS 3579 /* 3.579545 MHz: 0.015 % off */

#define PORT_PIT_CHANNEL0 0x40
#define PORT_PIT_COMMAND 0x43
#define PIT_CHANNEL0_ONE_SHOT 0x30
#define PIT_TICKS_PER_MS 1193

static uint32_t last_ticks;
static uint32_t rest_ticks;
static uint32_t milliseconds;

void clock_init(void)
{
	last_ticks = in32(PORT_PM_TIMER) & PM_TIMER_MASK;
	out8(PORT_PIT_COMMAND, PIT_CHANNEL0_ONE_SHOT); /* ends what the BIOS left running */
	out8(PORT_PIT_CHANNEL0, 0);
	out8(PORT_PIT_CHANNEL0, 0);
	machine_irq_enable(IRQ_TIMER);
}

uint32_t clock_ms(void)
{
	uint32_t now = in32(PORT_PM_TIMER) & PM_TIMER_MASK;

	rest_ticks += (now - last_ticks) & PM_TIMER_MASK;
	last_ticks = now;
	milliseconds += rest_ticks / PM_TICKS_PER_MS;
	rest_ticks %= PM_TICKS_PER_MS;
	return milliseconds;
}

void clock_alarm(uint32_t ms)
{
	uint32_t count = (ms > CLOCK_ALARM_MAX_MS ? CLOCK_ALARM_MAX_MS : ms) * PIT_TICKS_PER_MS;

	out8(PORT_PIT_COMMAND, PIT_CHANNEL0_ONE_SHOT);
	out8(PORT_PIT_CHANNEL0, count & 0xFF);
	out8(PORT_PIT_CHANNEL0, (count >> 8) & 0xFF);
}

void clock_on_interrupt(void)
{
	/* the interrupt itself is the message: it ends the hlt */
}

void clock_sleep(uint32_t ms)
{
	uint32_t start = clock_ms();

	for (;;) {
		uint32_t gone = clock_ms() - start;

		if (gone >= ms)
			return;
		irq_off();
		clock_alarm(ms - gone);
		irq_on_and_halt();
	}
}
