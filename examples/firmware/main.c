/* Estimates the light of thumbnails that lie in a file on the host, and counts the instructions that it takes.
 *
 * thumbnails.bin: for each picture seven numbers of 16 bits for the camera (black, white, D65; see awb.h), then
 * 64 x 64 x 3 for its pixels, little endian. One line comes out for each: status, log2 of the light, expected error,
 * gains, instructions, and those of awb_describe. QEMU must run with -icount shift=0, so that an instruction takes a
 * nanosecond of its time. */
#include <stdint.h>
#include <stdio.h>

#include "awb.h"

#define SYSTICK ((volatile uint32_t *)0xe000e010)
#define INSTRUCTIONS_A_TICK 40 /* the timer runs at 25 MHz */

static awb_workspace workspace;
static awb_description description;
static uint16_t thumbnail[AWB_PIXELS * 3];

static uint32_t ticks_since(uint32_t start)
{
    return (start - SYSTICK[2]) & 0xffffff;
}

int main(void)
{
    FILE *file = fopen("thumbnails.bin", "rb");
    awb_camera camera;
    awb_gains found = {{0, 0, 0}, {0, 0}, 0};
    if (!file)
        return 1;
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    while (fread(&camera, sizeof camera, 1, file) == 1 && fread(thumbnail, sizeof thumbnail, 1, file) == 1) {
        uint32_t start = SYSTICK[2], ticks, describing;
        int status = awb_estimate(thumbnail, &camera, &workspace, &found);
        ticks = ticks_since(start);
        start = SYSTICK[2];
        awb_describe(thumbnail, &camera, &workspace, &description);
        describing = ticks_since(start);
        printf("%d %d %d %u %lu %lu %lu %lu %lu\n", status, found.light[0], found.light[1], found.error,
               (unsigned long)found.gain[0], (unsigned long)found.gain[1], (unsigned long)found.gain[2],
               (unsigned long)ticks * INSTRUCTIONS_A_TICK, (unsigned long)describing * INSTRUCTIONS_A_TICK);
    }
    fclose(file);
    return 0;
}
