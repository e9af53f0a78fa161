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
        if (TAKES_SHARES && bin >= e->shares[3].bin)
            add_to_masks(e, x, 0, 4, 1, bin);
        if (TAKES_SHARES && bin <= e->shares[5].bin)
            add_to_masks(e, x, 4, 6, 0, bin);
        bin = r->bins[WHITE][x];
        if (TAKES_SHARES && bin >= e->shares[8].bin)
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
    e->statistics[AT_BLOCKS + blue] = ordered[number / 10];
    e->statistics[AT_BLOCKS + 2 + blue] = ordered[number / 2];
    e->statistics[AT_BLOCKS + 4 + blue] = ordered[9 * number / 10];
}

/* All that is summed over pixels, and the statistics made of it. */
static void measure_pixels(estimate *e)
{
    sums *t = &e->at.measure.total;
    int16_t *out = e->statistics;
    int32_t logs[3];
    int x, y, c, k;
    clear(&e->at.measure, sizeof e->at.measure);
#if CHANNELS
    /* Rows of weights are padded, and read as far beyond the last cell. */
    clear(e->grid + 256 * GRID_CHANNELS, 3 * sizeof *e->grid);
#endif
    begin_rows(e, &e->at.measure.row);
    for (y = 0; y < AWB_SIDE; y++) {
        look_at_row(e, &e->at.measure.row, y);
        add_row(e, y);
        if (y % 4 == 3)
            finish_cells(e, y / 4);
    }
    for (k = 0; TAKES_SHARES && k < MASKS; k++) {
        for (c = 0; c < 3; c++)
            logs[c] = log2_of(t->linear[k][c]);
        put_chroma(out + AT_MASKS + 2 * k, logs);
        if (READS_MASKED_CHROMA)
            put_means(out + AT_MEANS + 2 * k, t->chroma[k][0], t->chroma[k][1], t->mass[k]);
    }
    if (READS_PRINCIPAL) {
        principal(t->moment, logs);
        put_chroma(out + AT_PRINCIPAL, logs);
    }
    for (k = 0; TAKES_SOFT && k < SOFT; k++)
        put_means(out + AT_MEANS + 2 * (MASKS + k), t->soft_chroma[k][0], t->soft_chroma[k][1], t->soft_mass[k]);
    if (READS_ROUGH) {
        for (c = 0; c < 3; c++)
            logs[c] = log2_of(t->lit[c]);
        put_chroma(out + AT_ROUGH, logs);
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
        put_chroma(out + AT_STRIPS + 2 * k, logs);
    }
    if (READS_BRIGHT_SPREAD)
        moments(t->mass[3], t->chroma[3], t->bright_products, out + AT_BRIGHT_SPREAD);
    if (READS_WINDOWS) {
        out[AT_WINDOWS] = held(ratio(t->soft_mass[0], (uint64_t)e->count * 8));
        out[AT_WINDOWS + 1] = held(ratio(t->soft_mass[1], (uint64_t)e->count * 8));
        out[AT_WINDOWS + 2] = held(ratio(t->soft_mass[2], (uint64_t)e->count * 2));
    }
    for (k = 0; READS_SECTORS && k < 8; k++) {
        out[AT_SECTORS + k] = held(ratio((int64_t)t->sector[k] << 11, e->count));
        out[AT_SECTORS + 8 + k] = held(ratio(t->shine[k], (uint64_t)e->count * 2));
    }
}
