/* The figures as a bar chart. Its colours stand on light and on dark ground. */
#include "bench.h"

enum { WIDTH = 760, LABEL = 200, BAR = 430, BAR_HEIGHT = 20, STEP = 28, GROUP = 40 };

static const unsigned to_pb[] = { JSON_TO_PB, CJSON_JSON_TO_PB, GOOGLE_JSON_TO_PB };
static const unsigned to_json[] = { PB_TO_JSON, CJSON_PB_TO_JSON, GOOGLE_PB_TO_JSON };
static const unsigned visits[] = { SIMDJSON_VISIT, RAPIDJSON_VISIT };

static double speed(const struct results *results, unsigned row)
{
    const struct figures *const figures = &results->rows[row];

    return bench_rows[row].run != NULL && figures->ns > 0 ? figures->bytes * 1000 / figures->ns : 0;
}

static double fastest(const struct results *results)
{
    static const unsigned rows[] = { JSON_TO_PB,     CJSON_JSON_TO_PB, GOOGLE_JSON_TO_PB,
                                     PB_TO_JSON,     CJSON_PB_TO_JSON, GOOGLE_PB_TO_JSON,
                                     SIMDJSON_VISIT, RAPIDJSON_VISIT };
    double most = 1;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        most = speed(results, rows[i]) > most ? speed(results, rows[i]) : most;
    return most;
}

static unsigned bars(const struct results *results, FILE *file, const char *title,
                     const unsigned *rows, unsigned count, unsigned y)
{
    const double scale = BAR / fastest(results);

    fprintf(file, "<text class=\"title\" x=\"0\" y=\"%u\">%s</text>\n", y + 20, title);
    y += 32;
    for (unsigned i = 0; i < count; i++, y += STEP) {
        const struct row *const row = &bench_rows[rows[i]];
        const double value = speed(results, rows[i]);
        const double len = value * scale;
        fprintf(file, "<text class=\"label\" x=\"%d\" y=\"%u\">%s</text>\n", LABEL - 10, y + 15,
                row->who);
        if (row->run == NULL) {
            fprintf(file, "<text x=\"%d\" y=\"%u\">missing</text>\n", LABEL, y + 15);
            continue;
        }
        fprintf(file,
                "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n"
                "<text x=\"%.1f\" y=\"%u\">%.0f MB/s</text>\n",
                row->ours ? "ours" : "peer", LABEL, y, len > 1 ? len : 1, BAR_HEIGHT,
                LABEL + len + 8, y + 15, value);
    }
    return y + GROUP - STEP;
}

void chart_svg(const struct results *results, FILE *file)
{
    const unsigned height = 8 * STEP + 3 * (32 + GROUP - STEP) + 24;
    unsigned y = 0;

    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" "
            "height=\"%u\" role=\"img\" aria-label=\"Conversion speed in MB/s of JSON\">\n"
            "<style>text{font:14px system-ui,sans-serif;fill:#3d444d}.label{text-anchor:end}"
            ".title{font-weight:600}.note{font-size:12px}.ours{fill:#2f81f7}.peer{fill:#8b949e}"
            "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>\n",
            WIDTH, height, WIDTH, height);
    y = bars(results, file, "JSON → protobuf", to_pb, 3, y);
    y = bars(results, file, "protobuf → JSON", to_json, 3, y);
    y = bars(results, file, "Visit of the same JSON, no conversion", visits, 2, y);
    fprintf(file,
            "<text class=\"note\" x=\"0\" y=\"%u\">MB of JSON text per second, one thread; %zu "
            "sessions of %.0f bytes on average; more is better</text>\n</svg>\n",
            y + 12, results->sessions, results->json_bytes);
}
