/* What the driver asks of a machine, and what the machine calls. */
#ifndef MACHINE_H
#define MACHINE_H

void put(const unsigned char *bytes, int count);
void run_all(void);

#endif
