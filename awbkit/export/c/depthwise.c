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
