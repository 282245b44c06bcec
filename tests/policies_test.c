/*
 * The table of policies, row by row and in both directions: what becomes of members and fields that
 * the schema does not define, of required members that are missing, of values of the wrong type.
 */
#include "support.h"

/* ---- Members that the schema does not define. ---- */

/* A message, an array's element, a map's value, a message in a message: with room for a member. */
static const struct place {
    const char *member;
    const char *json_before;
    const char *json_after;
    const char *pointer; /* to the object with the room */
    const char *wire_before;
    const char *wire_after;
    const char *field;
} places[] = {
    { "externalContact", "{\"id\":\"c\"", "}", "/externalContact", "2:{1:{'c'}", "}",
      "external_contact" },
    { "conversationChannels", "[{\"type\":\"Call\"},{\"type\":\"Chat\"", "}]",
      "/conversationChannels/1", "35:{1:{'Call'}} 35:{1:{'Chat'}", "}",
      "conversation_channels[1]" },
    { "attributes", "{\"k\":{\"dataType\":\"t\",\"value\":\"v\"", "}}", "/attributes/k",
      "11:{1:{'k'} 2:{1:{'t'} 2:{'v'}", "}}", "attributes[\"k\"]" },
    { "lastUserDisposition", "{\"code\":\"c\",\"user\":{\"id\":\"u\"", "}}",
      "/lastUserDisposition/user", "34:{1:{'c'} 3:{1:{'u'}", "}}", "last_user_disposition.user" },
};

enum { TOP = COUNT_OF(places), PLACES };

/* The smallest session with something at the place; at the top where the place is TOP. */
static struct blob json_at(size_t place, const char *members)
{
    const struct place *at = &places[place];

    if (place == TOP)
        return minimal(members);
    return session_with(at->member,
                        printed("%s%s%s", at->json_before, members, at->json_after).data);
}

static struct blob wire_at(size_t place, const char *fields)
{
    const struct place *at = &places[place];

    if (place == TOP)
        return minimal_wire(fields);
    return minimal_wire(printed("%s %s%s", at->wire_before, fields, at->wire_after).data);
}

static const char *pointer_to(size_t place, const char *member)
{
    return printed("%s/%s", place == TOP ? "" : places[place].pointer, member).data;
}

static const char *field_at(size_t place, const char *field)
{
    return place == TOP ? field : printed("%s.%s", places[place].field, field).data;
}

static const char additional[] = "1000:{'{\"a\":[1.50,null],\"x\":{}}'}";
static const char additional_json[] = ",\"a\":[1.50,null],\"x\":{}";

START_TEST(unknown_members_are_kept)
{
    for (size_t place = 0; place < PLACES; place++) {
        expect_canonical(json_at(place, ",\"x\":{ },\"a\":[ 1.50,null]"),
                         json_at(place, additional_json));
        expect_json(NULL, wire_at(place, additional), json_at(place, additional_json));
        expect_pb(NULL, json_at(place, additional_json),
                  pb_of(NULL, json_of(NULL, wire_at(place, additional))));
    }
}
END_TEST

START_TEST(unknown_members_are_dropped_on_demand)
{
    for (size_t place = 0; place < PLACES; place++) {
        expect_pb(&dropping, json_at(place, additional_json), pb_of(NULL, json_at(place, "")));
        expect_json(&dropping, wire_at(place, additional), json_at(place, ""));
    }
}
END_TEST

START_TEST(unknown_members_are_rejected_on_demand)
{
    for (size_t place = 0; place < PLACES; place++) {
        expect_failure(true, &rejecting, json_at(place, ",\"x\":1"), SPB_UNKNOWN_MEMBER,
                       pointer_to(place, "x"), "");
        expect_failure(true, &rejecting, json_at(place, ",\"x\":null"), SPB_UNKNOWN_MEMBER,
                       pointer_to(place, "x"), "");
        expect_failure(false, &rejecting, wire_at(place, additional), SPB_UNKNOWN_MEMBER, NULL, "");
    }
}
END_TEST

START_TEST(what_is_dropped_must_be_json_all_the_same)
{
    expect_failure(true, &dropping, minimal(",\"x\":[1,]"), SPB_BAD_JSON, NULL, "");
    expect_failure(true, &dropping, minimal(",\"x\":\"\xff\""), SPB_BAD_UNICODE, NULL, "");
    expect_failure(true, &dropping, minimal(",\"x\":\"\\ud800\""), SPB_BAD_UNICODE, NULL, "");
}
END_TEST

/* ---- Required members. ---- */

/* Arrays may be absent, being empty. */
static bool must_be_there(const struct fact *fact)
{
    return fact->required && !is(fact->type, "array");
}

START_TEST(every_required_member_is_missed)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *fact = &facts()[i];
        const struct style without = { .definition = fact->definition, .member = fact->name };
        struct blob parent;
        const struct blob json = full_session(&without, &parent);
        if (!must_be_there(fact))
            continue;
        expect_status(json, SPB_MISSING_MEMBER, parent.data, fact->name);
        expect_wire_status(pb_of(&lenient, json), SPB_MISSING_MEMBER, NULL, "");
    }
}
END_TEST

START_TEST(every_other_member_may_be_absent)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *fact = &facts()[i];
        const struct style without = { .definition = fact->definition, .member = fact->name };
        const struct blob json = full_session(&without, NULL);
        if (!must_be_there(fact))
            expect_canonical(json, json);
    }
}
END_TEST

START_TEST(lenient_accepts_what_lacks_required_members)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *fact = &facts()[i];
        const struct style without = { .definition = fact->definition, .member = fact->name };
        const struct blob json = full_session(&without, NULL);
        expect_canonical_with(&lenient, json, json);
    }
    expect_canonical_with(&lenient, LITERAL("{}"), LITERAL("{}"));
    expect_pb(&lenient, LITERAL("{}"), LITERAL(""));
    expect_json(&lenient, LITERAL(""), LITERAL("{}"));
}
END_TEST

START_TEST(null_does_not_make_a_required_member_present)
{
    expect_status(session_with("eventCount", "null"), SPB_MISSING_MEMBER, "", "eventCount");
    expect_status(session_with("lastEvent", "{}"), SPB_MISSING_MEMBER, "/lastEvent", "id");
}
END_TEST

START_TEST(a_missing_member_is_reported_where_it_is_missed_on_the_wire)
{
    expect_wire_status(LITERAL(""), SPB_MISSING_MEMBER, "", "id");
    expect_wire_status(minimal_wire("18:{1:{'u'} 3:{'d'} 5:{'h'}}"), SPB_MISSING_MEMBER,
                       "last_page", "pathname");
    expect_wire_status(minimal_wire("11:{1:{'k'} 2:{1:{'t'}}}"), SPB_MISSING_MEMBER,
                       "attributes[\"k\"]", "value");
}
END_TEST

/* ---- Values of the wrong type. ---- */

static const char *const kinds[][2] = {
    { "string", "\"text\"" }, { "number", "1.50" },       { "boolean", "true" },
    { "boolean", "false" },   { "object", "{\"k\":{}}" }, { "array", "[]" },
};

static const char *kind_of(const struct fact *fact)
{
    return is(fact->type, "date-time")                      ? "string"
           : is(fact->type, "integer")                      ? "number"
           : is(fact->type, "ref") || is(fact->type, "map") ? "object"
                                                            : fact->type;
}

/* value is of a wrong type for the member; at: the pointer from the member to the culprit. */
static void expect_wrong(const struct fact *fact, const char *value, const char *at)
{
    struct style style = { .definition = fact->definition, .member = fact->name, .value = value };
    struct blob parent;
    const struct blob json = full_session(&style, &parent);

    expect_status(json, SPB_WRONG_TYPE, printed("%s/%s%s", parent.data, fact->name, at).data, "");
    style.last = true;
    const struct blob kept = full_session(&style, NULL);
    expect_canonical_with(&lenient, json, kept);
    expect_wire_status(pb_of(&lenient, json), SPB_WRONG_TYPE, NULL, "");
}

START_TEST(every_member_refuses_values_of_every_other_type)
{
    for (size_t i = 0; i < MEMBERS; i++)
        for (size_t j = 0; j < COUNT_OF(kinds); j++)
            if (!is(kinds[j][0], kind_of(&facts()[i])))
                expect_wrong(&facts()[i], kinds[j][1], "");
}
END_TEST

START_TEST(every_array_refuses_elements_of_every_other_type)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *fact = &facts()[i];
        if (!is(fact->type, "array"))
            continue;
        for (size_t j = 0; j < COUNT_OF(kinds); j++)
            if (!is(kinds[j][0], is(fact->of, "string") ? "string" : "object"))
                expect_wrong(fact, printed("[%s]", kinds[j][1]).data, "/0");
        expect_wrong(fact, "[null]", "/0");
    }
}
END_TEST

START_TEST(every_map_refuses_values_of_every_other_type)
{
    for (size_t i = 0; i < MEMBERS_OF_SESSION; i++) {
        if (!is(facts()[i].type, "map"))
            continue;
        for (size_t j = 0; j < COUNT_OF(kinds); j++)
            if (!is(kinds[j][0], "object"))
                expect_wrong(&facts()[i], printed("{\"k\":%s}", kinds[j][1]).data, "/k");
        expect_wrong(&facts()[i], "{\"k\":null}", "/k");
    }
}
END_TEST

START_TEST(an_array_is_kept_whole_when_one_element_is_wrong)
{
    expect_status(session_with("searchTerms", "[\"a\",\"b\",3,\"d\"]"), SPB_WRONG_TYPE,
                  "/searchTerms/2", "");
    expect_canonical_with(&lenient, session_with("searchTerms", "[\"a\", 3 ,\"\\u0064\", null]"),
                          minimal(",\"searchTerms\":[\"a\",3,\"\\u0064\",null]"));
    expect_canonical_with(&lenient, session_with("conversationChannels", "[{\"type\":\"Call\"},7]"),
                          minimal(",\"conversationChannels\":[{\"type\":\"Call\"},7]"));
    expect_canonical_with(&lenient, session_with("attributeLists", "{\"b\":{},\"a\":null}"),
                          minimal(",\"attributeLists\":{\"b\":{},\"a\":null}"));
}
END_TEST

START_TEST(a_wrong_value_is_kept_in_the_object_it_stands_in)
{
    const struct blob json = session_with(
        "attributes", "{\"k\":{\"dataType\":5,\"value\":\"v\"},\"l\":{\"value\":[ ],\"z\":1}}");
    const struct blob kept = session_with(
        "attributes", "{\"k\":{\"value\":\"v\",\"dataType\":5},\"l\":{\"value\":[],\"z\":1}}");

    expect_canonical_with(&lenient, json, kept);
}
END_TEST

START_TEST(wrong_values_stand_among_the_additional_members)
{
    expect_canonical_with(
        &lenient,
        printed(
            "{\"zz\":0,\"type\":[ 1.50 , \"\\u0041\" ],\"eventCount\":\"many\",\"aa\":1,\"id\":7}"),
        LITERAL(
            "{\"aa\":1,\"eventCount\":\"many\",\"id\":7,\"type\":[1.50,\"\\u0041\"],\"zz\":0}"));
}
END_TEST

START_TEST(a_wrong_value_is_kept_whatever_becomes_of_unknown_members)
{
    static const struct spb_options both[] = {
        { .size = sizeof both[0], .unknown = SPB_UNKNOWN_DROP, .lenient = true },
        { .size = sizeof both[0], .unknown = SPB_UNKNOWN_REJECT, .lenient = true },
    };
    const struct blob json =
        spliced(session_with("eventCount", NULL), LITERAL(",\"eventCount\":{}"));

    for (size_t i = 0; i < COUNT_OF(both); i++)
        expect_canonical_with(&both[i], json, json);
    expect_canonical_with(&both[0], spliced(json, LITERAL(",\"zz\":1,\"idleDate\":3,\"aa\":2")),
                          spliced(json, LITERAL(",\"idleDate\":3")));
}
END_TEST

/* A name is a name, whatever became of its value. */
START_TEST(a_wrong_value_and_a_right_one_are_a_duplicate)
{
    expect_failure(true, &lenient, minimal(",\"eventCount\":\"many\""), SPB_DUPLICATE_MEMBER,
                   "/eventCount", "");
    expect_failure(true, &lenient, printed("{\"id\":5,%s", minimal("").data + 1),
                   SPB_DUPLICATE_MEMBER, "/id", "");
    expect_failure(true, &lenient, LITERAL("{\"id\":5,\"id\":6}"), SPB_DUPLICATE_MEMBER, "/id", "");
}
END_TEST

/* ---- Wire fields that the schema does not define. ---- */

static const char *const fields[] = {
    "48:5",
    "48:-1",
    "48:1.5",
    "48:{}",
    "48:{'text'}",
    "`85 03 01 02 03 04`", /* field 48, four bytes */
    "48:!{}",
    "48:!{1:5 2:{'x'} 3:!{4:!{5:1.5}} 3:!{}}",
    "48:1 48:{'x'} 48:1",
    "48:1 999:2 1001:3 536870911:4",
};

START_TEST(unknown_fields_are_kept)
{
    for (size_t place = 0; place < PLACES; place++)
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
            const struct blob json = json_at(place, printed(",%s", unknown_fields(fields[i])).data);
            expect_json(NULL, wire_at(place, fields[i]), json);
            expect_canonical(json, json);
        }
}
END_TEST

START_TEST(unknown_fields_come_back_as_the_same_bytes)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        expect_pb(NULL, minimal(printed(",%s", unknown_fields(fields[i])).data),
                  minimal_wire(fields[i]));
    expect_pb(NULL, minimal(printed(",\"a\":1,%s", unknown_fields("48:1 1001:2")).data),
              minimal_wire("48:1 1000:{'{\"a\":1}'} 1001:2"));
}
END_TEST

START_TEST(unknown_fields_are_put_into_order)
{
    const struct blob json = minimal(printed(",%s", unknown_fields("48:2 48:1 50:{'x'}")).data);

    expect_json(NULL, minimal_wire("50:{'x'} 48:2 48:1"), json);
    expect_canonical(minimal(printed(",%s", unknown_fields("50:{'x'} 48:2 48:1")).data), json);
}
END_TEST

START_TEST(unknown_fields_are_dropped_on_demand)
{
    for (size_t place = 0; place < PLACES; place++)
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
            const char *member = printed(",%s", unknown_fields(fields[i])).data;
            expect_json(&dropping, wire_at(place, fields[i]), json_at(place, ""));
            expect_pb(&dropping, json_at(place, member), pb_of(NULL, json_at(place, "")));
        }
}
END_TEST

START_TEST(unknown_fields_are_rejected_on_demand)
{
    for (size_t place = 0; place < PLACES; place++) {
        expect_failure(false, &rejecting, wire_at(place, "48:5"), SPB_UNKNOWN_MEMBER,
                       field_at(place, "48"), "");
        expect_failure(true, &rejecting,
                       json_at(place, printed(",%s", unknown_fields("48:5")).data),
                       SPB_UNKNOWN_MEMBER, pointer_to(place, "$unknownFields"), "");
    }
}
END_TEST

START_TEST(a_known_field_of_another_wire_type_is_an_unknown_one)
{
    const struct blob json = minimal(printed(",%s", unknown_fields("3:5 26:{'x'}")).data);

    expect_json(NULL, minimal_wire("3:5 26:{'x'}"), json);
    expect_canonical(json, json);
}
END_TEST

START_TEST(unknown_fields_must_be_base64_of_unknown_fields)
{
    static const char *const refused[] = {
        "5",         "true",      "[]",       "{}",          "\"A\"",    "\"AA\"",       "\"gAM\"",
        "\"gAMF=\"", "\"gAM F\"", "\"gA-F\"", "\"gAMF\\n\"", "\"====\"", "\"gAMF====\"", "\"gAN=\"",
    };
    static const char *const malformed[] = {
        "`80`",    "`80 03`",       "`82 03 05 61`", "`83 03`",
        "`84 03`", "`83 03 8c 03`", "`00 05`",       "`86 03`",
    };
    static const char *const defined[] = {
        "1:{'id'}", "27:5", "1000:{'{}'}", "11:{}", "48:1 44:{}",
    };

    for (size_t place = 0; place < PLACES; place++) {
        for (size_t i = 0; i < COUNT_OF(refused); i++)
            expect_status(json_at(place, printed(",\"$unknownFields\":%s", refused[i]).data),
                          SPB_BAD_WIRE, pointer_to(place, "$unknownFields"), "");
    }
    for (size_t i = 0; i < COUNT_OF(malformed); i++)
        expect_status(minimal(printed(",%s", unknown_fields(malformed[i])).data), SPB_BAD_WIRE,
                      "/$unknownFields", "");
    for (size_t i = 0; i < COUNT_OF(defined); i++)
        expect_status(minimal(printed(",%s", unknown_fields(defined[i])).data),
                      SPB_DUPLICATE_MEMBER, "/$unknownFields", "");
}
END_TEST

START_TEST(unknown_fields_may_be_none)
{
    expect_canonical(minimal(",\"$unknownFields\":\"\""), minimal(""));
    expect_canonical(minimal(",\"$unknownFields\":null"), minimal(""));
}
END_TEST

/* ---- additional_properties as others write them. ---- */

static struct blob with_additional(const char *text)
{
    return minimal_wire(printed("1000:{'%s'}", text).data);
}

START_TEST(additional_properties_must_be_an_object)
{
    static const char *const refused[] = {
        "", " ", "null", "5", "[]", "\"{}\"", "{", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{}{}", "{}x",
    };

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        expect_wire_status(with_additional(refused[i]), SPB_BAD_JSON, "additional_properties", "");
}
END_TEST

START_TEST(additional_properties_never_shadow_a_field)
{
    static const char *const shadows[] = {
        "{\"id\":\"other\"}",       "{\"id\":\"i\"}",     "{\"a\":1,\"id\":7}",
        "{\"\\u0069d\":\"other\"}", "{\"lastEvent\":{}}", "{\"authenticated\":true}",
    };

    for (size_t i = 0; i < COUNT_OF(shadows); i++) {
        expect_wire_status(with_additional(shadows[i]), SPB_DUPLICATE_MEMBER, NULL, "");
        expect_failure(false, &lenient, with_additional(shadows[i]), SPB_DUPLICATE_MEMBER, NULL,
                       "");
    }
    expect_wire_status(minimal_wire("24:{'a'} 1000:{'{\"searchTerms\":[\"b\"]}'}"),
                       SPB_DUPLICATE_MEMBER, NULL, "");
    expect_wire_status(minimal_wire("2:{1:{'c'} 1000:{'{\"id\":\"d\"}'}}"), SPB_DUPLICATE_MEMBER,
                       NULL, "");
}
END_TEST

/* A member that a newer schema defines, in bytes from a program with an older one. */
START_TEST(additional_properties_that_are_defined_go_to_their_place)
{
    static const char *const defined[][2] = {
        { "customerId", "\"c\"" },
        { "pageviewCount", "7" },
        { "searchTerms", "[\"a\",\"b\"]" },
        { "externalContact", "{\"id\":\"c\"}" },
        { "attributes", "{\"k\":{\"dataType\":\"t\",\"value\":\"v\"}}" },
        { "endedDate", "\"2024-01-02T03:04:05.678Z\"" },
    };

    for (size_t i = 0; i < COUNT_OF(defined); i++) {
        const char *members = printed("{\"a\":1,\"%s\":%s}", defined[i][0], defined[i][1]).data;
        const struct blob json = session_with(defined[i][0], defined[i][1]);
        expect_json(NULL, with_additional(members), spliced(json, LITERAL(",\"a\":1")));
        expect_json(&dropping, with_additional(members), json);
    }
    expect_wire_status(with_additional("{\"pageviewCount\":\"many\"}"), SPB_WRONG_TYPE, NULL, "");
    expect_json(&lenient, with_additional("{\"pageviewCount\":\"many\"}"),
                minimal(",\"pageviewCount\":\"many\""));
}
END_TEST

START_TEST(additional_properties_are_made_canonical)
{
    static const char *const spelled[][2] = {
        { "{}", "" },
        { " { } ", "" },
        { "{ \"b\" : [ 1.50 , { } ] , \"a\" : null }", ",\"a\":null,\"b\":[1.50,{}]" },
        { "{\"\\u0062\":1,\"a\\/\":2}", ",\"a/\":2,\"b\":1" },
        { "{\"b\":{\"z\":1,\"z\":2},\"a\":\"\\u0041\"}",
          ",\"a\":\"\\u0041\",\"b\":{\"z\":1,\"z\":2}" },
        { "{\"searchTerms\":[],\"device\":null,\"a\":1}", ",\"a\":1" },
    };

    for (size_t i = 0; i < COUNT_OF(spelled); i++)
        expect_json(NULL, with_additional(spelled[i][0]), minimal(spelled[i][1]));
}
END_TEST

START_TEST(additional_properties_hold_no_name_twice)
{
    expect_wire_status(with_additional("{\"a\":1,\"a\":1}"), SPB_DUPLICATE_MEMBER, NULL, "");
    expect_wire_status(with_additional("{\"a\":1,\"b\":2,\"\\u0061\":1}"), SPB_DUPLICATE_MEMBER,
                       NULL, "");
    expect_wire_status(with_additional("{\"device\":null,\"device\":null}"), SPB_DUPLICATE_MEMBER,
                       NULL, "");
}
END_TEST

/* The member is the engine's: it stands for fields, and there must be one truth about them. */
START_TEST(additional_properties_hold_no_unknown_fields)
{
    const char *text = printed("{%s}", unknown_fields("48:5")).data;

    expect_wire_status(with_additional(text), SPB_DUPLICATE_MEMBER, NULL, "");
    expect_wire_status(minimal_wire(printed("48:5 1000:{'%s'}", text).data), SPB_DUPLICATE_MEMBER,
                       NULL, "");
}
END_TEST

START_TEST(the_policies_do_not_change_a_session_that_needs_none)
{
    static const struct spb_options *const all[] = { &lenient, &dropping, &rejecting };
    const struct blob json = full_session(&(struct style){ 0 }, NULL);

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        expect_canonical_with(all[i], json, json);
        expect_pb(all[i], json, pb_of(NULL, json));
    }
}
END_TEST

static const TTest *const *const tests[] = {
    &unknown_members_are_kept,
    &unknown_members_are_dropped_on_demand,
    &unknown_members_are_rejected_on_demand,
    &what_is_dropped_must_be_json_all_the_same,
    &every_required_member_is_missed,
    &every_other_member_may_be_absent,
    &lenient_accepts_what_lacks_required_members,
    &null_does_not_make_a_required_member_present,
    &a_missing_member_is_reported_where_it_is_missed_on_the_wire,
    &every_member_refuses_values_of_every_other_type,
    &every_array_refuses_elements_of_every_other_type,
    &every_map_refuses_values_of_every_other_type,
    &an_array_is_kept_whole_when_one_element_is_wrong,
    &a_wrong_value_is_kept_in_the_object_it_stands_in,
    &wrong_values_stand_among_the_additional_members,
    &a_wrong_value_is_kept_whatever_becomes_of_unknown_members,
    &a_wrong_value_and_a_right_one_are_a_duplicate,
    &unknown_fields_are_kept,
    &unknown_fields_come_back_as_the_same_bytes,
    &unknown_fields_are_put_into_order,
    &unknown_fields_are_dropped_on_demand,
    &unknown_fields_are_rejected_on_demand,
    &a_known_field_of_another_wire_type_is_an_unknown_one,
    &unknown_fields_must_be_base64_of_unknown_fields,
    &unknown_fields_may_be_none,
    &additional_properties_must_be_an_object,
    &additional_properties_never_shadow_a_field,
    &additional_properties_that_are_defined_go_to_their_place,
    &additional_properties_are_made_canonical,
    &additional_properties_hold_no_name_twice,
    &additional_properties_hold_no_unknown_fields,
    &the_policies_do_not_change_a_session_that_needs_none,
};

int main(void)
{
    return run("policies", tests, COUNT_OF(tests));
}
