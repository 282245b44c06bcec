/*
 * The variants of the engine. Each is chosen by what the processor says of itself.
 */
#include "bridge/engine.h"

static bool has_baseline(void)
{
    return true;
}

#if defined(SPB_HAVE_AVX2)
spb_json_to_pb_pass spb_engine_json_to_pb_avx2;
spb_pb_to_json_pass spb_engine_pb_to_json_avx2;

static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}
#endif

static const struct {
    bool (*is_supported)(void);
    struct spb_engine engine;
} variants[] = {
#if defined(SPB_HAVE_AVX2)
    { has_avx2, { spb_engine_json_to_pb_avx2, spb_engine_pb_to_json_avx2 } },
#endif
    { has_baseline, { SPB_JSON_TO_PB, SPB_PB_TO_JSON } },
};

const struct spb_engine *spb_engine(unsigned index)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        if (variants[i].is_supported() && index-- == 0)
            return &variants[i].engine;
    }
    return NULL;
}
