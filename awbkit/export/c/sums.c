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
