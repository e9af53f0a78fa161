/* Times estimates of thumbnails from standard input, for awbkit bench: microseconds of the processor for each, the least
 * of several rounds. Of each picture: seven numbers of 16 bits for the camera, then the thumbnail. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "awb.h"

#define ROUNDS 15

typedef struct {
    awb_camera camera;
    uint16_t thumbnail[AWB_PIXELS * 3];
} picture;

static awb_workspace workspace;

int main(void)
{
    picture *all = NULL, *more;
    int count = 0, round, n, repeats = 1;
    double least = -1;
    awb_gains found;
    for (;;) {
        more = realloc(all, (size_t)(count + 1) * sizeof *all);
        if (!more)
            return 1;
        all = more;
        if (fread(&all[count].camera, sizeof all->camera, 1, stdin) != 1 ||
            fread(all[count].thumbnail, sizeof all->thumbnail, 1, stdin) != 1)
            break;
        count++;
    }
    for (round = 0; count && round < ROUNDS; round++) {
        clock_t start = clock(), taken;
        for (n = 0; n < count * repeats; n++)
            awb_estimate(all[n % count].thumbnail, &all[n % count].camera, &workspace, &found);
        taken = clock() - start;
        if (taken < CLOCKS_PER_SEC / 50) {
            repeats *= 2;
            round = -1;
            continue;
        }
        if (least < 0 || taken * 1e6 / CLOCKS_PER_SEC / count / repeats < least)
            least = taken * 1e6 / CLOCKS_PER_SEC / count / repeats;
    }
    printf("%.3f\n", least);
    free(all);
    return 0;
}
