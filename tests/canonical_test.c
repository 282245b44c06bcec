/*
 * Canonical Session JSON, rule by rule: what the text of a session becomes when it goes through
 * protobuf and back, and that all texts of one session become the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

static const char every_space[] = " \t\r\n";

/* ---- Examples. ---- */

static struct blob example(const char *name)
{
    static char data[65536];
    FILE *stream = fopen(printed("%s/%s", SPB_TEST_EXAMPLES, name).data, "rb");

    ck_assert_msg(stream != NULL, "cannot open %s", name);
    const size_t len = fread(data, 1, sizeof data, stream);
    fclose(stream);
    ck_assert_uint_lt(len, sizeof data);
    return cut((struct blob){ data, len }, len);
}

/* The tokens of JSON text with `space` around each of its brackets, commas and colons. */
static struct blob respaced(struct blob json, const char *space)
{
    struct spb_bytes bytes = { 0 };
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        const char c = json.data[i];
        const bool structural = !in_string && strchr("{}[],:", c) != NULL;
        if (!in_string && strchr(" \t\r\n", c) != NULL)
            continue;
        spb_bytes_append(&bytes, space, structural ? strlen(space) : 0);
        spb_bytes_append(&bytes, &c, 1);
        spb_bytes_append(&bytes, space, structural ? strlen(space) : 0);
        if (in_string && c == '\\')
            spb_bytes_append(&bytes, &json.data[++i], 1);
        else if (c == '"')
            in_string = !in_string;
    }
    return taken(&bytes);
}

static struct blob compact(struct blob json)
{
    return respaced(json, "");
}

static struct blob pretty(struct blob json)
{
    struct spb_bytes bytes = { 0 };

    ck_assert_int_eq(spb_json_pretty(json.data, json.len, &bytes), SPB_OK);
    return taken(&bytes);
}

static const char *const examples[] = { "app.json", "conversation.json", "web.json" };

START_TEST(a_compact_document_in_definition_order_comes_back_byte_for_byte)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct blob json = compact(example(examples[i]));

        expect_canonical(json, json);
    }
}
END_TEST

START_TEST(a_pretty_document_becomes_the_compact_one)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct blob json = compact(example(examples[i]));
        expect_canonical(example(examples[i]), json);
        expect_canonical(respaced(json, every_space), json);
        expect_canonical(pretty(json), json);
    }
}
END_TEST

START_TEST(every_line_of_the_examples_comes_back_byte_for_byte)
{
    struct blob rest = example("sessions.ndjson");
    size_t lines = 0;

    for (; rest.len > 0; lines++) {
        const size_t len = strcspn(rest.data, "\n");
        expect_canonical(cut(rest, len), cut(rest, len));
        rest = (struct blob){ rest.data + len + 1, rest.len - len - 1 };
    }
    ck_assert_uint_gt(lines, 1);
}
END_TEST

/* What next year's platform adds goes to the end of its object, with the value's text. */
START_TEST(a_document_of_next_year_keeps_all_that_it_has)
{
    const struct blob json = compact(example("next-year.json"));
    const struct blob back = json_of(NULL, pb_of(NULL, json));

    ck_assert_uint_eq(back.len, json.len);
    ck_assert_ptr_nonnull(
        strstr(back.data, "\"featuresWebrtc\":true,\"clientHints\":{\"brands\":["));
    ck_assert_ptr_nonnull(strstr(back.data, "\"osVersion\":\"18\",\"hinge\":{\"angle\":117.50,"));
    ck_assert_ptr_nonnull(strstr(back.data, "\"idleDate\":\"2026-11-02T16:20:56.264Z\",\"caseAss"));
    expect_canonical(json, back);
}
END_TEST

/* ---- Rule 1: no white space, no byte order mark. ---- */

START_TEST(rule_1_white_space_is_dropped_but_for_the_one_in_strings)
{
    const struct blob json = session_with("customerId", "\"  a , b : { } [ ]  \"");

    expect_canonical(respaced(json, every_space), json);
    expect_canonical(printed(" \t\r\n%s\n\r\t ", json.data), json);
}
END_TEST

START_TEST(rule_1_pretty_indents_by_two_spaces)
{
    ck_assert_str_eq(
        pretty(LITERAL("{\"a\":{\"b\":[1,[\"x , { } \\\" \"]]},\"c\":{},\"d\":[]}")).data,
        "{\n  \"a\": {\n    \"b\": [\n      1,\n      [\n        \"x , { } \\\" \"\n      ]\n"
        "    ]\n  },\n  \"c\": {},\n  \"d\": []\n}");
}
END_TEST

/* ---- Rule 2: the definition's order, then additional members by their names' bytes. ---- */

START_TEST(rule_2_every_member_of_every_definition_has_its_place)
{
    const struct blob forwards = full_session(&(struct style){ 0 }, NULL);

    expect_canonical(forwards, forwards);
    expect_canonical(full_session(&(struct style){ .backwards = true }, NULL), forwards);
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct style last = { false, facts()[i].definition, facts()[i].name, NULL, true };
        expect_canonical(full_session(&last, NULL), forwards);
    }
}
END_TEST

/* Names in the order of their bytes; U+10000 is behind U+FFFD, as it is not in UTF-16. */
static const char *const ordered[] = {
    "",
    "\\\"",
    "$",
    "Id",
    "a",
    "a!",
    "eventCounts",
    "eventcount",
    "\x7f",
    "\xc3\xa9",
    "\xef\xbf\xbd",
    "\xf0\x90\x80\x80",
};

START_TEST(rule_2_additional_members_are_sorted_by_their_names_bytes)
{
    struct blob from_the_middle = LITERAL("");
    struct blob forwards = LITERAL("");
    struct blob backwards = LITERAL("");

    for (size_t i = 0; i < COUNT_OF(ordered); i++) {
        const struct blob member = printed(",\"%s\":%zu", ordered[i], i);
        forwards = joined(forwards, member);
        backwards = joined(member, backwards);
        from_the_middle =
            i % 2 == 0 ? joined(member, from_the_middle) : joined(from_the_middle, member);
    }
    const struct blob sorted = minimal(forwards.data);
    expect_canonical(sorted, sorted);
    expect_canonical(minimal(backwards.data), sorted);
    expect_canonical(minimal(from_the_middle.data), sorted);
    expect_canonical(printed("{%s,%s", backwards.data + 1, minimal("").data + 1), sorted);
}
END_TEST

/* A message, an array's element, a map's value, a message in a message. */
static const char *const objects[][3] = {
    { "externalContact", "{\"id\":\"c\"", "}" },
    { "conversationChannels", "[{\"type\":\"Call\"},{\"type\":\"Email\"",
      "},{\"type\":\"Chat\"}]" },
    { "attributes", "{\"k\":{\"dataType\":\"string\",\"value\":\"w\"",
      "},\"l\":{\"dataType\":\"string\",\"value\":\"\"}}" },
    { "attributeLists", "{\"k\":{\"dataType\":\"string\",\"values\":[\"v\"]", "}}" },
    { "lastUserDisposition", "{\"code\":\"c\",\"user\":{\"id\":\"u\"", "}}" },
};

static struct blob session_with_object(size_t object, const char *members)
{
    const char *value = printed("%s%s%s", objects[object][1], members, objects[object][2]).data;

    return session_with(objects[object][0], value);
}

START_TEST(rule_2_additional_members_stay_in_their_object)
{
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        const struct blob sorted =
            session_with_object(i, ",\"a\":1,\"b\":[2],\"c\":{\"z\":3,\"y\":4}");

        expect_canonical(sorted, sorted);
        expect_canonical(
            session_with_object(i, ",\"c\" : {\"z\":3 , \"y\":4} , \"b\" : [ 2 ],\"a\": 1"),
            sorted);
    }
}
END_TEST

START_TEST(rule_2_a_name_is_what_its_escapes_mean)
{
    const struct blob json =
        minimal(",\"endedDate\":\"2024-01-02T03:04:05.678Z\",\"a/\":1,\"b\":2");

    expect_canonical(
        minimal(",\"\\u0062\":2,\"\\u0061\\/\":1,\"ended\\u0044ate\":\"2024-01-02T03:04:05.678Z\""),
        json);
}
END_TEST

/* The engine's own field and protobuf's names are names like any other. */
START_TEST(rule_2_names_of_protobuf_are_additional_ones)
{
    const char *json = ",\"additionalProperties\":{\"b\":1},\"additional_properties\":\"{}\","
                       "\"event_count\":2,\"external_contact\":{}";

    expect_canonical(minimal(json), minimal(json));
}
END_TEST

/* A member's value between `before` and `after`, for each a=b in pairs: a becomes b. */
static void expect_pairs(const char *member, const char *before, const char *pairs,
                         const char *after)
{
    while (*pairs != '\0') {
        const int len = (int)strcspn(pairs, "=");
        const int canonical_len = (int)strcspn(pairs + len + 1, " ");
        const char *canonical = pairs + len + 1;
        const struct blob in = printed("%s%.*s%s", before, len, pairs, after);
        const struct blob out = printed("%s%.*s%s", before, canonical_len, canonical, after);
        expect_canonical(session_with(member, in.data), session_with(member, out.data));
        pairs = canonical + canonical_len + strspn(canonical + canonical_len, " ");
    }
}

/* All members of all definitions, one at a time, written as `value`. */
static void expect_absent(const struct fact *fact, const char *value)
{
    struct style style = { .definition = fact->definition, .member = fact->name };
    const struct blob without = full_session(&style, NULL);
    const struct spb_options *options = fact->required ? &lenient : NULL;

    style.value = value;
    expect_canonical_with(options, full_session(&style, NULL), without);
    style.last = true;
    expect_canonical_with(options, full_session(&style, NULL), without);
}

START_TEST(rule_3_null_an_empty_array_and_an_empty_map_mean_absent)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        expect_absent(&facts()[i], "null");
        if (is(facts()[i].type, "array"))
            expect_absent(&facts()[i], "[ ]");
        if (is(facts()[i].type, "map"))
            expect_absent(&facts()[i], "{ }");
    }
}
END_TEST

START_TEST(rule_3_an_empty_object_of_a_defined_type_stays)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *fact = &facts()[i];
        const struct style style = { .definition = fact->definition,
                                     .member = fact->name,
                                     .value = is(fact->type, "ref")     ? "{}"
                                              : is(fact->type, "array") ? "[{},{}]"
                                                                        : "{\"\":{},\"k\":{}}" };
        const struct blob json = full_session(&style, NULL);
        if (!is(fact->of, "-") && !is(fact->of, "string"))
            expect_canonical_with(&lenient, json, json);
    }
}
END_TEST

START_TEST(rule_3_zero_false_and_the_empty_string_are_present)
{
    expect_pairs("eventCount", "", "0=0", "");
    expect_pairs("authenticated", "", "false=false", "");
    expect_pairs("id", "", "\"\"=\"\"", "");
    expect_pairs("searchTerms", "", "[\"\",\"\"]=[\"\",\"\"]", "");
    expect_pairs("geolocation", "{\"latitude\":", "0=0", ",\"longitude\":0}");
}
END_TEST

/* ---- Rule 4: dates in UTC, with three fraction digits, six or nine where they are needed. ---- */

static const char dates[] = "2024-01-02T03:04:05Z=2024-01-02T03:04:05.000Z "
                            "2024-01-02T03:04:05.6Z=2024-01-02T03:04:05.600Z "
                            "2024-01-02T03:04:05.678Z=2024-01-02T03:04:05.678Z "
                            "2024-01-02T03:04:05.6780Z=2024-01-02T03:04:05.678Z "
                            "2024-01-02T03:04:05.678000000Z=2024-01-02T03:04:05.678Z "
                            "2024-01-02T03:04:05.6789Z=2024-01-02T03:04:05.678900Z "
                            "2024-01-02T03:04:05.678901Z=2024-01-02T03:04:05.678901Z "
                            "2024-01-02T03:04:05.6789012Z=2024-01-02T03:04:05.678901200Z "
                            "2024-01-02T03:04:05.678901234Z=2024-01-02T03:04:05.678901234Z "
                            "2024-01-02T03:04:05.000000001Z=2024-01-02T03:04:05.000000001Z "
                            "2024-01-02T03:04:05.678+00:00=2024-01-02T03:04:05.678Z "
                            "2024-01-02T03:04:05.678-00:00=2024-01-02T03:04:05.678Z "
                            "2024-01-02T03:04:05+05:30=2024-01-01T21:34:05.000Z "
                            "2024-02-28T23:59:59.999-00:01=2024-02-29T00:00:59.999Z "
                            "2023-12-31T20:00:00-08:00=2024-01-01T04:00:00.000Z "
                            "2024-01-02t03:04:05z=2024-01-02T03:04:05.000Z "
                            "1969-12-31T23:59:59.999Z=1969-12-31T23:59:59.999Z "
                            "0001-01-01T00:00:00Z=0001-01-01T00:00:00.000Z "
                            "0001-01-01T23:59:00+23:59=0001-01-01T00:00:00.000Z "
                            "9999-12-31T23:59:59.999999999Z=9999-12-31T23:59:59.999999999Z "
                            "2024-\\u0030\\u0031-02T03:04:05Z=2024-01-02T03:04:05.000Z";

START_TEST(rule_4_dates_are_printed_in_utc)
{
    expect_pairs("endedDate", "\"", dates, "\"");
    expect_pairs("createdDate", "\"", dates, "\"");
}
END_TEST

/* ---- Rule 5: int32 as digits, doubles as ECMAScript prints them. ---- */

static const char integers[] =
    "0=0 -0=0 0.0=0 -0.000e5=0 0e99999999999=0 1.0=1 1e2=100 1E+2=100 1.25e2=125 1000e-3=1 "
    "10.00e-1=1 2147483647=2147483647 2147483647.000=2147483647 21474836470e-1=2147483647 "
    "0.2147483647e10=2147483647 -2147483648=-2147483648 -2.147483648e9=-2147483648";

START_TEST(rule_5_every_spelling_of_an_int32_is_its_digits)
{
    expect_pairs("eventCount", "", integers, "");
}
END_TEST

static const char doubles[] =
    "0=0 -0=0 -0.0e-5=0 1.0=1 1E2=100 47.07070=47.0707 -0.1276=-0.1276 "
    "123456789012345680000=123456789012345680000 1e20=100000000000000000000 1e21=1e+21 "
    "1000000000000000000000=1e+21 0.000001=0.000001 0.0000001=1e-7 1.5e-10=1.5e-10 "
    "0.1000000000000000055511151231257827=0.1 0.30000000000000004=0.30000000000000004 "
    "9007199254740993=9007199254740992 5e-324=5e-324 "
    "1.7976931348623157e308=1.7976931348623157e+308 "
    "2.2250738585072014e-308=2.2250738585072014e-308 1e-400=0";

START_TEST(rule_5_doubles_are_the_shortest_text_that_reads_back_equal)
{
    expect_pairs("geolocation", "{\"longitude\":", doubles, "}");
}
END_TEST

/* ---- Rule 6: the escapes of RFC 8785. ---- */

/* Section 3.2.2.2 of RFC 8785, for one byte. */
static struct blob escaped(unsigned byte)
{
    static const char *const spellings[128] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };

    if (spellings[byte] != NULL)
        return text(spellings[byte]);
    return byte < 0x20 ? printed("\\u%04x", byte) : printed("%c", (int)byte);
}

START_TEST(rule_6_ascii_has_the_escapes_of_rfc_8785)
{
    static const char entry[] = "\":{\"dataType\":\"string\",\"values\":[\"v\"]}}";

    for (unsigned byte = 0; byte < 128; byte++) {
        if (byte == ' ' || byte == '=') /* they part the pairs */
            continue;
        const struct blob expected = escaped(byte);
        const char *pairs =
            printed("\\u%04x=%s \\u%04X=%s", byte, expected.data, byte, expected.data).data;
        expect_pairs("customerId", "\"a", pairs, "z\"");
        expect_pairs("searchTerms", "[\"", pairs, "\"]");
        expect_pairs("attributeLists", "{\"", pairs, entry);
        expect_pairs("zzz", "1,\"zzz", pairs, "\":2");
    }
}
END_TEST

static const char characters[] =
    "\\/=/ /=/ \\b\\f\\n\\r\\t\\\"\\\\=\\b\\f\\n\\r\\t\\\"\\\\ \x7f=\x7f "
    "\\u0080\\u07ff=\xc2\x80\xdf\xbf "
    "\\u0800\\uFFFF\\ufffe=\xe0\xa0\x80\xef\xbf\xbf\xef\xbf\xbe "
    "\\u2028\\u2029=\xe2\x80\xa8\xe2\x80\xa9 "
    "\xe2\x80\xa8\xe2\x80\xa9=\xe2\x80\xa8\xe2\x80\xa9 "
    "\\ud7ff\\ue000=\xed\x9f\xbf\xee\x80\x80 \\ufeff=\xef\xbb\xbf "
    "\\ud800\\udc00\\uDBFF\\uDFFF=\xf0\x90\x80\x80\xf4\x8f\xbf\xbf "
    "\\ud83d\\ude00\xf0\x9f\x98\x80=\xf0\x9f\x98\x80\xf0\x9f\x98\x80 \\\\ud800=\\\\ud800 "
    "\\u005cu0041=\\\\u0041";

START_TEST(rule_6_all_other_characters_stand_for_themselves)
{
    expect_pairs("customerId", "\"", characters, "\"");
    expect_pairs("zzz", "1,\"zzz", characters, "\":2");
}
END_TEST

/* What is copied in blocks must not overlook an escape at any place of a block. */
START_TEST(rule_6_an_escape_is_seen_at_every_place)
{
    for (size_t place = 0; place < 100; place++) {
        const char *x = repeated("x", place).data;
        const char *y = repeated("y", 100 - place).data;
        const char *spelled = printed("\"%s\\u0001%s\"", x, y).data;
        const char *raw = printed("\"%s\xc3\xa9%s\"", x, y).data;
        expect_canonical(session_with("id", spelled), session_with("id", spelled));
        expect_canonical(session_with("id", raw), session_with("id", raw));
    }
}
END_TEST

/* ---- Rule 7: maps in the order of their keys' bytes; no name twice. ---- */

static struct blob with_keys(const char *const *keys, size_t count, bool backwards)
{
    struct blob map = LITERAL("{");

    for (size_t i = 0; i < count; i++)
        map = joined(map, printed("%s\"%s\":{\"dataType\":\"string\",\"value\":\"v\"}",
                                  i > 0 ? "," : "", keys[backwards ? count - 1 - i : i]));
    return session_with("attributes", joined(map, LITERAL("}")).data);
}

START_TEST(rule_7_map_keys_are_sorted_by_their_bytes)
{
    const struct blob sorted = with_keys(ordered, COUNT_OF(ordered), false);
    const struct blob reversed = with_keys(ordered, COUNT_OF(ordered), true);

    expect_canonical(sorted, sorted);
    expect_canonical(reversed, sorted);
    expect_pb_equal(reversed, sorted);
}
END_TEST

START_TEST(rule_7_a_name_that_occurs_twice_is_an_error)
{
    static const char *const twice[][3] = {
        { "device", "{\"type\":\"a\",\"type\":\"a\"}", "/device/type" },
        { "device", "{\"type\":null,\"type\":\"a\"}", "/device/type" },
        { "device", "{\"type\":\"a\",\"x\":0,\"type\":null}", "/device/type" },
        { "device", "{\"type\":\"a\",\"\\u0074ype\":\"b\"}", "/device/type" },
        { "device", "{\"x\":1,\"y\":2,\"x\":1}", "/device/x" },
        { "device", "{\"x\":null,\"\\u0078\":null}", "/device/x" },
        { "attributeLists", "{\"k\":{},\"k\":{}}", "/attributeLists/k" },
        { "attributeLists", "{\"k\":{},\"a\":{},\"\\u006b\":{}}", "/attributeLists/k" },
        { "attributeLists", "{\"\":{},\"a\":{},\"\":{}}", "/attributeLists/" },
    };

    for (size_t i = 0; i < COUNT_OF(twice); i++)
        expect_failure(true, &lenient, session_with(twice[i][0], twice[i][1]), SPB_DUPLICATE_MEMBER,
                       twice[i][2], "");
}
END_TEST

START_TEST(rule_7_every_member_of_session_is_an_error_when_it_occurs_twice)
{
    const struct blob whole = full_session(&(struct style){ 0 }, NULL);

    for (size_t i = 0; i < MEMBERS_OF_SESSION; i++)
        expect_status(spliced(whole, printed(",\"%s\":null", facts()[i].name)),
                      SPB_DUPLICATE_MEMBER, printed("/%s", facts()[i].name).data, "");
}
END_TEST

/* ---- Rule 8: additional members keep their value's text. ---- */

static const char *const values[][2] = {
    { "null", "null" },
    { "true", "true" },
    { "0", "0" },
    { "-0", "-0" },
    { "1.50", "1.50" },
    { "1E5", "1E5" },
    { "1e+05", "1e+05" },
    { "1e400", "1e400" },
    { "12345678901234567890123", "12345678901234567890123" },
    { "0.30000000000000000000000000000000000001", "0.30000000000000000000000000000000000001" },
    { "\"\"", "\"\"" },
    { "\"\\u0041\\/\\u000a\\uD83D\\uDE00\"", "\"\\u0041\\/\\u000a\\uD83D\\uDE00\"" },
    { "\" a , b \\\" : c \"", "\" a , b \\\" : c \"" },
    { " { } ", "{}" },
    { " [ ] ", "[]" },
    { "{ \"b\" : 1 , \"a\" : 2 }", "{\"b\":1,\"a\":2}" },
    { "{\"a\":1,\"a\":2,\"\\u0061\":null}", "{\"a\":1,\"a\":2,\"\\u0061\":null}" },
    { "[ 1.0 ,\n[ 1e2 ,\t{ \"\\u0062\" : [ ] } ] ]", "[1.0,[1e2,{\"\\u0062\":[]}]]" },
    { "{\"id\":1,\"createdDate\":\"2024-01-02T03:04:05+01:00\"}",
      "{\"id\":1,\"createdDate\":\"2024-01-02T03:04:05+01:00\"}" }
};

START_TEST(rule_8_the_text_of_additional_values_is_kept)
{
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct blob in = printed(",\"x\":%s", values[i][0]);
        const struct blob out = printed(",\"x\":%s", values[i][1]);
        expect_canonical(minimal(in.data), minimal(out.data));
        for (size_t j = 0; j < COUNT_OF(objects); j++)
            expect_canonical(session_with_object(j, in.data), session_with_object(j, out.data));
    }
}
END_TEST

START_TEST(rule_8_additional_members_are_an_object_on_the_wire)
{
    expect_pb(NULL, minimal(" , \"b\" : [ 1.50 , \"\\u0041\" ] , \"a\" : { }"),
              minimal_wire("1000:{'{\"a\":{},\"b\":[1.50,\"\\u0041\"]}'}"));
}
END_TEST

/* ---- One session, one text, the same bytes. ---- */

START_TEST(the_same_session_gives_the_same_bytes)
{
    const struct blob first = minimal(
        ",\"attributes\":{\"b\":{\"dataType\":\"\\u00e9\",\"value\":\"\"},\"a\":{\"value\":\"2\","
        "\"dataType\":\"string\"}},\"endedDate\":\"2024-01-02T05:00:00+01:00\",\"searchTerms\":[],"
        "\"geolocation\":{\"latitude\":1.50},\"device\":null,\"pageviewCount\":1e2,\"y\":1,"
        "\"\\u0061b\":[ 2 ]");
    const struct blob second = printed(
        "\n{\"ab\":[2], \"geolocation\": {\"latitude\":15e-1},\"y\":1,\"pageviewCount\":100.0,"
        "\"attributes\":{\"a\":{\"dataType\":\"string\",\"value\":\"2\"},\"b\":{\"dataType\":"
        "\"\xc3\xa9\","
        "\"value\":\"\"}},\"endedDate\":\"2024-01-02T04:00:00Z\",%s",
        minimal("").data + 1);

    expect_pb_equal(first, second);
}
END_TEST

/* What a converter did before leaves no trace. */
START_TEST(a_used_converter_gives_the_bytes_of_a_fresh_one)
{
    const struct blob json = full_session(&(struct style){ .backwards = true }, NULL);
    spb_converter *fresh = spb_converter_new(NULL);
    struct spb_bytes bytes = { 0 };

    ck_assert_ptr_nonnull(fresh);
    ck_assert_int_eq(spb_json_to_pb(fresh, json.data, json.len, &bytes, NULL), SPB_OK);
    for (size_t len = 0; len < json.len; len += 17) {
        json_error(NULL, cut(json, len));
        expect_pb(NULL, json, (struct blob){ (const char *)bytes.data, bytes.len });
    }
    spb_bytes_release(&bytes);
    spb_converter_free(fresh);
}
END_TEST

static const TTest *const *const tests[] = {
    &a_compact_document_in_definition_order_comes_back_byte_for_byte,
    &a_pretty_document_becomes_the_compact_one,
    &every_line_of_the_examples_comes_back_byte_for_byte,
    &a_document_of_next_year_keeps_all_that_it_has,
    &rule_1_white_space_is_dropped_but_for_the_one_in_strings,
    &rule_1_pretty_indents_by_two_spaces,
    &rule_2_every_member_of_every_definition_has_its_place,
    &rule_2_additional_members_are_sorted_by_their_names_bytes,
    &rule_2_additional_members_stay_in_their_object,
    &rule_2_a_name_is_what_its_escapes_mean,
    &rule_2_names_of_protobuf_are_additional_ones,
    &rule_3_null_an_empty_array_and_an_empty_map_mean_absent,
    &rule_3_an_empty_object_of_a_defined_type_stays,
    &rule_3_zero_false_and_the_empty_string_are_present,
    &rule_4_dates_are_printed_in_utc,
    &rule_5_every_spelling_of_an_int32_is_its_digits,
    &rule_5_doubles_are_the_shortest_text_that_reads_back_equal,
    &rule_6_ascii_has_the_escapes_of_rfc_8785,
    &rule_6_all_other_characters_stand_for_themselves,
    &rule_6_an_escape_is_seen_at_every_place,
    &rule_7_map_keys_are_sorted_by_their_bytes,
    &rule_7_a_name_that_occurs_twice_is_an_error,
    &rule_7_every_member_of_session_is_an_error_when_it_occurs_twice,
    &rule_8_the_text_of_additional_values_is_kept,
    &rule_8_additional_members_are_an_object_on_the_wire,
    &the_same_session_gives_the_same_bytes,
    &a_used_converter_gives_the_bytes_of_a_fresh_one,
};

int main(void)
{
    return run("canonical", tests, COUNT_OF(tests));
}
