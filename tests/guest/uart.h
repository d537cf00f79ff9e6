/* A 16550A: interrupt-driven receive into a large ring, FIFO-wise transmit. */
#ifndef GUEST_UART_H
#define GUEST_UART_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

/* Counters since boot. */
struct uart_stat {
	uint32_t received;
	uint32_t sent;
	uint32_t overruns; /* the FIFO overflowed: bytes were lost before we saw them */
	uint32_t stalls;   /* the ring was full: reception was held back, nothing lost */
	uint32_t breaks;
};

struct uart {
	uint16_t base;
	enum irq_line irq;
	uint8_t *ring;
	uint32_t ring_size; /* a power of two */
	volatile uint32_t head;
	volatile uint32_t tail;
	uint8_t interrupts;      /* what the IER holds */
	uint8_t transmit_room;   /* bytes the FIFO surely takes */
	uint32_t breaks_to_skip; /* each BREAK leaves one NUL in the FIFO */
	uint32_t breaks_told;
	volatile struct uart_stat stat;
};

extern struct uart com1;
extern struct uart com2;

/* False if there is no such UART in this machine. */
bool uart_init(struct uart *uart);
void uart_on_interrupt(struct uart *uart);

/* What comes is much: QEMU hands over 14 bytes at once instead of one, and the last ones a third of
 * a millisecond late. */
void uart_bulk(struct uart *uart, bool bulk);

/* Waits, halted, while the other side takes nothing. */
void uart_put(struct uart *uart, uint8_t byte);

bool uart_pending(const struct uart *uart);
/* The next byte, or -1 if there is none. */
int uart_take(struct uart *uart);

/* Stop and resume taking bytes from the hardware: they pile up outside the guest. */
void uart_deaf(struct uart *uart, bool deaf);

#endif
