/*
 * Canonical order: messages made at random, held to an oracle; and each rule by itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/bytes.h"
#include "door_support.h"
#include "normalise_oracle.h"
#include "schema/table.h"
#include "wire/normalise.h"

enum { TIMEOUT_SECONDS = 120, ROUNDS = 6000, DEPTH_MAX = 64 };

static struct spb_schema *schema;
static struct spb_normaliser normaliser;

static void set_up(void)
{
    schema = spb_schema_new();
    normaliser = (struct spb_normaliser){ .spans.count = 0 };
}

static void tear_down(void)
{
    spb_schema_free(schema);
    spb_normaliser_release(&normaliser);
}

/* ---- Random messages. ---- */

static enum spb_status normalise(const struct spb_table *table, const struct spb_bytes *message,
                                 struct spb_bytes *out, size_t *offset_out)
{
    uint8_t *padded = calloc(1, message->len + SPB_PADDING);
    struct spb_wire_reader reader = { .begin = padded, .depth_max = DEPTH_MAX };

    if (message->len > 0)
        memcpy(padded, message->data, message->len);
    const enum spb_status status =
        spb_wire_normalise(&normaliser, &reader, table, padded, message->len, out);
    if (reader.error.status != status)
        ck_abort_msg("the reader says %s", spb_status_name(reader.error.status));
    if (offset_out != NULL)
        *offset_out = reader.error.offset;
    free(padded);
    return status;
}

/* What is canonical stays. */
static void assert_normalises(const struct spb_table *table, const struct spb_bytes *message,
                              const struct spb_bytes *expected, const char *about)
{
    struct spb_bytes out = { 0 };
    struct spb_bytes again = { 0 };

    assert_status(normalise(table, message, &out, NULL), SPB_OK, about);
    assert_bytes_eq(&out, expected, about);
    assert_status(normalise(table, &out, &again, NULL), SPB_OK, about);
    assert_bytes_eq(&again, expected, about);
    spb_bytes_release(&out);
    spb_bytes_release(&again);
}

START_TEST(random_messages_are_put_in_order_and_merged)
{
    char about[32];

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct spb_bytes message = { 0 };
        struct spb_bytes expected = { 0 };
        seed_random(round);
        make_message(schema->session, &message);
        if (random_below(2) == 0)
            make_message(schema->session, &message);
        put_canonical(schema->session, message.data, message.len, &expected);
        snprintf(about, sizeof about, "round %u", round);
        assert_normalises(schema->session, &message, &expected, about);
        spb_bytes_release(&message);
        spb_bytes_release(&expected);
    }
}
END_TEST

/* The text door puts a message in order before it judges it. */
START_TEST(random_messages_give_the_text_of_their_canonical_form)
{
    spb_converter *converter = new_lenient_converter();

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct spb_bytes message = { 0 };
        struct spb_bytes canonical = { 0 };
        struct spb_bytes text = { 0 };
        struct spb_bytes expected = { 0 };
        seed_random(round);
        make_message(schema->session, &message);
        put_canonical(schema->session, message.data, message.len, &canonical);
        const enum spb_status status =
            spb_pb_to_json(converter, canonical.data, canonical.len, &expected, NULL);
        assert_status(spb_pb_to_json(converter, message.data, message.len, &text, NULL), status,
                      "a random message");
        assert_bytes_eq(&text, &expected, "a random message");
        spb_bytes_release(&message);
        spb_bytes_release(&canonical);
        spb_bytes_release(&text);
        spb_bytes_release(&expected);
    }
    spb_converter_free(converter);
}
END_TEST

/* ---- One rule after the other. In hex: a message, and what it becomes. ---- */

static const struct {
    const char *about;
    const char *message;
    const char *expected;
} rules[] = {
    { "nothing", "", "" },
    { "ascending numbers", "2A0162 0A0161", "0A0161 2A0162" },
    { "the last of repeated singular values", "0A0161 D80105 0A0162 D80107", "0A0162 D80107" },
    { "the last additional_properties", "C23E027B7D C23E037B207D", "C23E037B207D" },
    { "elements keep their order", "C2010162 0A0161 C2010161", "0A0161 C2010162 C2010161" },
    { "an unknown type behind the known one", "0801 0A0161", "0A0161 0801" },
    { "unknown fields keep their order", "E03E02 0A0161 E03E01", "0A0161 E03E02 E03E01" },
    { "a split message", "6A030A0161 6A03120162", "6A060A0161120162" },
    { "a split message in the wrong order", "6A03120162 6A00 6A030A0161", "6A060A0161120162" },
    { "a split message, the last value wins", "6A030A0161 6A030A0162", "6A030A0162" },
    { "a split message with elements", "920103520161 920103520162", "920106520161520162" },
    { "messages that are elements", "4A050A030A0161 4A00", "4A050A030A0161 4A00" },
    { "an empty message", "6A00", "6A00" },
    { "keys in the wrong order", "5A050A01621200 5A050A01611200", "5A050A01611200 5A050A01621200" },
    { "a key that is longer", "5A060A0261611200 5A050A01611200",
      "5A050A01611200 5A060A0261611200" },
    { "a key that comes twice", "5A080A016112030A0178 5A080A016112030A0179",
      "5A080A016112030A0179" },
    { "an entry without its key", "5A021200", "5A040A001200" },
    { "an entry without its value", "5A030A0161", "5A050A01611200" },
    { "an empty entry", "5A00", "5A040A001200" },
    { "an entry in the wrong order", "5A0512000A0161", "5A050A01611200" },
    { "two keys and a split value", "5A10 0A0162 12030A0164 0A0161 1203120176",
      "5A0B0A016112060A0164120176" },
    { "a tag longer than needed", "8A000161", "0A0161" },
    { "an unknown tag longer than needed", "E0BE0001", "E03E01" },
    { "a length longer than needed", "0A810061", "0A0161" },
    { "a message's length longer than needed", "6A8000", "6A00" },
    { "a date", "E2020408051006", "E2020408051006" },
    { "a date in the wrong order", "E2020410060805", "E2020408051006" },
    { "a date with zeros", "E2020408001000", "E20200" },
    { "a split date", "E202020805 E202021006 E202020807", "E2020408071006" },
    { "a date with an unknown field", "E202068A000161 0805", "E202050805 0A0161" },
    { "a split date with unknown fields", "E202041801 1006 E202040805 1802",
      "E20208 0805 1006 1801 1802" },
};

enum { RULES = sizeof rules / sizeof rules[0] };

static void put_hex(struct spb_bytes *out, const char *hex)
{
    unsigned byte;

    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        ck_assert_int_eq(sscanf(hex++, "%2x", &byte), 1);
        put_data(out, &(uint8_t){ (uint8_t)byte }, 1);
    }
}

START_TEST(each_rule_of_canonical_order_holds)
{
    struct spb_bytes message = { 0 };
    struct spb_bytes expected = { 0 };

    put_hex(&message, rules[_i].message);
    put_hex(&expected, rules[_i].expected);
    assert_normalises(schema->session, &message, &expected, rules[_i].about);
    spb_bytes_release(&message);
    spb_bytes_release(&expected);
}
END_TEST

/* Fields of one number keep their order, so the oracle of all others is the session as it was. */
static void assert_reversed_comes_back(const struct spb_bytes *canonical)
{
    struct fields *fields = take_fields(canonical->data, canonical->len);
    struct spb_bytes reversed = { 0 };

    for (size_t i = fields->count; i > 0;) {
        size_t first = i - 1;
        while (first > 0 && fields->items[first - 1].number == fields->items[i - 1].number)
            first--;
        for (size_t j = first; j < i; j++)
            put_data(&reversed, fields->items[j].raw, fields->items[j].raw_len);
        i = first;
    }
    ck_assert_uint_eq(reversed.len, canonical->len);
    assert_normalises(schema->session, &reversed, canonical, "reversed");
    spb_bytes_release(&reversed);
    free(fields);
}

START_TEST(the_session_with_all_members_comes_back_from_any_order)
{
    struct full_session full = { .extra = "\"$unknownFields\":\"uD4B\",\"zz\":1",
                                 .spoiled = SIZE_MAX };
    spb_converter *converter = new_converter(NULL);
    struct spb_bytes pb = { 0 };

    write_full_session(&full);
    json_to_pb(converter, (const char *)full.json.data, &pb);
    assert_normalises(schema->session, &pb, &pb, "canonical");
    assert_reversed_comes_back(&pb);
    spb_converter_free(converter);
    spb_bytes_release(&full.json);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(the_message_is_appended)
{
    struct spb_bytes message = { 0 };
    struct spb_bytes out = { 0 };

    put_hex(&message, "2A0162 0A0161");
    put(&out, "before");
    assert_status(normalise(schema->session, &message, &out, NULL), SPB_OK, "appended");
    put(&out, "");
    assert_text_eq(&out, "before\n\1a*\1b");
    spb_bytes_release(&message);
    spb_bytes_release(&out);
}
END_TEST

static const struct {
    enum spb_status status;
    const char *message;
} bad[] = {
    { SPB_NEED_MORE, "0A0161 0A" },
    { SPB_NEED_MORE, "0A0161 0A0262" },
    { SPB_NEED_MORE, "0B" },
    { SPB_BAD_WIRE, "00" },
    { SPB_BAD_WIRE, "0A0161 FFFFFFFFFFFFFFFFFFFF01" },
    { SPB_BAD_WIRE, "0C" },
    { SPB_BAD_WIRE, "0E" },
    { SPB_BAD_WIRE, "0B 1B 14" },
};

enum { BAD = sizeof bad / sizeof bad[0] };

START_TEST(what_is_no_message_is_refused)
{
    struct spb_bytes message = { 0 };
    struct spb_bytes out = { 0 };
    size_t offset;

    put_hex(&message, bad[_i].message);
    assert_status(normalise(schema->session, &message, &out, &offset), bad[_i].status,
                  bad[_i].message);
    ck_assert_uint_le(offset, message.len);
    spb_bytes_release(&message);
    spb_bytes_release(&out);
}
END_TEST

/* It never becomes whole: not even where the next piece of a split message would complete it. */
START_TEST(what_ends_inside_a_nested_message_is_broken)
{
    static const char *const messages[] = { "6A010A",
                                            "6A020A05",
                                            "6A030A0161 6A010A",
                                            "5A010A",
                                            "5A0412020A05",
                                            "4A020A01",
                                            "6A020A05 6A056162636465",
                                            "5A0B12020A0512056162636465",
                                            "E2020108 E2020105",
                                            "9201020A02" };

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct spb_bytes message = { 0 };
        struct spb_bytes out = { 0 };
        put_hex(&message, messages[i]);
        assert_status(normalise(schema->session, &message, &out, NULL), SPB_BAD_WIRE, messages[i]);
        spb_bytes_release(&message);
        spb_bytes_release(&out);
    }
}
END_TEST

START_TEST(fields_above_the_memory_limit_are_refused_at_the_first)
{
    struct spb_bytes message = { 0 };
    struct spb_bytes out = { 0 };
    size_t offset;

    put_hex(&message, "1001 0801 1001");
    normaliser.memory_max = 3 * 4 * sizeof(struct spb_span);
    assert_status(normalise(schema->session, &message, &out, NULL), SPB_OK, "three");
    put_hex(&message, "0801");
    assert_status(normalise(schema->session, &message, &out, &offset), SPB_OVER_BUDGET, "four");
    ck_assert_uint_eq(offset, 6);
    spb_bytes_release(&message);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(groups_nest_as_deep_as_the_limit)
{
    for (size_t depth = DEPTH_MAX - 1; depth <= DEPTH_MAX + 1; depth++) {
        struct spb_bytes message = { 0 };
        struct spb_bytes out = { 0 };
        for (size_t i = 0; i < depth; i++)
            put_tag(&message, 2000, SPB_WIRE_GROUP_START);
        for (size_t i = 0; i < depth; i++)
            put_tag(&message, 2000, SPB_WIRE_GROUP_END);
        put_hex(&message, "0A0161");
        assert_status(normalise(schema->session, &message, &out, NULL),
                      depth <= DEPTH_MAX ? SPB_OK : SPB_TOO_DEEP, "groups");
        spb_bytes_release(&message);
        spb_bytes_release(&out);
    }
}
END_TEST

/* ---- In place. ---- */

/* With additional_properties as the sixth of them, and an unknown field as the last. */
static const char *const sorted[] = { "0A0161", "2A0162",     "6A030A0178", "C2010163 C2010162",
                                      "D80105", "C23E027B7D", "E03E01" };

START_TEST(fields_are_sorted_in_place)
{
    const size_t count = (size_t)_i;
    struct spb_bytes expected = { 0 };

    for (size_t i = 0; i < count; i++)
        put_hex(&expected, sorted[i]);
    for (size_t start = 0; start < count; start++) {
        for (size_t step = 1; step < count; step++) {
            struct spb_bytes bytes = { 0 };
            if (count == 6 && step > 1 && step < 5) /* would come to the same fields again */
                continue;
            for (size_t i = 0; i < count; i++)
                put_hex(&bytes, sorted[(start + i * step) % count]);
            const size_t len = bytes.len;
            ck_assert(spb_bytes_pad(&bytes));
            assert_status(spb_wire_sort_fields(&normaliser, schema->session, bytes.data, len),
                          SPB_OK, "in place");
            assert_bytes_eq(&bytes, &expected, "in place");
            spb_bytes_release(&bytes);
        }
    }
    spb_bytes_release(&expected);
}
END_TEST

START_TEST(no_fields_are_sorted_in_place)
{
    uint8_t padding[SPB_PADDING] = { 0 };

    assert_status(spb_wire_sort_fields(&normaliser, schema->session, padding, 0), SPB_OK, "empty");
}
END_TEST

START_TEST(pieces_are_put_in_the_order_of_their_spans)
{
    struct spb_spans spans = { 0 };
    uint8_t bytes[] = "..ccaaabeeee..";
    const struct spb_span pieces[] = { { .offset = 99 },
                                       { .offset = 104, .len = 3 },
                                       { .offset = 107, .len = 1 },
                                       { .offset = 102, .len = 2 },
                                       { .offset = 108, .len = 4 } };

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        ck_assert_int_eq(spb_spans_push(&spans, pieces[i]), SPB_OK);
    assert_status(spb_wire_rearrange(&normaliser, &spans, 1, bytes + 2, 102), SPB_OK, "pieces");
    ck_assert_str_eq((const char *)bytes, "..aaabcceeee..");
    spb_spans_release(&spans);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/normalise");
    TCase *tcase = tcase_create("normalise");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, random_messages_are_put_in_order_and_merged);
    tcase_add_test(tcase, random_messages_give_the_text_of_their_canonical_form);
    tcase_add_loop_test(tcase, each_rule_of_canonical_order_holds, 0, RULES);
    tcase_add_test(tcase, the_session_with_all_members_comes_back_from_any_order);
    tcase_add_test(tcase, the_message_is_appended);
    tcase_add_loop_test(tcase, what_is_no_message_is_refused, 0, BAD);
    tcase_add_test(tcase, what_ends_inside_a_nested_message_is_broken);
    tcase_add_test(tcase, fields_above_the_memory_limit_are_refused_at_the_first);
    tcase_add_test(tcase, groups_nest_as_deep_as_the_limit);
    tcase_add_loop_test(tcase, fields_are_sorted_in_place, 5, 8);
    tcase_add_test(tcase, no_fields_are_sorted_in_place);
    tcase_add_test(tcase, pieces_are_put_in_the_order_of_their_spans);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
