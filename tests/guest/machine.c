/*
 * The PC around the CPU: descriptor table for interrupts, the 8259 pair, and the ways to end.
 * Knows the two interrupt sources by their handlers, not what they do.
 */
#include "machine.h"

#include "clock.h"
#include "cpu.h"
#include "print.h"
#include "uart.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xA0
#define PIC2_DATA 0xA1
#define PIC_EOI 0x20

#define VECTOR_IRQ 32
#define VECTORS 48
#define GATE_INTERRUPT32 0x8E00
#define CODE_SELECTOR 0x08

#define PORT_KEYBOARD 0x64
#define KEYBOARD_RESET 0xFE
#define PORT_PVPANIC 0x505
#define PVPANIC_PANICKED 1
#define PORT_PM1A_STATUS 0x600 /* PIIX4 at SeaBIOS's base 0x600 */
#define PORT_PM1A_ENABLE 0x602
#define PORT_PM1A_CONTROL 0x604
#define PM1A_POWER_BUTTON 0x100
#define PM1A_SLEEP_S5 0x2000

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_high;
};

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

/* boot.S: save the registers, call on_NAME(), iret. */
void isr_timer(void);
void isr_com1(void);
void isr_com2(void);
void isr_spurious(void);
void isr_exception(void);
void on_timer(void);
void on_com1(void);
void on_com2(void);
void on_spurious(void);
void on_exception(void);

static struct gate idt[VECTORS];

static void load_idt(const void *base, uint16_t bytes)
{
	struct table_pointer pointer = {bytes, (uint32_t)base};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static void set_gate(unsigned vector, void (*handler)(void))
{
	uint32_t address = (uint32_t)handler;

	idt[vector].offset_low = address & 0xFFFF;
	idt[vector].selector = CODE_SELECTOR;
	idt[vector].type = GATE_INTERRUPT32;
	idt[vector].offset_high = address >> 16;
}

void on_timer(void)
{
	clock_on_interrupt();
	out8(PIC1_COMMAND, PIC_EOI);
}

void on_com1(void)
{
	uart_on_interrupt(&com1);
	out8(PIC1_COMMAND, PIC_EOI);
}

void on_com2(void)
{
	uart_on_interrupt(&com2);
	out8(PIC1_COMMAND, PIC_EOI);
}

void on_spurious(void)
{
	/* an 8259 line that fell before it was served */
}

void on_exception(void)
{
	print("\r\nguest: CPU exception, halted\r\n");
	machine_halt();
}

static void pic_init(void)
{
	out8(PIC1_COMMAND, 0x11); /* ICW1: edge triggered, cascade, ICW4 follows */
	out8(PIC2_COMMAND, 0x11);
	out8(PIC1_DATA, VECTOR_IRQ);
	out8(PIC2_DATA, VECTOR_IRQ + 8);
	out8(PIC1_DATA, 4); /* the second one hangs on line 2 */
	out8(PIC2_DATA, 2);
	out8(PIC1_DATA, 1); /* 8086 mode */
	out8(PIC2_DATA, 1);
	out8(PIC1_DATA, 0xFF);
	out8(PIC2_DATA, 0xFF);
}

void machine_init(void)
{
	for (unsigned vector = 0; vector < VECTORS; vector++)
		set_gate(vector, vector < VECTOR_IRQ ? isr_exception : isr_spurious);
	set_gate(VECTOR_IRQ + IRQ_TIMER, isr_timer);
	set_gate(VECTOR_IRQ + IRQ_COM1, isr_com1);
	set_gate(VECTOR_IRQ + IRQ_COM2, isr_com2);
	load_idt(idt, sizeof(idt) - 1);
	pic_init();
}

void machine_irq_enable(enum irq_line line)
{
	out8(PIC1_DATA, (uint8_t)(in8(PIC1_DATA) & ~(1u << line)));
}

void machine_irq_disable(enum irq_line line)
{
	out8(PIC1_DATA, in8(PIC1_DATA) | (uint8_t)(1u << line));
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void machine_reboot(void)
{
	out8(PORT_KEYBOARD, KEYBOARD_RESET);
	machine_halt();
}

void machine_triple_fault(void)
{
	load_idt(0, 0);
	__asm__ volatile("int3");
	machine_halt();
}

void machine_power_off(void)
{
	out16(PORT_PM1A_CONTROL, PM1A_SLEEP_S5);
	machine_halt();
}

void machine_await_button(void)
{
	out16(PORT_PM1A_ENABLE, PM1A_POWER_BUTTON);
	while (!(in16(PORT_PM1A_STATUS) & PM1A_POWER_BUTTON))
		clock_sleep(20);
}

void machine_panic(void)
{
	out8(PORT_PVPANIC, PVPANIC_PANICKED);
	machine_halt();
}
