/* -------------------------------------------------------------------------------------------------- network */

static inline int32_t rounded(int32_t total, int32_t multiplier)
{
#if AWB_DSP
    int32_t found;
    __asm__("smmulr %0, %1, %2" : "=r"(found) : "r"(total * 256), "r"(multiplier));
    return found;
#else
    return (int32_t)(((int64_t)total * multiplier + (1 << 23)) >> 24);
#endif
}

static inline activation held_between(int32_t x, int32_t low)
{
    return (activation)clamped(x, low, MOST);
}

#if AWB_PAIRS
static inline uint32_t word_at(const int8_t *four)
{
    uint32_t found;
    memcpy(&found, four, 4);
    return found;
}
#endif

#if AWB_FAST
static inline uint32_t pair(int32_t low, int32_t high)
{
    uint32_t found;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(found) : "r"(low), "r"(high));
    return found;
}
#endif

/* The sum of products of a row of weights and its inputs, both padded to a multiple of four. */
static CALLED int32_t dot(const coefficient *w, const activation *x, int n, int32_t total)
{
#if WEIGHT_BITS == 4
    for (; n > 0; n -= 2, w++, x += 2) {
        total += ((int32_t)(*w & 15) - 8) * x[0];
        total += ((int32_t)(*w >> 4) - 8) * x[1];
    }
#elif AWB_PAIRS
    for (; n > 0; n -= 4, w += 4, x += 4) {
        uint32_t a = word_at(w), b = word_at(x);
        total = __smlad(__sxtb16(a), __sxtb16(b), total);
        total = __smlad(__sxtb16(a >> 8 | a << 24), __sxtb16(b >> 8 | b << 24), total);
    }
#else
    while (n--)
        total += (int32_t)*w++ * *x++;
#endif
    return total;
}

#if AWB_FAST
/* A row of up to eight weights in four registers. */
typedef struct {
    uint32_t even[2], odd[2];
} eight;

static inline eight eight_of(const coefficient *row, int stride)
{
    uint32_t first = word_at(row), second = stride > 4 ? word_at(row + 4) : 0;
    eight found;
    found.even[0] = __sxtb16(first);
    found.odd[0] = __sxtb16(first >> 8 | first << 24);
    found.even[1] = __sxtb16(second);
    found.odd[1] = __sxtb16(second >> 8 | second << 24);
    return found;
}

static inline int32_t dot_eight(eight w, const activation *x, int32_t total)
{
    uint32_t first = word_at(x), second = word_at(x + 4);
    total = __smlad(__sxtb16(first), w.even[0], total);
    total = __smlad(__sxtb16(first >> 8 | first << 24), w.odd[0], total);
    total = __smlad(__sxtb16(second), w.even[1], total);
    return __smlad(__sxtb16(second >> 8 | second << 24), w.odd[1], total);
}
#endif

static inline const coefficient *row_of(const layer *l, int row)
{
    return l->weight + row * l->stride * WEIGHT_BITS / 8;
}

/* A linear layer. */
static void linear(const layer *l, const activation *in, activation *out, int32_t low)
{
    int n;
    for (n = 0; n < l->outputs; n++)
        out[n] = held_between(rounded(dot(row_of(l, n), in, l->stride, l->bias[n]), l->multiplier[n]), low);
    for (; n % 4; n++)
        out[n] = 0;
}

#if CHANNELS
/* A convolution of one cell with itself, over the grid. */
static void pointwise(const layer *l, const activation *in, int in_stride, activation *out, int32_t low)
{
    int cell, n;
    for (n = 0; n < l->outputs; n++) {
        const coefficient *row = row_of(l, n);
        const activation *x = in;
        activation *y = out + n;
        int32_t bias = l->bias[n], multiplier = l->multiplier[n];
#if AWB_FAST
        if (l->stride <= 8) {
            const eight weights = eight_of(row, l->stride);
            for (cell = 0; cell < 256; cell++, x += in_stride, y += CHANNELS)
                *y = held_between(rounded(dot_eight(weights, x, bias), multiplier), low);
            continue;
        }
#endif
        for (cell = 0; cell < 256; cell++, x += in_stride, y += CHANNELS)
            *y = held_between(rounded(dot(row, x, l->stride, bias), multiplier), low);
    }
}

@DEPTHWISE@

/* Means of the cells' log-chroma, by attention. */
static void attended(estimate *e, const layer *l, const activation *in, activation *out)
{
    int16_t *logits = e->at.network.logits;
    int map, cell;
    for (map = 0; map < l->outputs; map++) {
        int32_t most = -32768;
        uint32_t mass = 0;
        int32_t sum[2] = {0, 0};
        int32_t multiplier = l->multiplier[map], bias = l->bias[map];
#if AWB_FAST && CHANNELS <= 8
        const eight weights = eight_of(row_of(l, map), l->stride);
#endif
        for (cell = 0; cell < 256; cell++) {
            const activation *x = in + cell * CHANNELS;
            if (!e->grid[cell * GRID_CHANNELS + 4])
                continue;
#if AWB_FAST && CHANNELS <= 8
            logits[cell] = held(rounded(dot_eight(weights, x, bias), multiplier));
#else
            logits[cell] = held(rounded(dot(row_of(l, map), x, l->stride, bias), multiplier));
#endif
            most = logits[cell] > most ? logits[cell] : most;
        }
        for (cell = 0; cell < 256; cell++) {
            const activation *at = e->grid + cell * GRID_CHANNELS;
            uint32_t attention;
            if (!at[4])
                continue;
            attention = exp2_of((logits[cell] - most) * LOGIT, 12);
            mass += attention;
            sum[0] += (int32_t)attention * at[0];
            sum[1] += (int32_t)attention * at[1];
        }
        *out++ = (activation)clamped(ratio((int64_t)sum[0] * 11, (uint64_t)mass * 8), -127, 127);
        *out++ = (activation)clamped(ratio((int64_t)sum[1] * 11, (uint64_t)mass * 8), -127, 127);
    }
}
#endif

/* Measure a thumbnail. Returns AWB_OK or AWB_NO_VALID_PIXEL. */
static int measure(estimate *e, const uint16_t *thumbnail, const awb_camera *camera)
{
    e->thumbnail = thumbnail;
    e->camera = camera;
    e->known = camera->d65[0] && camera->d65[1] && camera->d65[2];
    if (measure_channels(e) != AWB_OK)
        return AWB_NO_VALID_PIXEL;
    find_anchor(e);
    if (LOOKS_ONCE)
        count_pixels(e);
    if (LOOKS_TWICE)
        measure_pixels(e);
    return AWB_OK;
}

/* What the head reads of the whole picture; returns where the next of its inputs goes. */
static activation *read_picture(const estimate *e, activation *x)
{
    int known = e->known, n;
    int32_t green = log2_of(e->camera->d65[1]);
#if STATISTICS
    for (n = 0; n < STATISTICS; n++) {
        int32_t apart = clamped(e->statistics[STATISTIC_PLACE(n)] - statistic_centre[n], -32767, 32767);
        *x++ = (activation)clamped((apart * statistic_gain[n] + 2048) >> 12, -127, 127);
    }
#endif
    for (n = 0; n < 2; n++) {
        int32_t white = log2_of(e->camera->d65[2 * n]) - green;
        *x++ = (activation)(known ? clamped((e->anchor[2 * n] - white + 16) >> 5, -127, 127) : 0);
    }
    *x++ = known ? 32 : 0;
    return x;
}

/* From what was measured to log2 of the light's red/green and blue/green less the anchor's, and of the error. */
static void network(estimate *e, int32_t answer[3])
{
    activation *x = read_picture(e, e->at.network.x[0]);
    const layer *l = &layer_output;
    int n;
@NETWORK@
}

int awb_estimate(const uint16_t *thumbnail, const awb_camera *camera, awb_workspace *workspace, awb_gains *out)
{
    estimate *e = (estimate *)(void *)workspace;
    int32_t answer[3], degrees;
    int c;
    if (measure(e, thumbnail, camera) != AWB_OK)
        return AWB_NO_VALID_PIXEL;
    network(e, answer);
    for (c = 0; c < 2; c++) {
        int32_t light = e->anchor[2 * c] + answer[c];
        out->light[c] = held(light);
        out->gain[2 * c] = exp2_of(clamped(-light, -19 * OCTAVE, 19 * OCTAVE), 12);
    }
    out->gain[1] = 4096;
    degrees = answer[2] < 10 * OCTAVE ? answer[2] : 10 * OCTAVE;
    degrees = error_offset[e->known] + (int32_t)(((int64_t)exp2_of(degrees, 8) * error_slope[e->known] + 128) >> 8);
    out->error = (uint16_t)clamped(degrees, 26, 15 * 256);
    return AWB_OK;
}

int awb_describe(const uint16_t *thumbnail, const awb_camera *camera, awb_workspace *workspace, awb_description *out)
{
    estimate *e = (estimate *)(void *)workspace;
    activation *x = e->at.network.x[0];
    int n;
    if (measure(e, thumbnail, camera) != AWB_OK)
        return AWB_NO_VALID_PIXEL;
    read_picture(e, x);
    for (n = 0; n < AWB_READ; n++)
        out->read[n] = (int8_t)x[n];
    for (n = 0; n < 256 * GRID_CHANNELS; n++)
        out->grid[n] = (int8_t)(CHANNELS ? e->grid[n] : 0);
    out->anchor[0] = held(e->anchor[0]);
    out->anchor[1] = held(e->anchor[2]);
    return AWB_OK;
}
