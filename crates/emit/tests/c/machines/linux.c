/* A Linux process without a C library: two system calls. */
#include <stddef.h>

#include "machine.h"

#if defined(__riscv)
enum { SYS_WRITE = 64, SYS_EXIT = 93 };

static long call(long number, long a, long b, long c)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}
#elif defined(__mips__)
enum { SYS_WRITE = 4004, SYS_EXIT = 4001 };

static long call(long number, long a, long b, long c)
{
    register long a0 __asm__("$4") = a;
    register long a1 __asm__("$5") = b;
    register long a2 __asm__("$6") = c;
    register long v0 __asm__("$2") = number;
    register long a3 __asm__("$7");
    __asm__ volatile("syscall"
                     : "+r"(v0), "=r"(a3)
                     : "r"(a0), "r"(a1), "r"(a2)
                     : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25");
    return a3 ? -1 : v0;
}
#endif

void put(const unsigned char *bytes, int count)
{
    for (long done = 0; done < count;) {
        const long written = call(SYS_WRITE, 1, (long)(bytes + done), count - done);
        if (written <= 0) {
            call(SYS_EXIT, 1, 0, 0);
        }
        done += written;
    }
}

/* The few functions that compilers call of their own accord. */
void *memset(void *to, int byte, size_t count)
{
    for (volatile unsigned char *at = to; count > 0; --count) {
        *at++ = (unsigned char)byte;
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t count)
{
    const unsigned char *source = from;
    for (volatile unsigned char *at = to; count > 0; --count) {
        *at++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    if (to <= from) {
        return memcpy(to, from, count);
    }
    for (; count > 0; --count) {
        ((volatile unsigned char *)to)[count - 1] = ((const unsigned char *)from)[count - 1];
    }
    return to;
}

void start(void)
{
    run_all();
    call(SYS_EXIT, 0, 0, 0);
}
