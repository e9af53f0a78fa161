/* ---------------------------------------------------------------------------------- pixels under the anchor */

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
        out[AT_CONTRAST] = half_log(contrast, e->count * 36);
        out[AT_CONTRAST + 1] = half_log(colour, e->count * 12);
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
        out[AT_PERCENTILES + 2 * k] = held(quantile(e, RED_GREEN, rank));
        out[AT_PERCENTILES + 2 * k + 1] = held(quantile(e, BLUE_GREEN, rank));
    }
    for (k = 0; READS_TONES && k < 5; k++)
        out[AT_TONES + k] = held(log_quantile(e, BRIGHT, bright[k]));
    for (k = 0; READS_TONES && k < 3; k++)
        out[AT_TONES + 5 + k] = held(log_quantile(e, WHITE, white[k]));
    for (k = 0; READS_GREY && k < 2; k++)
        out[AT_TONES + 8 + k] = held(log_quantile(e, GREY, grey[k]));
}
