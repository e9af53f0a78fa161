/* ------------------------------------------------------------------------------------------------ workspace */

enum { BRIGHT, WHITE, GREY, RED_GREEN, BLUE_GREEN, HISTOGRAMS };
enum { MASKS = 11, SOFT = 5 };

/* Local contrast takes the rows above and below as well. */
enum { CONTRAST = CHANNELS || READS_GREY || READS_ROUGH || READS_CONTRAST, ROWS = CONTRAST ? 3 : 1 };

/* What a second look at the pixels measures, once it is known where shares of them end. */
enum {
    READS_CELLS = CHANNELS || READS_STRIPS || READS_BLOCKS,
    READS_SOFT = READS_WINDOWS || READS_ROUGH || READS_SHINE,
    READS_SHARES = READS_MASKS || READS_MASKED_CHROMA || READS_BRIGHT_SPREAD || READS_PRINCIPAL || READS_GREY,
    LOOKS_TWICE = READS_CELLS || READS_SOFT || READS_SHARES || READS_SECTORS,
    READS_LINEAR = LOOKS_TWICE || READS_TONES,
    LOOKS_ONCE = READS_LINEAR || READS_PERCENTILES || READS_CONTRAST
};

/* Where a share of the pixels ends, and the weight of those in the bin there. */
typedef struct {
    uint8_t bin, part;
} share;

typedef struct {
    uint32_t linear[MASKS][3];
    uint32_t mass[MASKS];
    int32_t chroma[MASKS][2];
    uint64_t lit[3];
    int64_t soft_chroma[SOFT][2];
    uint32_t soft_mass[SOFT];
    int64_t bright_products[3];
    uint64_t moment[6];
    uint32_t shine[8];
    uint16_t sector[8];
} sums;

/* Sums over the cells of one row of the grid. */
typedef struct {
    uint32_t linear[16][3];
    uint32_t contrast[16];
    uint8_t number[16];
} cells;

/* A row of pixels under the anchor, zeros where one is not valid, and logarithms of it and of the ROWS around it. */
typedef struct {
    uint32_t linear[3][AWB_SIDE];
    uint32_t contrast[AWB_SIDE];
    int16_t chroma[2][AWB_SIDE];
    uint8_t bins[3][AWB_SIDE];
    uint8_t seen[ROWS][AWB_SIDE + 2];
    uint16_t logs[ROWS][3][AWB_SIDE + 2];
} rows;

typedef struct {
    union {
        struct {
            uint16_t shares[AWB_SIDE];
        } norms;
        struct {
            uint8_t bins[AWB_PIXELS];
            uint16_t histogram[BINS];
        } anchor;
        struct {
            rows row;
            uint16_t histograms[HISTOGRAMS][BINS];
        } count;
        struct {
            rows row;
            sums total;
            cells cell;
            uint32_t weights[AWB_SIDE];
            uint32_t blocks[64][3];
            uint8_t block_seen[64];
        } measure;
        struct {
            int16_t logits[256];
#if CHANNELS
            activation maps[2][256 * CHANNELS];
#endif
            activation x[2][WIDEST];
        } network;
    } at;
    activation grid[CHANNELS ? 256 * GRID_CHANNELS + 3 : 1];
    int16_t statistics[138];
    share shares[MASKS];
    int32_t norms[8][3];
    int32_t anchor[3];
    int32_t offset[3];
    uint32_t gain[3], half;
    int shift, known;
    uint32_t count;
    uint32_t seen[AWB_PIXELS / 32];
    const uint16_t *thumbnail;
    const awb_camera *camera;
} estimate;

typedef char workspace_is_large_enough[sizeof(estimate) <= sizeof(awb_workspace) ? 1 : -1];

static inline int is_seen(const estimate *e, int place)
{
    return (int)(e->seen[place / 32] >> place % 32 & 1);
}

/* A channel of a valid pixel, less black. */
static inline uint32_t value_at(const estimate *e, int place, int c)
{
    return (uint32_t)e->thumbnail[3 * place + c] - e->camera->black[c];
}

/* A library's memset would be larger than this loop, which compilers know for one. */
#if defined(__OPTIMIZE_SIZE__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((noinline, optimize("no-tree-loop-distribute-patterns")))
#endif
static void fill(void *memory, uint32_t size, uint8_t value)
{
    uint8_t *byte = memory;
    while (size--)
        *byte++ = value;
}

static void clear(void *memory, uint32_t size)
{
    fill(memory, size, 0);
}

/* ----------------------------------------------------------------------------------------- order statistics */

static const int16_t offsets[HISTOGRAMS] = {11 * OCTAVE, 12 * OCTAVE, 10 * OCTAVE, 4 * OCTAVE, 4 * OCTAVE};
static const uint8_t widths[HISTOGRAMS] = {7, 7, 7, 6, 6};

static inline uint8_t bin_of(int which, int32_t value)
{
    return (uint8_t)clamped((value + offsets[which]) >> widths[which], 0, BINS - 1);
}

static uint32_t rank_of(uint32_t count, uint32_t thousandths)
{
    return (count * thousandths + 999) / 1000;
}

static share end_of_share(const uint16_t *histogram, uint32_t wanted, int from, int step)
{
    uint32_t before = 0;
    share found;
    int bin = from;
    while (before + histogram[bin] < wanted) {
        before += histogram[bin];
        bin += step;
    }
    found.bin = (uint8_t)bin;
    found.part = (uint8_t)(((wanted - before) * WHOLE + (histogram[bin] >> 1)) / histogram[bin]);
    return found;
}

static share highest(const uint16_t *histogram, uint32_t wanted)
{
    return end_of_share(histogram, wanted, BINS - 1, -1);
}

static share lowest(const uint16_t *histogram, uint32_t wanted)
{
    return end_of_share(histogram, wanted, 0, 1);
}

static inline uint32_t weight_above(share end, int bin)
{
    return bin > end.bin ? WHOLE : bin == end.bin ? end.part : 0;
}

static int32_t quantile(const estimate *e, int which, uint32_t rank)
{
    const uint16_t *histogram = e->at.count.histograms[which];
    uint32_t before = 0, number;
    int bin = 0;
    while (before + histogram[bin] <= rank)
        before += histogram[bin++];
    number = histogram[bin];
    return ((int32_t)bin << widths[which]) - offsets[which] +
           (int32_t)(((2 * (rank - before) + 1) << widths[which]) / (2 * number));
}

/* --------------------------------------------------------------------------------------- statistics of sums */

static CALLED int16_t held(int32_t x)
{
    return (int16_t)clamped(x, -32768, 32767);
}

/* How many octaves, in 1/2048, a natural logarithm has of units. */
#define NATURAL 23611

/* Half the logarithm of a mean of units of logarithms, in natural ones, three units added. */
static int16_t half_log(uint64_t sum, uint32_t number)
{
    return held((log2_of(sum + 3 * number) - log2_of(number) - NATURAL) >> 1);
}

/* Half the logarithms of standard deviations, and the correlation, of weighted log-chroma. */
static void moments(int64_t number, const int32_t sum[2], const int64_t products[3], int16_t *out)
{
    int64_t covariance = number * products[2] - (int64_t)sum[0] * sum[1];
    int32_t logs[2], size, one = 2 * (log2_of((uint64_t)number) + NATURAL);
    int k;
    for (k = 0; k < 2; k++) {
        logs[k] = log2_of((uint64_t)(number * (products[k] + 9 * number) - (int64_t)sum[k] * sum[k]));
        out[k] = held((logs[k] - one) >> 2);
    }
    size = (int32_t)exp2_of(log2_of((uint64_t)(covariance < 0 ? -covariance : covariance)) - ((logs[0] + logs[1]) >> 1), 11);
    size = size > OCTAVE ? OCTAVE : size;
    out[2] = (int16_t)(covariance < 0 ? -size : covariance > 0 ? size : 0);
}

/* The first principal direction of the pixels chosen, by power iteration. */
static void principal(const uint64_t moment[6], int32_t logs[3])
{
    static const uint8_t at[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
    uint32_t axis[3] = {10923, 10923, 10923}, found[3], sum;
    uint64_t most = 0;
    int size = 0, round, r, c;
    for (c = 0; c < 6; c++)
        most = moment[c] > most ? moment[c] : most;
    while (most >> size >> 15)
        size++;
    for (round = 0; round < 8; round++) {
        for (sum = 0, r = 0; r < 3; r++) {
            for (found[r] = 0, c = 0; c < 3; c++)
                found[r] += (uint32_t)(moment[at[r][c]] >> size) * axis[c];
            sum += found[r] >> 2;
        }
        sum >>= 13;
        for (r = 0; r < 3; r++)
            axis[r] = found[r] / (sum ? sum : 1);
    }
    for (r = 0; r < 3; r++)
        logs[r] = log2_of(axis[r]);
}

static int32_t less_green(const int32_t logs[3], int blue)
{
    return logs[blue ? 2 : 0] - logs[1];
}

static void put_chroma(int16_t *out, const int32_t logs[3])
{
    out[0] = held(less_green(logs, 0));
    out[1] = held(less_green(logs, 1));
}

static void put_means(int16_t *out, int64_t red, int64_t blue, uint64_t mass)
{
    out[0] = held(ratio(red, mass));
    out[1] = held(ratio(blue, mass));
}

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
        out[74 + c] = held(ratio(colour[c], e->count) + less_green(first, c) - e->anchor[2 * c]);
    if (READS_SPREAD)
        moments(e->count, colour, products, out + 100);
    out[106] = (int16_t)(e->count >> 1);
    for (n = 0; n < 8; n++) {
        for (c = 0; c < 3; c++)
            e->norms[n][c] -= e->anchor[c];
        put_chroma(out + (n < 5 ? 2 * n : 22 + 2 * n), e->norms[n]);
    }
}
