/* ----------------------------------------------------------------------------------------------- thumbnails */

int awb_thumbnail_bayer(const uint16_t *mosaic, int width, int height, int stride, awb_bayer order,
                        const awb_camera *camera, uint16_t *thumbnail)
{
    int columns = width / 2, tiles = height / 2, cx, cy, x, y, c;
    int red = order == AWB_RGGB ? 0 : order == AWB_GRBG ? 1 : order == AWB_GBRG ? 2 : 3;
    if (columns < AWB_SIDE || tiles < AWB_SIDE)
        return AWB_BAD_ARGUMENT;
    for (cy = 0; cy < AWB_SIDE; cy++)
        for (cx = 0; cx < AWB_SIDE; cx++) {
            int top = (int)((int64_t)cy * tiles / AWB_SIDE), bottom = (int)((int64_t)(cy + 1) * tiles / AWB_SIDE);
            int left = (int)((int64_t)cx * columns / AWB_SIDE), right = (int)((int64_t)(cx + 1) * columns / AWB_SIDE);
            uint64_t sum[3] = {0, 0, 0};
            uint32_t number = 0, area = (uint32_t)((bottom - top) * (right - left));
            for (y = top; y < bottom; y++)
                for (x = left; x < right; x++) {
                    const uint16_t *tile = mosaic + (int64_t)2 * y * stride + 2 * x;
                    uint32_t at[4];
                    uint32_t limit = camera->white;
                    at[0] = tile[0];
                    at[1] = tile[1];
                    at[2] = tile[stride];
                    at[3] = tile[stride + 1];
                    if (limit != 65535u && (at[0] >= limit || at[1] >= limit || at[2] >= limit || at[3] >= limit))
                        continue;
                    if (at[red] <= camera->black[0] || at[3 - red] <= camera->black[2] ||
                        at[red ^ 1] <= camera->black[1] || at[red ^ 2] <= camera->black[1])
                        continue;
                    sum[0] += at[red];
                    sum[1] += at[red ^ 1] + at[red ^ 2];
                    sum[2] += at[3 - red];
                    number++;
                }
            for (c = 0; c < 3; c++) {
                uint32_t by = c == 1 ? 2 * number : number;
                *thumbnail++ = (uint16_t)(2 * number >= area && number ? (sum[c] + by / 2) / by : 0);
            }
        }
    return AWB_OK;
}

/* Rounded; of zones that counted something. */
static uint32_t mean_of(uint32_t sum, uint32_t count)
{
    return sum / count + (count - sum % count <= sum % count);
}

int awb_thumbnail_zones(const awb_zone *zones, int columns, int rows_of_zones, uint16_t *thumbnail)
{
    uint32_t most = 0;
    int shift = 0, n, x, y, c;
    if (columns < 1 || rows_of_zones < 1)
        return AWB_BAD_ARGUMENT;
    for (n = 0; n < columns * rows_of_zones; n++)
        if (zones[n].count) {
            const uint32_t sum[3] = {zones[n].red, zones[n].green, zones[n].blue};
            for (c = 0; c < 3; c++)
                most = mean_of(sum[c], zones[n].count) > most ? mean_of(sum[c], zones[n].count) : most;
        }
    while (most >> shift > 65535u)
        shift++;
    for (y = 0; y < AWB_SIDE; y++)
        for (x = 0; x < AWB_SIDE; x++) {
            const awb_zone *zone = zones + y * rows_of_zones / AWB_SIDE * columns + x * columns / AWB_SIDE;
            const uint32_t sum[3] = {zone->red, zone->green, zone->blue};
            for (c = 0; c < 3; c++)
                *thumbnail++ = (uint16_t)(zone->count ? mean_of(sum[c], zone->count) >> shift : 0);
        }
    return AWB_OK;
}
