/* ------------------------------------------------------------------------------------------------- channels */

/* Of numbers of 31 bits. The branch, which no processor foresees, costs a Cortex-M less than to do without; a PC is
 * held up by it for as long as all else takes that the smallest network measures. */
static uint32_t distance(uint32_t a, uint32_t b)
{
#ifdef __arm__
    return a > b ? a - b : b - a;
#else
    int32_t apart = (int32_t)(a - b);
    return (uint32_t)(apart < 0 ? -apart : apart);
#endif
}

/* Add the difference of two neighbours, and its fourth power. */
static CALLED void add_step(uint32_t part, uint32_t other, uint32_t *apart, uint64_t *steep)
{
    uint32_t step = distance(part, other);
    if (other == UNSEEN)
        return;
    *apart += step;
    step = step * step >> 6;
    *steep += (uint64_t)step * step;
}

/* Of one channel, as shares of its maximum: Minkowski norms of it and of the differences of neighbours, and how bright
 * patches of 16 x 16 pixels are of what they would be if all of each were as bright as its brightest. */
static void measure_channel(estimate *e, int c, uint32_t top)
{
    enum { PATCH = 16 };
    uint16_t *above;
    uint32_t scale = 0x80000000u / top, first = 0, apart = 0, filled = 0, black = e->camera->black[c];
    uint32_t patches[AWB_SIDE / PATCH][2];
    uint64_t power[3] = {0, 0, 0}, steep = 0;
    int32_t mean = log2_of(e->count), most = log2_of(top);
    const uint16_t *raw = e->thumbnail + c;
    int x, y, n;
    fill(e->at.norms.shares, sizeof e->at.norms.shares, UNSEEN & 0xffu);
    for (y = 0; y < AWB_SIDE; y++) {
        uint32_t left = UNSEEN, second = 0, fourth = 0, eighth = 0;
        if (y % PATCH == 0)
            clear(patches, sizeof patches);
        above = e->at.norms.shares;
        for (n = 0; n < AWB_SIDE / PATCH; n++) {
            uint32_t total = 0, largest = patches[n][1];
            uint32_t seen = e->seen[2 * y + n / 2] >> n % 2 * PATCH;
            for (x = 0; x < PATCH; x++, raw += 3, seen >>= 1) {
                uint32_t part = UNSEEN, square;
                if (seen & 1) {
                    part = (*raw - black) * scale >> 16;
                    total += part;
                    square = (part >> 3) * (part >> 3);
                    second += square;
                    square = (square >> 12) * (square >> 12);
                    fourth += square;
                    if (READS_HIGH_NORMS)
                        eighth += (square >> 12) * (square >> 12);
                    if (READS_EDGES) {
                        add_step(part, left, &apart, &steep);
                        add_step(part, *above, &apart, &steep);
                    }
                    largest = part > largest ? part : largest;
                }
                *above++ = (uint16_t)part;
                left = part;
            }
            first += total;
            patches[n][0] += total;
            patches[n][1] = largest;
        }
        power[0] += second;
        power[1] += fourth;
        power[2] += eighth;
        for (n = 0; READS_SURFACE && y % PATCH == PATCH - 1 && n < AWB_SIDE / PATCH; n++)
            if (patches[n][1])
                filled += exp2_of(log2_of(patches[n][0]) - log2_of(patches[n][1]), 8);
    }
    e->norms[0][c] = log2_of(first) - mean - 15 * OCTAVE + most;
    for (n = 0; n < 3; n++)
        e->norms[n + 1][c] = ((log2_of(power[n]) - mean - 24 * OCTAVE) >> (n + 1)) + most;
    e->norms[4][c] = most;
    e->norms[5][c] = log2_of(apart) + most;
    e->norms[6][c] = (log2_of(steep) >> 2) + most;
    e->norms[7][c] = log2_of(first) - log2_of(filled) + most;
}

/* Which pixels are valid; and the channels' norms. */
static int measure_channels(estimate *e)
{
    const uint16_t *raw = e->thumbnail, *black = e->camera->black;
    uint32_t top[3] = {0, 0, 0}, clipped = e->camera->white, bits = 0;
    int n, c;
    clipped += clipped == 65535u;
    e->count = 0;
    for (n = 0; n < AWB_PIXELS; n++, raw += 3) {
        bits >>= 1;
        if (raw[0] > black[0] && raw[1] > black[1] && raw[2] > black[2] && raw[0] < clipped && raw[1] < clipped &&
            raw[2] < clipped) {
            bits |= 0x80000000u;
            e->count++;
            UNROLLED
            for (c = 0; c < 3; c++)
                top[c] = raw[c] > top[c] ? raw[c] : top[c];
        }
        if (n % 32 == 31)
            e->seen[n / 32] = bits;
    }
    if (!e->count)
        return AWB_NO_VALID_PIXEL;
    for (c = 0; c < 3; c++)
        measure_channel(e, c, top[c] - black[c]);
    return AWB_OK;
}

static inline int32_t whiteness_of(const int32_t y[3])
{
    int32_t least = y[0] < y[1] ? y[0] : y[1], most = y[0] < y[1] ? y[1] : y[0];
    least = y[2] < least ? y[2] : least;
    most = y[2] > most ? y[2] : most;
    return 2 * least - most;
}

/* Logarithms of a valid pixel under the 4-norm. */
static inline void guessed(const estimate *e, int place, int32_t y[3])
{
    int c;
    UNROLLED
    for (c = 0; c < 3; c++)
        y[c] = quick_log2(value_at(e, place, c)) - e->norms[2][c];
}

/* Gains under which the mean brightness, of all channels together, is 1. */
static void find_gains(estimate *e)
{
    int32_t most, level, means[3], exponent[3];
    int c;
    for (c = 0; c < 3; c++)
        means[c] = e->norms[0][c] - e->anchor[c];
    most = means[0] > means[1] ? means[0] : means[1];
    most = means[2] > most ? means[2] : most;
    level = log2_of(exp2_of(means[0] - most, 14) + exp2_of(means[1] - most, 14) + exp2_of(means[2] - most, 14)) +
               most - 14 * OCTAVE;
    for (c = 0; c < 3; c++)
        exponent[c] = LINEAR_BITS * OCTAVE - e->anchor[c] - level;
    most = exponent[0] > exponent[1] ? exponent[0] : exponent[1];
    most = exponent[2] > most ? exponent[2] : most;
    e->shift = 14 - (most >> 11) > 1 ? (int)(14 - (most >> 11)) : 1;
    for (c = 0; c < 3; c++) {
        int32_t capped = exponent[c] < (15 - e->shift) * OCTAVE ? exponent[c] : (15 - e->shift) * OCTAVE;
        e->gain[c] = exp2_of(capped, e->shift);
        e->gain[c] = e->gain[c] > 32767 ? 32767 : e->gain[c];
    }
    e->half = 1u << (e->shift - 1);
    for (c = 0; c < 3; c++)
        e->offset[c] += level;
}

/* The first guess of the light: the mean chromaticity of what is bright and least coloured under the 4-norm. */
static void find_anchor(estimate *e)
{
    uint8_t *bins = e->at.anchor.bins;
    uint16_t *histogram = e->at.anchor.histogram;
    const int32_t *first = e->norms[2];
    int16_t *out = e->statistics;
    uint32_t total[3] = {0, 0, 0};
    int64_t products[3] = {0, 0, 0};
    int32_t y[3], colour[2] = {0, 0}, most;
    share end;
    int n, c;
    clear(histogram, sizeof e->at.anchor.histogram);
    for (n = 0; n < AWB_PIXELS; n++)
        if (is_seen(e, n)) {
            guessed(e, n, y);
            bins[n] = bin_of(WHITE, whiteness_of(y));
            histogram[bins[n]]++;
            y[0] -= y[1];
            y[2] -= y[1];
            colour[0] += y[0];
            colour[1] += y[2];
            if (READS_SPREAD) {
                products[0] += (int64_t)y[0] * y[0];
                products[1] += (int64_t)y[2] * y[2];
                products[2] += (int64_t)y[0] * y[2];
            }
        } else {
            bins[n] = 0;
        }
    end = highest(histogram, rank_of(e->count, 30));
    for (n = 0; n < AWB_PIXELS; n++) {
        uint32_t weight = weight_above(end, bins[n]), linear[3], sum;
        if (!weight || !is_seen(e, n))
            continue;
        guessed(e, n, y);
        most = y[0] > y[1] ? y[0] : y[1];
        most = y[2] > most ? y[2] : most;
        for (sum = 0, c = 0; c < 3; c++)
            sum += linear[c] = exp2_of(y[c] - most, 15);
        for (c = 0; c < 3; c++)
            total[c] += (linear[c] << 15) / sum * weight;
    }
    for (c = 0; c < 3; c++)
        e->anchor[c] = first[c] + log2_of(total[c]);
    for (c = 0; c < 3; c += 2)
        e->anchor[c] -= e->anchor[1];
    e->anchor[1] = 0;
    for (c = 0; LOOKS_ONCE && c < 3; c++)
        e->offset[c] = e->anchor[c];
    if (READS_LINEAR)
        find_gains(e);
    /* Relative to the anchor, and not to the first guess. */
    for (c = 0; c < 2; c++)
        out[AT_MEAN + c] = held(ratio(colour[c], e->count) + less_green(first, c) - e->anchor[2 * c]);
    if (READS_SPREAD)
        moments(e->count, colour, products, out + AT_SPREAD);
    out[AT_VALID] = (int16_t)(e->count >> 1);
    for (n = 0; n < 8; n++) {
        for (c = 0; c < 3; c++)
            e->norms[n][c] -= e->anchor[c];
        put_chroma(out + (n < 5 ? AT_NORMS : n < 7 ? AT_EDGES - 10 : AT_SURFACE - 14) + 2 * n, e->norms[n]);
    }
}
