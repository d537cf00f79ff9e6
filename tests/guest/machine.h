/* The PC around the CPU: interrupt controller, ways to end. */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdint.h>

enum irq_line { IRQ_TIMER = 0, IRQ_COM2 = 3, IRQ_COM1 = 4 };

void machine_init(void);
void machine_irq_enable(enum irq_line line);
void machine_irq_disable(enum irq_line line);

/* Each of these ends this boot of the guest, or leaves it dead. None returns. */
_Noreturn void machine_reboot(void);       /* keyboard controller pulse */
_Noreturn void machine_triple_fault(void); /* no IDT, then an exception */
void machine_await_button(void);           /* the power button */
_Noreturn void machine_power_off(void);    /* ACPI S5 */
_Noreturn void machine_panic(void);        /* pvpanic, then silence */
_Noreturn void machine_halt(void);         /* interrupts off, for ever */

#endif
