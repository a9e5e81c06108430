/* A machine with a C library. */
#include <stdio.h>

#include "machine.h"

void put(const unsigned char *bytes, int count)
{
    fwrite(bytes, 1, (size_t)count, stdout);
}

int main(void)
{
    run_all();
    return 0;
}
