/* Made by awbkit @VERSION@ from @NAME@; see awb.h. The numbers are those of awbkit's integer reference, to the bit. */
#include <string.h>

#include "awb.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#define AWB_DSP (@ACTIVATION_BITS@ == 8)
#else
#define AWB_DSP 0
#endif

/* Loops over three channels cost more than what they do, but less space. */
#if defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
#define UNROLLED _Pragma("GCC unroll 4")
#else
#define UNROLLED
#endif

/* Compilers that are to save space put small functions into others all the same. */
#if defined(__GNUC__) && defined(__OPTIMIZE_SIZE__)
#define CALLED __attribute__((noinline))
#else
#define CALLED
#endif

/* Logarithms are to base 2, in 1/2048 octave. Shifts of negative numbers to the right round down, as all compilers for
 * embedded processors do them. */
#define OCTAVE 2048
#define BINS 256
#define WHOLE 128
#define LINEAR_BITS 12
#define UNSEEN 0xffffu

/* Attention is in 1/512 octave. */
#define LOGIT 4

@TABLES@
/* Instructions that multiply two pairs of 16 bits and add them; and loops of their own around them, which take space. */
#define AWB_PAIRS (AWB_DSP && WEIGHT_BITS == 8)
#ifdef __OPTIMIZE_SIZE__
#define AWB_FAST 0
#else
#define AWB_FAST AWB_PAIRS
#endif

/* ---------------------------------------------------------------------------------------------- arithmetic */

static int leading_zeros(uint32_t x)
{
#if defined(__GNUC__)
    return __builtin_clz(x);
#else
    int count = 0;
    while (!(x & 0x80000000u)) {
        x <<= 1;
        count++;
    }
    return count;
#endif
}

static CALLED int32_t clamped(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Of numbers of 64 bits, off by less than one; of 0 that of 1. */
static int32_t log2_of(uint64_t x)
{
    uint32_t high = (uint32_t)(x >> 32), low = (uint32_t)x, mantissa, place;
    int32_t whole, step;
    if (high) {
        whole = 63 - leading_zeros(high);
        mantissa = (uint32_t)(x >> (whole - 31));
    } else {
        low = low ? low : 1;
        whole = 31 - leading_zeros(low);
        mantissa = low << (31 - whole);
    }
    place = mantissa >> 26 & 31;
    step = log2_table[place + 1] - log2_table[place];
    step = log2_table[place] + ((step * (int32_t)(mantissa >> 10 & 0xffff) + 0x8000) >> 16);
    return whole * OCTAVE + ((step + 8) >> 4);
}

/* Of numbers of 32 bits that are not 0, off by 12 at most. */
#ifdef __OPTIMIZE_SIZE__
static int32_t quick_log2(uint32_t x)
{
    int zeros = leading_zeros(x);
    uint32_t place = (x << zeros) >> 24 & 127;
    const uint16_t *low = log2_table + (place >> 2);
    return (31 - zeros) * OCTAVE + ((8 * low[0] + (low[1] - low[0]) * (int32_t)(2 * (place & 3) + 1) + 64) >> 7);
}
#else
static inline int32_t quick_log2(uint32_t x)
{
    int zeros = leading_zeros(x);
    return (31 - zeros) * OCTAVE + quick_table[(x << zeros) >> 24 & 127];
}
#endif

/* 2^bits * 2^(x / 2048), rounded. */
static uint32_t exp2_of(int32_t x, int bits)
{
    int32_t place = x >> 6 & 31, shift = (x >> 11) + bits - 15;
    int32_t step = exp2_table[place + 1] - exp2_table[place];
    uint32_t value = 32768u + exp2_table[place] + (uint32_t)((step * (x & 63) + 32) >> 6);
    if (shift >= 0)
        return value << shift;
    shift = -shift > 20 ? 20 : -shift;
    return (value + (1u << (shift - 1))) >> shift;
}

/* The nearest whole number, halves away from zero; 0 where the denominator is 0. */
static int32_t ratio(int64_t numerator, uint64_t denominator)
{
    uint64_t size = (uint64_t)(numerator < 0 ? -numerator : numerator);
    uint32_t high = (uint32_t)(size >> 31);
    int shift = high ? 32 - leading_zeros(high) : 0;
    uint32_t by = (uint32_t)(denominator >> shift), found;
    if (!by)
        return 0;
    found = ((uint32_t)(size >> shift) + (by >> 1)) / by;
    return numerator < 0 ? -(int32_t)found : (int32_t)found;
}

/* ----------------------------------------------------------------------------------------------- workspace */

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

/* ---------------------------------------------------------------------------------------- order statistics */

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

/* -------------------------------------------------------------------------------------------- statistics of sums */

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

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
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

/* --------------------------------------------------------------------------------------- pixels under the anchor */

static void load_row(const estimate *e, rows *r, int y)
{
    int slot = (y + ROWS) % ROWS, x, c;
    uint8_t *seen = r->seen[slot] + 1;
    uint16_t *logs = r->logs[slot][0] + 1;
    for (x = 0; x < AWB_SIDE; x++, logs++) {
        int valid = y >= 0 && y < AWB_SIDE && is_seen(e, y * AWB_SIDE + x);
        *seen++ = (uint8_t)valid;
        UNROLLED
        for (c = 0; c < 3; c++)
            logs[c * (AWB_SIDE + 2)] = (uint16_t)(valid ? quick_log2(value_at(e, y * AWB_SIDE + x, c)) : 0);
    }
}

static void begin_rows(const estimate *e, rows *r)
{
    clear(r, sizeof *r);
    if (CONTRAST) {
        load_row(e, r, -1);
        load_row(e, r, 0);
    }
}

/* Row y under the anchor; the sum of its contrasts of colours. */
static uint32_t look_at_row(const estimate *e, rows *r, int y)
{
    static const uint8_t twelfths[5] = {0, 12, 6, 4, 3};
    enum { NEXT = AWB_SIDE + 2 };
    const uint16_t *above = r->logs[(y + 2) % ROWS][0] + 1, *here = r->logs[y % ROWS][0] + 1;
    const uint16_t *below = r->logs[(y + 1) % ROWS][0] + 1;
    const uint8_t *seen = r->seen[y % ROWS] + 1, *up = r->seen[(y + 2) % ROWS] + 1, *down = r->seen[(y + 1) % ROWS] + 1;
    const uint32_t half = e->half, gain[3] = {e->gain[0], e->gain[1], e->gain[2]};
    const int32_t offset[3] = {e->offset[0], e->offset[1], e->offset[2]};
    const int shift = e->shift;
    uint32_t colours = 0;
    int x, c;
    load_row(e, r, CONTRAST ? y + 1 : y);
    for (x = 0; x < AWB_SIDE; x++, above++, here++, below++) {
        int32_t log[3], apart[3], part = 0;
        uint32_t brightness = 0, contrast = 0, colour;
        if (!seen[x]) {
            r->linear[0][x] = r->linear[1][x] = r->linear[2][x] = r->contrast[x] = 0;
            r->chroma[0][x] = r->chroma[1][x] = 0;
            continue;
        }
        if (CONTRAST)
            part = twelfths[up[x] + down[x] + seen[x - 1] + seen[x + 1]];
        UNROLLED
        for (c = 0; c < 3; c++) {
            int32_t log_here = here[c * NEXT];
            uint32_t linear = READS_LINEAR ? (value_at(e, y * AWB_SIDE + x, c) * gain[c] + half) >> shift : 0;
            if (CONTRAST) {
                int32_t sum = above[c * NEXT] + below[c * NEXT] + here[c * NEXT - 1] + here[c * NEXT + 1];
                apart[c] = part ? 12 * log_here - part * sum : 0;
                contrast += (uint32_t)(apart[c] < 0 ? -apart[c] : apart[c]);
            }
            log[c] = log_here - offset[c];
            r->linear[c][x] = linear;
            brightness += linear;
        }
        if (CONTRAST) {
            r->contrast[x] = contrast;
            apart[0] -= apart[1];
            apart[2] -= apart[1];
            colour = (uint32_t)((apart[0] < 0 ? -apart[0] : apart[0]) + (apart[2] < 0 ? -apart[2] : apart[2]));
            colours += colour;
            if (READS_GREY)
                r->bins[GREY][x] = bin_of(GREY, quick_log2(colour + 36) - quick_log2(contrast + 1064) + 3246);
        }
        r->chroma[0][x] = (int16_t)clamped(log[0] - log[1], -(4 * OCTAVE - 1), 4 * OCTAVE - 1);
        r->chroma[1][x] = (int16_t)clamped(log[2] - log[1], -(4 * OCTAVE - 1), 4 * OCTAVE - 1);
        if (READS_LINEAR) {
            r->bins[BRIGHT][x] = bin_of(BRIGHT, quick_log2(brightness ? brightness : 1) - LINEAR_BITS * OCTAVE);
            r->bins[WHITE][x] = bin_of(WHITE, whiteness_of(log));
        }
    }
    return colours;
}

static int32_t log_quantile(const estimate *e, int which, uint32_t thousandths)
{
    uint32_t rank = e->count * thousandths / 1000;
    return quantile(e, which, rank < e->count ? rank : e->count - 1);
}

/* Histograms of all pixels, where shares of them end, and the quantiles among the statistics. */
static void count_pixels(estimate *e)
{
    static const uint16_t bright[5] = {100, 500, 900, 990, 1000}, white[3] = {500, 900, 1000}, grey[2] = {10, 100};
    static const uint16_t share_of[MASKS] = {10, 30, 100, 300, 20, 100, 10, 30, 100, 10, 30};
    static const uint8_t twentieths[5] = {1, 5, 10, 15, 19};
    uint16_t (*histograms)[BINS] = e->at.count.histograms;
    rows *r = &e->at.count.row;
    int16_t *out = e->statistics;
    uint64_t contrast = 0, colour = 0;
    int x, y, k;
    clear(histograms, sizeof e->at.count.histograms);
    begin_rows(e, r);
    for (y = 0; y < AWB_SIDE; y++) {
        colour += look_at_row(e, r, y);
        for (x = 0; x < AWB_SIDE; x++) {
            if (!r->seen[y % ROWS][x + 1])
                continue;
            for (k = 0; READS_LINEAR && k <= (READS_GREY ? GREY : WHITE); k++)
                histograms[k][r->bins[k][x]]++;
            if (READS_PERCENTILES) {
                histograms[RED_GREEN][bin_of(RED_GREEN, r->chroma[0][x])]++;
                histograms[BLUE_GREEN][bin_of(BLUE_GREEN, r->chroma[1][x])]++;
            }
            if (READS_CONTRAST)
                contrast += r->contrast[x];
        }
    }
    if (READS_CONTRAST) {
        out[107] = half_log(contrast, e->count * 36);
        out[108] = half_log(colour, e->count * 12);
    }
    for (k = 0; LOOKS_TWICE && k < (READS_GREY ? MASKS : 9); k++) {
        uint32_t wanted = rank_of(e->count, share_of[k]);
        e->shares[k] = k < 4   ? highest(histograms[BRIGHT], wanted)
                       : k < 6 ? lowest(histograms[BRIGHT], wanted)
                       : k < 9 ? highest(histograms[WHITE], wanted)
                               : lowest(histograms[GREY], wanted);
    }
    for (k = 0; READS_PERCENTILES && k < 5; k++) {
        uint32_t rank = e->count * twentieths[k] / 20;
        out[82 + 2 * k] = held(quantile(e, RED_GREEN, rank));
        out[83 + 2 * k] = held(quantile(e, BLUE_GREEN, rank));
    }
    for (k = 0; READS_TONES && k < 5; k++)
        out[109 + k] = held(log_quantile(e, BRIGHT, bright[k]));
    for (k = 0; READS_TONES && k < 3; k++)
        out[114 + k] = held(log_quantile(e, WHITE, white[k]));
    for (k = 0; READS_GREY && k < 2; k++)
        out[117 + k] = held(log_quantile(e, GREY, grey[k]));
}

/* Add a pixel to the masks from ``first`` up to, but not including, ``last``, each with its weight there. */
static void add_to_masks(estimate *e, int x, int first, int last, int above, int bin)
{
    const rows *r = &e->at.measure.row;
    sums *t = &e->at.measure.total;
    int32_t u = r->chroma[0][x], v = r->chroma[1][x];
    int mask, c;
    for (mask = first; mask < last; mask++) {
        share end = e->shares[mask];
        uint32_t weight = bin == end.bin ? end.part : (bin > end.bin) == above ? WHOLE : 0;
        if (!weight)
            continue;
        t->mass[mask] += weight;
        for (c = 0; c < 3; c++)
            t->linear[mask][c] += r->linear[c][x] * weight;
        if (READS_MASKED_CHROMA || mask == 3) {
            t->chroma[mask][0] += u * (int32_t)weight;
            t->chroma[mask][1] += v * (int32_t)weight;
        }
        if (READS_BRIGHT_SPREAD && mask == 3) {
            t->bright_products[0] += (int64_t)(u * u) * weight;
            t->bright_products[1] += (int64_t)(v * v) * weight;
            t->bright_products[2] += (int64_t)(u * v) * weight;
        } else if (READS_PRINCIPAL && (mask == 1 || mask == 4)) {
            uint64_t *moment = t->moment;
            int a, b;
            for (a = 0; a < 3; a++)
                for (b = a; b < 3; b++)
                    *moment++ += (uint64_t)r->linear[a][x] * r->linear[b][x] * weight;
        }
    }
}

/* Add a row weighted by the workspace's weights to one of the soft sums. */
static void add_weighted(estimate *e, int which)
{
    const rows *r = &e->at.measure.row;
    const uint32_t *weights = e->at.measure.weights;
    sums *t = &e->at.measure.total;
    int64_t u = 0, v = 0;
    uint32_t mass = 0;
    int x;
    for (x = 0; x < AWB_SIDE; x++) {
        mass += weights[x];
        u += (int64_t)(int32_t)weights[x] * r->chroma[0][x];
        v += (int64_t)(int32_t)weights[x] * r->chroma[1][x];
    }
    t->soft_mass[which] += mass;
    t->soft_chroma[which][0] += u;
    t->soft_chroma[which][1] += v;
}

static uint32_t brightness_of(const rows *r, int x)
{
    return r->linear[0][x] + r->linear[1][x] + r->linear[2][x];
}

/* Of Gaussian windows around the anchor, those of two widths and the narrow one times brightness; and of brightness,
 * times contrast and alone. */
static void add_soft_sums(estimate *e, const uint8_t *seen)
{
    static const uint16_t slope[2] = {35492, 5679};
    const rows *r = &e->at.measure.row;
    uint32_t *weights = e->at.measure.weights;
    uint64_t lit;
    int x, k, c;
    if (READS_WINDOWS) {
        for (k = 1; k >= 0; k--) {
            for (x = 0; x < AWB_SIDE; x++) {
                int32_t u = r->chroma[0][x], v = r->chroma[1][x];
                uint32_t apart = (uint32_t)(u * u) + (uint32_t)(v * v);
                weights[x] = seen[x] ? exp2_of(-(int32_t)((apart >> 11) * slope[k] >> 10), 14) : 0;
            }
            add_weighted(e, k);
        }
        for (x = 0; x < AWB_SIDE; x++)
            weights[x] = (uint32_t)((uint64_t)weights[x] * brightness_of(r, x) >> 14);
        add_weighted(e, 2);
    }
    if (READS_ROUGH) {
        for (x = 0; x < AWB_SIDE; x++)
            weights[x] = (uint32_t)((uint64_t)(r->contrast[x] >> 6) * brightness_of(r, x) >> 14);
        add_weighted(e, 3);
        for (c = 0; c < 3; c++) {
            for (lit = 0, x = 0; x < AWB_SIDE; x++)
                lit += (uint64_t)r->linear[c][x] * weights[x];
            e->at.measure.total.lit[c] += lit;
        }
    }
    if (READS_SHINE) {
        for (x = 0; x < AWB_SIDE; x++)
            weights[x] = brightness_of(r, x);
        add_weighted(e, 4);
    }
}

static void add_row(estimate *e, int y)
{
    const rows *r = &e->at.measure.row;
    const uint8_t *seen = r->seen[y % ROWS] + 1;
    sums *t = &e->at.measure.total;
    cells *at = &e->at.measure.cell;
    int x, c;
    add_soft_sums(e, seen);
    for (x = 0; x < AWB_SIDE; x++) {
        int32_t u = r->chroma[0][x], v = r->chroma[1][x];
        int bin = r->bins[BRIGHT][x];
        if (!seen[x])
            continue;
        if (READS_SHARES && bin >= e->shares[3].bin)
            add_to_masks(e, x, 0, 4, 1, bin);
        if (READS_SHARES && bin <= e->shares[5].bin)
            add_to_masks(e, x, 4, 6, 0, bin);
        bin = r->bins[WHITE][x];
        if (READS_SHARES && bin >= e->shares[8].bin)
            add_to_masks(e, x, 6, 9, 1, bin);
        bin = r->bins[GREY][x];
        if (READS_GREY && bin <= e->shares[10].bin)
            add_to_masks(e, x, 9, 11, 0, bin);
        if (READS_SECTORS && (uint32_t)(u * u) + (uint32_t)(v * v) > 196427u) {
            int sector = (u > 0) + 2 * (v > 0) + 4 * ((u < 0 ? -u : u) > (v < 0 ? -v : v));
            t->sector[sector]++;
            t->shine[sector] += brightness_of(r, x);
        }
        at->number[x / 4]++;
        if (CHANNELS)
            at->contrast[x / 4] = r->contrast[x] > at->contrast[x / 4] ? r->contrast[x] : at->contrast[x / 4];
        for (c = 0; c < 3; c++) {
            uint32_t linear = r->linear[c][x];
            at->linear[x / 4][c] += linear;
        }
    }
}

/* A cell of the grid. */
static void put_cell(const estimate *e, int x, activation *cell)
{
    const cells *at = &e->at.measure.cell;
    int32_t logs[3], number = log2_of(at->number[x]);
    int c;
    clear(cell, GRID_CHANNELS * sizeof *cell);
    if (!at->number[x])
        return;
    for (c = 0; c < 3; c++)
        logs[c] = log2_of(at->linear[x][c]) - number - LINEAR_BITS * OCTAVE;
    cell[0] = (activation)clamped((less_green(logs, 0) + 16) >> 5, -127, 127);
    cell[1] = (activation)clamped((less_green(logs, 1) + 16) >> 5, -127, 127);
    cell[2] = (activation)clamped(ratio(logs[0] + logs[1] + logs[2], 3 * 128), -93, 69);
    cell[3] = (activation)clamped((int32_t)(((uint64_t)at->contrast[x] * 57) >> 17), 0, 92);
    cell[4] = (activation)at->number[x];
}

/* A row of the grid is complete. */
static void finish_cells(estimate *e, int row)
{
    cells *at = &e->at.measure.cell;
    int x, c;
    for (x = 0; x < 16; x++) {
        int block = row / 2 * 8 + x / 2;
        for (c = 0; c < 3; c++)
            e->at.measure.blocks[block][c] += at->linear[x][c];
        e->at.measure.block_seen[block] |= at->number[x];
        if (CHANNELS)
            put_cell(e, x, e->grid + (row * 16 + x) * GRID_CHANNELS);
    }
    clear(at->linear, sizeof at->linear);
    clear(at->contrast, sizeof at->contrast);
    clear(at->number, sizeof at->number);
}

/* The 10th, 50th and 90th percentile of the blocks' log-chroma. */
static void block_quantiles(estimate *e, int blue)
{
    int16_t ordered[64];
    int number = 0, n, k;
    for (n = 0; n < 64; n++) {
        const uint32_t *block = e->at.measure.blocks[n];
        int32_t value;
        if (!e->at.measure.block_seen[n])
            continue;
        value = held(log2_of(block[blue ? 2 : 0]) - log2_of(block[1]));
        for (k = number++; k > 0 && ordered[k - 1] > value; k--)
            ordered[k] = ordered[k - 1];
        ordered[k] = (int16_t)value;
    }
    e->statistics[76 + blue] = ordered[number / 10];
    e->statistics[78 + blue] = ordered[number / 2];
    e->statistics[80 + blue] = ordered[9 * number / 10];
}

/* All that is summed over pixels, and the statistics made of it. */
static void measure_pixels(estimate *e)
{
    sums *t = &e->at.measure.total;
    int16_t *out = e->statistics;
    int32_t logs[3];
    int x, y, c, k;
    clear(&e->at.measure, sizeof e->at.measure);
    begin_rows(e, &e->at.measure.row);
    for (y = 0; y < AWB_SIDE; y++) {
        look_at_row(e, &e->at.measure.row, y);
        add_row(e, y);
        if (y % 4 == 3)
            finish_cells(e, y / 4);
    }
    for (k = 0; READS_SHARES && k < MASKS; k++) {
        for (c = 0; c < 3; c++)
            logs[c] = log2_of(t->linear[k][c]);
        put_chroma(out + 10 + 2 * k, logs);
        if (READS_MASKED_CHROMA)
            put_means(out + 40 + 2 * k, t->chroma[k][0], t->chroma[k][1], t->mass[k]);
    }
    if (READS_PRINCIPAL) {
        principal(t->moment, logs);
        put_chroma(out + 38, logs);
    }
    for (k = 0; READS_SOFT && k < SOFT; k++)
        put_means(out + 62 + 2 * k, t->soft_chroma[k][0], t->soft_chroma[k][1], t->soft_mass[k]);
    if (READS_ROUGH) {
        for (c = 0; c < 3; c++)
            logs[c] = log2_of(t->lit[c]);
        put_chroma(out + 72, logs);
    }
    if (READS_BLOCKS) {
        block_quantiles(e, 0);
        block_quantiles(e, 1);
    }
    for (k = 0; READS_STRIPS && k < 4; k++) {
        uint32_t strip[3] = {0, 0, 0};
        for (x = 0; x < 16; x++)
            for (c = 0; c < 3; c++)
                strip[c] += e->at.measure.blocks[k * 16 + x][c];
        for (c = 0; c < 3; c++)
            logs[c] = log2_of(strip[c]);
        put_chroma(out + 92 + 2 * k, logs);
    }
    if (READS_BRIGHT_SPREAD)
        moments(t->mass[3], t->chroma[3], t->bright_products, out + 103);
    if (READS_WINDOWS) {
        out[119] = held(ratio(t->soft_mass[0], (uint64_t)e->count * 8));
        out[120] = held(ratio(t->soft_mass[1], (uint64_t)e->count * 8));
        out[121] = held(ratio(t->soft_mass[2], (uint64_t)e->count * 2));
    }
    for (k = 0; READS_SECTORS && k < 8; k++) {
        out[122 + k] = held(ratio((int64_t)t->sector[k] << 11, e->count));
        out[130 + k] = held(ratio(t->shine[k], (uint64_t)e->count * 2));
    }
}

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

/* The kernel over three rows of cells, the first of which lies ``shift`` rows below the one above the middle. */
static void shifted_kernel(const coefficient *row, int shift, int32_t kernel[9])
{
    int k;
    for (k = 0; k < 9; k++)
        kernel[k] = k + 3 * shift >= 0 && k + 3 * shift < 9 ? weight_at(row, k + 3 * shift) : 0;
}

/* A convolution of 3 x 3 cells for each channel, with zeros beyond the border. */
static void depthwise(const layer *l, const activation *in, activation *out)
{
    enum { ROW = 16 * CHANNELS };
    int c, x, y;
    for (c = 0; c < l->outputs; c++) {
        int32_t kernel[9], bias = l->bias[c], multiplier = l->multiplier[c];
        activation *to = out + c;
        for (y = 0; y < 16; y++) {
            /* At the border, three rows inside it. */
            int top = y < 1 ? 0 : y > 14 ? 13 : y - 1;
            const activation *at = in + top * ROW + c;
            int32_t b0 = at[0], b1 = at[ROW], b2 = at[2 * ROW];
            if (y < 2 || y > 14)
                shifted_kernel(row_of(l, c), top + 1 - y, kernel);
#if AWB_FAST
            {
                /* The columns to the left and in the middle share a register. */
                const uint32_t left0 = pair(kernel[0], kernel[1]), left1 = pair(kernel[3], kernel[4]);
                const uint32_t left2 = pair(kernel[6], kernel[7]), right = pair(kernel[2], kernel[5]);
                uint32_t p0 = pair(0, b0), p1 = pair(0, b1), p2 = pair(0, b2);
                for (x = 0; x < 15; x++, to += CHANNELS) {
                    int32_t c0 = *(at += CHANNELS), c1 = at[ROW], c2 = at[2 * ROW];
                    int32_t total = __smlad(p0, left0, bias);
                    total = __smlad(p1, left1, total);
                    total = __smlad(p2, left2, total);
                    total = __smlabb(c0, (int32_t)right, total);
                    total = __smlabt(c1, (int32_t)right, total);
                    total += c2 * kernel[8];
                    *to = held_between(rounded(total, multiplier), -MOST);
                    p0 = pair(b0, c0), p1 = pair(b1, c1), p2 = pair(b2, c2);
                    b0 = c0, b1 = c1, b2 = c2;
                }
                bias = __smlad(p2, left2, __smlad(p1, left1, __smlad(p0, left0, bias)));
                *to = held_between(rounded(bias, multiplier), -MOST);
                to += CHANNELS;
                bias = l->bias[c];
            }
#else
            {
                int32_t a0 = 0, a1 = 0, a2 = 0;
                for (x = 0; x < 16; x++, to += CHANNELS) {
                    int32_t c0 = 0, c1 = 0, c2 = 0, total = bias;
                    if (x < 15)
                        c0 = *(at += CHANNELS), c1 = at[ROW], c2 = at[2 * ROW];
                    total += kernel[0] * a0 + kernel[1] * b0 + kernel[2] * c0;
                    total += kernel[3] * a1 + kernel[4] * b1 + kernel[5] * c1;
                    total += kernel[6] * a2 + kernel[7] * b2 + kernel[8] * c2;
                    *to = held_between(rounded(total, multiplier), -MOST);
                    a0 = b0, a1 = b1, a2 = b2, b0 = c0, b1 = c1, b2 = c2;
                }
            }
#endif
        }
    }
}

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
    out->error = (uint16_t)clamped(degrees, 26, 60 * 256);
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
