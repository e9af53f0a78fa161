/* Vectors and reset of a Cortex-M without an operating system. */
#include <stdint.h>

extern uint32_t data_start, data_end, data_load, __bss_start__, __bss_end__, stack_top;
extern void initialise_monitor_handles(void);
extern int main(void);
extern void exit(int);

void reset(void)
{
    uint32_t *from = &data_load, *to;
    for (to = &data_start; to < &data_end; to++)
        *to = *from++;
    for (to = &__bss_start__; to < &__bss_end__; to++)
        *to = 0;
    initialise_monitor_handles();
    exit(main());
}

static void fault(void)
{
    exit(99);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))&stack_top, reset, fault, fault, fault, fault, fault,
};
