/* Any bytes to text: one verdict whoever reads them, and text that is text. */
#include "base/utf8.h"
#include "fuzz_engines.h"

/* Whether a text begins with the id and a quote, if the id is one that stands in a text as it is. */
static bool is_printed(const char *text, const char *id, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)id[i] < ' ' || id[i] == '"' || id[i] == '\\')
            return true;
    return strncmp(text, id, len) == 0 && text[len] == '"';
}

/* The id is found without a look at the rest, and is the one that is printed. */
static void check_id(spb_converter *converter, const struct fuzz_input *input, const char *json)
{
    static const char member[] = "{\"id\":\"";
    const char *id = NULL;
    size_t len = 0;
    uint8_t *const copy = fuzz_copy(input->at, input->len, false);
    struct spb_error error;
    const enum spb_status status = spb_pb_id(converter, copy, input->len, &id, &len, &error);

    if (status != SPB_OK)
        fuzz_check_error(&error, status);
    if (status == SPB_OK && id != NULL)
        fuzz_must((const uint8_t *)id >= copy && (const uint8_t *)id + len <= copy + input->len);
    if (json != NULL) {
        fuzz_must(status == SPB_OK);
        fuzz_must((id != NULL) == (strncmp(json, member, sizeof member - 1) == 0));
        fuzz_must(id == NULL || is_printed(json + sizeof member - 1, id, len));
    }
    free(copy);
}

/* Indented text is the same document. */
static void check_pretty(unsigned options, const struct spb_bytes *json)
{
    struct spb_bytes pretty = { 0 };
    uint8_t *const copy = fuzz_copy(json->data, json->len, false);

    fuzz_must(spb_json_pretty((const char *)copy, json->len, &pretty) == SPB_OK);
    struct fuzz_result plain = fuzz_run_with(fuzz_json_to_pb, options, json->data, json->len);
    struct fuzz_result indented = fuzz_run_with(fuzz_json_to_pb, options, pretty.data, pretty.len);
    fuzz_must(plain.status == indented.status && fuzz_same(&plain.out, &indented.out));
    fuzz_release(&plain);
    fuzz_release(&indented);
    spb_bytes_release(&pretty);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input);
    struct fuzz_result json = fuzz_run_with(spb_pb_to_json, options, input.at, input.len);
    const bool ok = json.status == SPB_OK;

    if (ok) {
        fuzz_must(json.out.data[json.out.len] == '\0');
        fuzz_must(spb_utf8_valid_len(json.out.data, json.out.len) == json.out.len);
        check_pretty(options, &json.out);
    }
    check_id(fuzz_converter(options & ~(unsigned)FUZZ_PADDED), &input,
             ok ? (const char *)json.out.data : NULL);
    fuzz_check_variants(spb_pb_to_json, options, input.at, input.len, &json);
    fuzz_release(&json);
    return 0;
}
