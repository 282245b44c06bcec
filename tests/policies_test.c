/*
 * The policies, one row each: a document, the options, and what comes back of it from protobuf.
 */
#include <sessionpb/sessionpb.h>

#include <check.h>
#include <string.h>

#define REST                                                                             \
    "\"type\":\"web\",\"eventCount\":1,\"lastEvent\":{\"id\":\"e\",\"eventName\":\"n\"," \
    "\"createdDate\":\"2024-01-02T03:04:07.890Z\"},\"authenticated\":false,"             \
    "\"createdDate\":\"2024-01-02T03:04:05.678Z\""
#define WITH(members) "{\"id\":\"i\"," REST members "}"

enum { KEEP = SPB_UNKNOWN_KEEP, DROP = SPB_UNKNOWN_DROP, REJECT = SPB_UNKNOWN_REJECT };

struct policy {
    const char *name;
    int unknown;
    bool lenient;
    const char *json;
    enum spb_status to_pb; /* under the policy */
    enum spb_status back;  /* of the bytes that keep and lenient make, under the policy */
    const char *expected;  /* what comes back */
};

static const struct policy policies[] = {
    { "an unknown member is kept", KEEP, false, WITH(",\"zz\":[1.50, 1]"), SPB_OK, SPB_OK,
      WITH(",\"zz\":[1.50,1]") },
    { "an unknown member is dropped", DROP, false, WITH(",\"zz\":[1.50, 1]"), SPB_OK, SPB_OK,
      WITH("") },
    { "an unknown member is rejected", REJECT, false, WITH(",\"zz\":[1.50, 1]"), SPB_UNKNOWN_MEMBER,
      SPB_UNKNOWN_MEMBER, NULL },
    { "an unknown field is kept", KEEP, false, WITH(",\"$unknownFields\":\"mD8F\""), SPB_OK, SPB_OK,
      WITH(",\"$unknownFields\":\"mD8F\"") },
    { "an unknown field is dropped", DROP, false, WITH(",\"$unknownFields\":\"mD8F\""), SPB_OK,
      SPB_OK, WITH("") },
    { "an unknown field is rejected", REJECT, false, WITH(",\"$unknownFields\":\"mD8F\""),
      SPB_UNKNOWN_MEMBER, SPB_UNKNOWN_MEMBER, NULL },
    { "an unknown field stands among unknown members in the order of names", KEEP, false,
      WITH(",\"!\":1,\"zz\":2,\"$unknownFields\":\"mD8F\""), SPB_OK, SPB_OK,
      WITH(",\"!\":1,\"$unknownFields\":\"mD8F\",\"zz\":2") },
    { "a missing required member is rejected", KEEP, false, "{" REST "}", SPB_MISSING_MEMBER,
      SPB_MISSING_MEMBER, NULL },
    { "a missing required member is accepted by lenient", KEEP, true, "{\"browser\":{}}", SPB_OK,
      SPB_OK, "{\"browser\":{}}" },
    { "a value of the wrong type is rejected", KEEP, false, WITH(",\"lastScreen\":[ 1]"),
      SPB_WRONG_TYPE, SPB_WRONG_TYPE, NULL },
    { "a value of the wrong type is kept verbatim by lenient", KEEP, true,
      "{\"lastScreen\":[ 1],\"id\":\"i\"}", SPB_OK, SPB_OK, "{\"id\":\"i\",\"lastScreen\":[1]}" },
    { "a value of the wrong type is kept by lenient whatever becomes of unknown members", DROP,
      true, "{\"lastScreen\":[ 1],\"zz\":1}", SPB_OK, SPB_OK, "{\"lastScreen\":[1]}" },
    { "a value of the wrong type is kept by lenient though unknown members are rejected", REJECT,
      true, "{\"eventCount\":1.5}", SPB_OK, SPB_OK, "{\"eventCount\":1.5}" },
    { "a wrong element makes the whole array verbatim", KEEP, true,
      "{\"searchTerms\":[\"a\",{\"b\":null}]}", SPB_OK, SPB_OK,
      "{\"searchTerms\":[\"a\",{\"b\":null}]}" },
    { "a wrong value stays in the message that it stands in", KEEP, true,
      "{\"browser\":{\"viewWidth\":\"wide\",\"family\":\"f\"}}", SPB_OK, SPB_OK,
      "{\"browser\":{\"family\":\"f\",\"viewWidth\":\"wide\"}}" },
    { "a wrong value of a map's entry stays in its entry", KEEP, true,
      "{\"attributes\":{\"k\":{\"dataType\":1,\"value\":\"v\"}}}", SPB_OK, SPB_OK,
      "{\"attributes\":{\"k\":{\"value\":\"v\",\"dataType\":1}}}" },
    { "a required array may be absent", KEEP, false,
      WITH(",\"attributeLists\":{\"k\":{\"dataType\":\"d\",\"values\":[]}}"), SPB_OK, SPB_OK,
      NULL },
};

static enum spb_status convert(int unknown, bool lenient, bool to_pb, const void *data, size_t len,
                               struct spb_bytes *out)
{
    const struct spb_options options = { .size = sizeof options,
                                         .unknown = (enum spb_unknown)unknown,
                                         .lenient = lenient };
    spb_converter *converter = spb_converter_new(&options);

    ck_assert_ptr_nonnull(converter);
    const enum spb_status status = to_pb ? spb_json_to_pb(converter, data, len, out, NULL)
                                         : spb_pb_to_json(converter, data, len, out, NULL);
    spb_converter_free(converter);
    return status;
}

START_TEST(each_policy_holds_in_both_directions)
{
    const struct policy *p = &policies[_i];
    struct spb_bytes pb = { 0 };
    struct spb_bytes everything = { 0 };
    struct spb_bytes json = { 0 };

    ck_assert_msg(convert(p->unknown, p->lenient, true, p->json, strlen(p->json), &pb) == p->to_pb,
                  "%s: to protobuf", p->name);
    ck_assert_int_eq(convert(KEEP, true, true, p->json, strlen(p->json), &everything), SPB_OK);
    ck_assert_msg(convert(p->unknown, p->lenient, false, everything.data, everything.len, &json) ==
                      p->back,
                  "%s: to JSON", p->name);
    if (p->expected != NULL)
        ck_assert_str_eq((const char *)json.data, p->expected);
    if (p->to_pb == SPB_OK && p->expected != NULL) {
        json.len = 0;
        ck_assert_int_eq(convert(KEEP, true, false, pb.data, pb.len, &json), SPB_OK);
        ck_assert_str_eq((const char *)json.data, p->expected);
    }
    spb_bytes_release(&pb);
    spb_bytes_release(&everything);
    spb_bytes_release(&json);
}
END_TEST

/* What a newer schema defines, and older bytes carry as additional, moves to its place. */
START_TEST(an_additional_member_that_the_schema_defines_by_now_is_promoted)
{
    static const char pb[] = "\x0a\x01i\xc2\x3e\x22{\"zz\":1,\"type\":\"w\",\"eventCount\":2}";
    struct spb_bytes json = { 0 };

    ck_assert_int_eq(convert(KEEP, true, false, pb, sizeof pb - 1, &json), SPB_OK);
    ck_assert_str_eq((const char *)json.data,
                     "{\"id\":\"i\",\"type\":\"w\",\"eventCount\":2,\"zz\":1}");
    spb_bytes_release(&json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policies");
    TCase *cases = tcase_create("policies");

    tcase_add_loop_test(cases, each_policy_holds_in_both_directions, 0,
                        sizeof policies / sizeof policies[0]);
    tcase_add_test(cases, an_additional_member_that_the_schema_defines_by_now_is_promoted);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
