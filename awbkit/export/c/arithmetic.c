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

/* ----------------------------------------------------------------------------------------------- arithmetic */

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
