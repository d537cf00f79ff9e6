/*
 * The 16550A as QEMU makes it. Registers and bits: PC16550D data sheet. Reading the line status
 * clears BREAK and overrun, so every read of it goes through line_status(), interrupts off.
 */
#include "uart.h"

#include "cpu.h"

#define REG_DATA 0
#define REG_IER 1
#define REG_IIR 2
#define REG_FCR 2
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5
#define REG_SCRATCH 7

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IER_LINE 0x04
#define IIR_NONE 0x01
#define FCR_ENABLE 0x01
#define FCR_ENABLE_AND_CLEAR 0x07
#define FCR_TRIGGER_14 0xC0
#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define MCR_DTR_RTS_OUT2 0x0B
#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_BREAK 0x10
#define LSR_TRANSMIT_EMPTY 0x20

#define FIFO_SIZE 16
#define SPINS_BEFORE_HALT 200
#define COM1_RING (32u * 1024)
#define COM2_RING 4096u

static uint8_t com1_ring[COM1_RING];
static uint8_t com2_ring[COM2_RING];

struct uart com1 = {.base = 0x3F8, .irq = IRQ_COM1, .ring = com1_ring, .ring_size = COM1_RING};
struct uart com2 = {.base = 0x2F8, .irq = IRQ_COM2, .ring = com2_ring, .ring_size = COM2_RING};

static void set_interrupts(struct uart *uart, uint8_t mask)
{
	uart->interrupts = mask;
	out8(uart->base + REG_IER, mask);
}

bool uart_init(struct uart *uart)
{
	out8(uart->base + REG_SCRATCH, 0x5A);
	if (in8(uart->base + REG_SCRATCH) != 0x5A)
		return false;
	out8(uart->base + REG_LCR, LCR_DLAB);
	out8(uart->base + REG_DATA, 1); /* divisor 1: 115200 baud */
	out8(uart->base + REG_IER, 0);
	out8(uart->base + REG_LCR, LCR_8N1);
	out8(uart->base + REG_FCR, FCR_ENABLE_AND_CLEAR); /* trigger at 1 byte: no latency */
	out8(uart->base + REG_MCR, MCR_DTR_RTS_OUT2);
	set_interrupts(uart, IER_RECEIVE | IER_LINE);
	machine_irq_enable(uart->irq);
	return true;
}

static uint8_t line_status(struct uart *uart)
{
	uint8_t status = in8(uart->base + REG_LSR);

	if (status & LSR_OVERRUN)
		uart->stat.overruns++;
	if (status & LSR_BREAK) {
		uart->stat.breaks++;
		uart->breaks_to_skip++;
	}
	return status;
}

static void receive_all(struct uart *uart)
{
	while (line_status(uart) & LSR_DATA) {
		uint8_t byte;

		if (uart->head - uart->tail == uart->ring_size) {
			uart->stat.stalls++;
			set_interrupts(uart, uart->interrupts & (uint8_t)~IER_RECEIVE);
			return;
		}
		byte = in8(uart->base + REG_DATA);
		if (!byte && uart->breaks_to_skip) {
			uart->breaks_to_skip--;
			continue;
		}
		uart->ring[uart->head & (uart->ring_size - 1)] = byte;
		uart->head++;
		uart->stat.received++;
	}
}

void uart_on_interrupt(struct uart *uart)
{
	/* The line is edge triggered: leave only when it is down. Reading IIR clears "empty". */
	while (!(in8(uart->base + REG_IIR) & IIR_NONE)) {
		if (uart->interrupts & IER_RECEIVE)
			receive_all(uart);
		else
			line_status(uart);
	}
}

static bool transmit_empty(struct uart *uart)
{
	uint8_t status;

	irq_off();
	status = line_status(uart);
	irq_on();
	return status & LSR_TRANSMIT_EMPTY;
}

static void wait_transmit_empty(struct uart *uart)
{
	for (unsigned spin = 0; spin < SPINS_BEFORE_HALT; spin++) {
		if (transmit_empty(uart))
			return;
	}
	for (;;) {
		irq_off();
		set_interrupts(uart, uart->interrupts | IER_TRANSMIT);
		if (line_status(uart) & LSR_TRANSMIT_EMPTY)
			break;
		irq_on_and_halt();
	}
	set_interrupts(uart, uart->interrupts & (uint8_t)~IER_TRANSMIT);
	irq_on();
}

void uart_put(struct uart *uart, uint8_t byte)
{
	if (!uart->transmit_room) {
		wait_transmit_empty(uart);
		uart->transmit_room = FIFO_SIZE;
	}
	uart->transmit_room--;
	out8(uart->base + REG_DATA, byte);
	uart->stat.sent++;
}

void uart_bulk(struct uart *uart, bool bulk)
{
	irq_off();
	if (uart->interrupts & IER_RECEIVE)
		receive_all(uart);
	out8(uart->base + REG_FCR, FCR_ENABLE | (bulk ? FCR_TRIGGER_14 : 0));
	irq_on();
}

bool uart_pending(const struct uart *uart)
{
	return uart->head != uart->tail;
}

int uart_take(struct uart *uart)
{
	uint8_t byte;

	if (uart->head == uart->tail)
		return -1;
	byte = uart->ring[uart->tail & (uart->ring_size - 1)];
	uart->tail++;
	if (!(uart->interrupts & IER_RECEIVE) && uart->head - uart->tail == uart->ring_size / 2)
		uart_deaf(uart, false);
	return byte;
}

void uart_deaf(struct uart *uart, bool deaf)
{
	irq_off();
	if (deaf) {
		set_interrupts(uart, (uint8_t)(uart->interrupts & ~(IER_RECEIVE | IER_LINE)));
	} else {
		set_interrupts(uart, uart->interrupts | IER_RECEIVE | IER_LINE);
		receive_all(uart);
	}
	irq_on();
}
