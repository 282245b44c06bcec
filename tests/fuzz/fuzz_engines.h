#ifndef SPB_TESTS_FUZZ_ENGINES_H
#define SPB_TESTS_FUZZ_ENGINES_H

/* For the targets that compare the variants of the engine: they look inside of a converter. */
#include "bridge/converter.h"
#include "bridge/engine.h"
#include "fuzz.h"

/* The same conversion by every variant that this processor runs, and from text or bytes that are padded:
   whatever comes out is the same. */
static inline void fuzz_check_variants(fuzz_convert *convert, unsigned options, const void *data,
                                       size_t len, const struct fuzz_result *expected)
{
    const struct spb_engine *engine;

    for (unsigned i = 0; (engine = spb_engine(i)) != NULL; i++) {
        spb_converter *const converter = fuzz_converter(options | FUZZ_PADDED);
        const struct spb_engine *const own = converter->engine;
        converter->engine = engine;
        struct fuzz_result result = fuzz_run(convert, converter, true, data, len);
        converter->engine = own;
        fuzz_must(fuzz_same_result(&result, expected));
        fuzz_release(&result);
    }
}

#endif
