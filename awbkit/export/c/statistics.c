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
