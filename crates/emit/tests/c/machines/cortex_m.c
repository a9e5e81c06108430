/* A Cortex-M without anything: a vector table, the FPU switched on, and output by semihosting (Arm's "Semihosting for
 * AArch32 and AArch64", sections 5 and 6). */
#include <stdint.h>

#include "machine.h"

extern uint32_t stack_top, data_source, data_begin, data_end, bss_begin, bss_end;

enum { SYS_OPEN = 1, SYS_WRITE = 5, SYS_EXIT = 0x18, EXIT_DONE = 0x20026, EXIT_FAULT = 0x20023 };

static int32_t semihost(int32_t operation, const void *parameter)
{
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static int32_t output;

void put(const unsigned char *bytes, int count)
{
    /* What could not be written yet is written again. */
    while (count > 0) {
        const uint32_t parameters[3] = { (uint32_t)output, (uint32_t)(uintptr_t)bytes, (uint32_t)count };
        const int32_t left = semihost(SYS_WRITE, parameters);
        bytes += count - left;
        count = left;
    }
}

void reset(void)
{
    for (uint32_t *to = &data_begin, *from = &data_source; to < &data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &bss_begin; to < &bss_end;) {
        *to++ = 0;
    }
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    /* ":tt" opened for writing is the standard output. */
    static const char name[] = ":tt";
    const uint32_t parameters[3] = { (uint32_t)(uintptr_t)name, 4, sizeof name - 1 };
    output = semihost(SYS_OPEN, parameters);
    run_all();
    semihost(SYS_EXIT, (const void *)EXIT_DONE);
}

static void fault(void)
{
    semihost(SYS_EXIT, (const void *)EXIT_FAULT);
}

__attribute__((section(".vectors"), used)) static const struct {
    const void *stack;
    void (*handlers[15])(void);
} vectors = { &stack_top, { reset, fault, fault, fault, fault, fault } };
