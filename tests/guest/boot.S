/*
 * The guest's first instructions: multiboot-1 header, flat segments, stack, cleared bss; and the
 * frames around its interrupt handlers.
 * The loader (QEMU -kernel) enters in 32-bit protected mode with ebx = multiboot information.
 */
	.set MAGIC, 0x1BADB002
	.set FLAGS, 0x00000002	/* give us the memory map; the command line comes anyway */

	.section .multiboot, "a"
	.align 4
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)

	.section .rodata
	.align 8
gdt:
	.quad 0
	.quad 0x00CF9A000000FFFF	/* 0x08: code, flat 4 GiB */
	.quad 0x00CF92000000FFFF	/* 0x10: data, flat 4 GiB */
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt

	.section .bss
	.align 16
	.skip 16384
stack_top:

	.text
	.globl guest_start
guest_start:
	cli
	cld
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	mov $bss_start, %edi	/* a reset leaves the old contents behind */
	mov $bss_end, %ecx
	sub %edi, %ecx
	shr $2, %ecx
	xor %eax, %eax
	rep stosl
	mov $stack_top, %esp
	push %ebx
	call guest_main
2:	cli
	hlt
	jmp 2b

	/* Interrupt entries: machine.c puts them into the table. */
	.macro entry name
	.globl isr_\name
isr_\name:
	pusha
	cld
	call on_\name
	popa
	iret
	.endm

	entry timer
	entry com1
	entry com2
	entry spurious
	entry exception

	.section .note.GNU-stack, "", @progbits
