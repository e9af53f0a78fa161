/* ------------------------------------------------------------------------------------------------ workspace */

enum { BRIGHT, WHITE, GREY, RED_GREEN, BLUE_GREEN, HISTOGRAMS };
enum { MASKS = 11, SOFT = 5 };

/* Local contrast takes the rows above and below as well. */
enum { CONTRAST = CHANNELS || TAKES_CONTRAST, ROWS = CONTRAST ? 3 : 1 };

/* What a second look at the pixels measures, once it is known where shares of them end. */
enum {
    LOOKS_TWICE = CHANNELS || TAKES_CELLS || TAKES_SOFT || TAKES_SHARES || TAKES_SUMS,
    READS_LINEAR = LOOKS_TWICE || TAKES_LINEAR,
    LOOKS_ONCE = READS_LINEAR || TAKES_HISTOGRAMS
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
    int16_t statistics[MEASURED];
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
