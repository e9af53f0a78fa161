/* Camera auto white balance in whole numbers: from a thumbnail of 64 x 64 pixels to the gains that make its light white.
 * Made by awbkit @VERSION@ from @NAME@. C99, no dependency, no heap, no floating point. */
#ifndef AWB_H
#define AWB_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AWB_SIDE 64
#define AWB_PIXELS (AWB_SIDE * AWB_SIDE)

enum { AWB_OK = 0, AWB_NO_VALID_PIXEL = -1, AWB_BAD_ARGUMENT = -2 };

/* What the numbers of a thumbnail mean.
 * black: what each channel shows without light; it is taken off.
 * white: a pixel with a channel at or above it is clipped and does not count; 65535 if nothing is.
 * d65:   the camera's red, green and blue of a white surface in daylight of 6504 K, on any scale, such as
 *        65535 * (XYZ to camera matrix * (0.9504, 1, 1.0888)) / its largest; all 0 if not known. */
typedef struct {
    uint16_t black[3];
    uint16_t white;
    uint16_t d65[3];
} awb_camera;

/* The answer.
 * gain:  what red, green and blue are to be multiplied by, in 1/4096; green's is 4096.
 * light: log2 of the light's red/green and blue/green, in 1/2048.
 * error: by how many degrees the light is expected to be off, in 1/256. */
typedef struct {
    uint32_t gain[3];
    int16_t light[2];
    uint16_t error;
} awb_gains;

/* Memory for one estimate; it may be used for anything else between them. */
typedef struct {
    uint64_t words[@WORDS@];
} awb_workspace;

/* Estimate the light of a picture.
 * thumbnail: AWB_PIXELS times red, green, blue, row by row, linear. A pixel with a channel at or under black is not valid.
 * Returns AWB_OK, or AWB_NO_VALID_PIXEL and leaves the answer as it was. */
int awb_estimate(const uint16_t *thumbnail, const awb_camera *camera, awb_workspace *workspace, awb_gains *out);

/* What the network reads, for runtimes that compute it in place of awb_estimate, such as TensorFlow Lite Micro.
 * grid:   16 x 16 cells by rows, of each five numbers; zeros where the network reads none.
 * read:   the statistics, the anchor, and whether d65 is known.
 * anchor: log2 of red/green and blue/green of the first guess of the light, in 1/2048; what the network answers is added. */
#define AWB_READ @READ@
typedef struct {
    int8_t grid[16 * 16 * 5];
    int8_t read[AWB_READ];
    int16_t anchor[2];
} awb_description;

/* Measure a picture as awb_estimate does, and do no more. Returns what that returns. */
int awb_describe(const uint16_t *thumbnail, const awb_camera *camera, awb_workspace *workspace, awb_description *out);

/* The colours of a two by two tile of a Bayer mosaic, from its upper left corner, by rows. */
typedef enum { AWB_RGGB, AWB_GRBG, AWB_GBRG, AWB_BGGR } awb_bayer;

/* Make a thumbnail of a Bayer mosaic: means of the tiles that lie whole in each cell and have no clipped sample.
 * stride: samples from one row to the next.
 * A cell is valid if at least half of its tiles are. Black levels stay in it.
 * Returns AWB_OK, or AWB_BAD_ARGUMENT if the mosaic has fewer than 128 rows or columns. */
int awb_thumbnail_bayer(const uint16_t *mosaic, int width, int height, int stride, awb_bayer order,
                        const awb_camera *camera, uint16_t *thumbnail);

/* What a camera's statistics hardware sums in one zone: of the pixels that it counted. */
typedef struct {
    uint32_t red, green, blue;
    uint32_t count;
} awb_zone;

/* Make a thumbnail of zone statistics, each cell from the zone that it lies in. Means over 65535 are halved, all alike, until
 * none is; give sums of 16-bit numbers to be sure of what black and white mean.
 * Returns AWB_OK, or AWB_BAD_ARGUMENT without zones. */
int awb_thumbnail_zones(const awb_zone *zones, int columns, int rows, uint16_t *thumbnail);

#ifdef __cplusplus
}
#endif

#endif
