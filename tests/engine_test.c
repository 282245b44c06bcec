/*
 * The variants of the engine that this processor runs: each gives what every other gives, of good
 * documents and of spoiled ones.
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/engine.h"
#include "door_support.h"

enum { SPOILED = 3000, VARIANTS_MAX = 8 };

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* One byte of the text or message becomes another. */
static void spoil(uint8_t *data, size_t len)
{
    static const uint8_t bytes[] = { '"', '\\', '{',  '}',  ',',  ':', ' ',
                                     0,   0x1F, 0x80, 0xC3, 0xED, 0xFF };
    const uint32_t choice = next_random();

    data[choice % len] =
        choice % 3 == 0 ? (uint8_t)next_random() : bytes[next_random() % sizeof bytes];
}

/* What a conversion came to. */
struct outcome {
    enum spb_status status;
    struct spb_error error;
    struct spb_bytes bytes;
};

static void convert(spb_converter *converter, bool to_pb, const struct spb_bytes *input,
                    struct outcome *outcome)
{
    outcome->bytes.len = 0;
    memset(&outcome->error, 0, sizeof outcome->error);
    outcome->status = to_pb ? spb_json_to_pb(converter, (const char *)input->data, input->len,
                                             &outcome->bytes, &outcome->error)
                            : spb_pb_to_json(converter, input->data, input->len, &outcome->bytes,
                                             &outcome->error);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    ck_assert_int_eq(a->status, b->status);
    ck_assert_uint_eq(a->error.offset, b->error.offset);
    ck_assert_str_eq(a->error.path, b->error.path);
    ck_assert_str_eq(a->error.reason, b->error.reason);
    ck_assert_uint_eq(a->bytes.len, b->bytes.len);
    if (a->bytes.len > 0)
        ck_assert_mem_eq(a->bytes.data, b->bytes.data, a->bytes.len);
}

/* Converts with every variant. */
static void compare(spb_converter *converter, bool to_pb, const struct spb_bytes *input)
{
    struct outcome first = { 0 };
    struct outcome other = { 0 };

    converter->engine = spb_engine(0);
    convert(converter, to_pb, input, &first);
    for (unsigned i = 1; spb_engine(i) != NULL; i++) {
        converter->engine = spb_engine(i);
        convert(converter, to_pb, input, &other);
        assert_same(&first, &other);
    }
    spb_bytes_release(&first.bytes);
    spb_bytes_release(&other.bytes);
}

static void compare_spoiled(spb_converter *converter, bool to_pb, const struct spb_bytes *good)
{
    struct spb_bytes spoiled = { 0 };

    compare(converter, to_pb, good);
    for (unsigned i = 0; i < SPOILED; i++) {
        set_bytes(&spoiled, good->data, good->len);
        for (unsigned times = 1 + i % 3; times > 0; times--)
            spoil(spoiled.data, spoiled.len);
        compare(converter, to_pb, &spoiled);
    }
    spb_bytes_release(&spoiled);
}

START_TEST(every_variant_gives_the_same_bytes_texts_and_errors)
{
    spb_converter *converter = new_converter(NULL);
    struct full_session full = { .extra = "\"zzz\":\"\u00e9\u20ac \\n\"", .spoiled = SIZE_MAX };
    struct spb_bytes pb = { 0 };

    write_full_session(&full);
    json_to_pb(converter, (const char *)full.json.data, &pb);
    compare_spoiled(converter, true, &full.json);
    compare_spoiled(converter, false, &pb);
    spb_bytes_release(&pb);
    spb_bytes_release(&full.json);
    spb_converter_free(converter);
}
END_TEST

/* ASan sees what is read behind the padding. */
START_TEST(an_input_that_is_padded_gives_the_same_without_a_copy)
{
    const struct spb_options options = { .size = sizeof options, .padded = true };
    spb_converter *copying = new_converter(NULL);
    spb_converter *converter = new_converter(&options);
    struct full_session full = { .spoiled = SIZE_MAX };
    struct outcome expected = { 0 };
    struct outcome outcome = { 0 };

    write_full_session(&full);
    for (size_t len = 0; len <= full.json.len; len++) {
        struct spb_bytes input = { .data = calloc(1, len + SPB_PADDING), .len = len };
        memcpy(input.data, full.json.data, len);
        convert(copying, true, &input, &expected);
        convert(converter, true, &input, &outcome);
        assert_same(&expected, &outcome);
        spb_bytes_release(&input);
    }
    ck_assert_int_eq(outcome.status, SPB_OK);
    ck_assert_uint_eq(converter->input.capacity, 0);
    spb_bytes_release(&expected.bytes);
    spb_bytes_release(&outcome.bytes);
    spb_bytes_release(&full.json);
    spb_converter_free(copying);
    spb_converter_free(converter);
}
END_TEST

START_TEST(the_last_variant_runs_everywhere)
{
    unsigned count = 0;

    while (spb_engine(count) != NULL)
        count++;
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, VARIANTS_MAX);
    ck_assert(spb_engine(count - 1)->json_to_pb == SPB_JSON_TO_PB);
    ck_assert(spb_engine(count - 1)->pb_to_json == SPB_PB_TO_JSON);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *cases = tcase_create("engine");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_variant_gives_the_same_bytes_texts_and_errors);
    tcase_add_test(cases, an_input_that_is_padded_gives_the_same_without_a_copy);
    tcase_add_test(cases, the_last_variant_runs_everywhere);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
