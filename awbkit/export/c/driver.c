/* Answers for thumbnails from standard input, for awbkit's check of what it exported.
 * Of each picture: seven numbers of 16 bits for the camera, then the thumbnail. */
#include <stdio.h>

#include "awb.h"

static awb_workspace workspace;
static uint16_t thumbnail[AWB_PIXELS * 3];

int main(void)
{
    awb_camera camera;
    awb_gains found = {{0, 0, 0}, {0, 0}, 0};
    while (fread(&camera, sizeof camera, 1, stdin) == 1 && fread(thumbnail, sizeof thumbnail, 1, stdin) == 1) {
        int status = awb_estimate(thumbnail, &camera, &workspace, &found);
        printf("%d %d %d %u %lu %lu %lu\n", status, found.light[0], found.light[1], (unsigned)found.error,
               (unsigned long)found.gain[0], (unsigned long)found.gain[1], (unsigned long)found.gain[2]);
    }
    return 0;
}
