/*
 * Protobuf bytes to a cJSON tree. The text door has the last word on what a session is, so nodes are
 * made from the canonical text that it prints, as it stands: valid, compact, in order. What is left
 * to check is what cJSON cannot hold, and the budget.
 */
#include <sessionpb/tree.h>

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "base/number.h"
#include "bridge/converter.h"
#include "json/locate.h"
#include "json/reader.h"

struct pb_to_tree {
    struct spb_json_reader reader;
    struct spb_bytes *scratch; /* the string at hand */
    size_t memory_left;        /* of limits.memory_max */
    size_t items_left;         /* of limits.items_max */
};

/*
 * `table`: of the object at hand, NULL inside of additional members. Each function moves *at behind
 * its value, and returns NULL when it has failed.
 */
static cJSON *make_value(struct pb_to_tree *c, const char **at, const struct spb_row *row);

/* ------------------------------------------------------------------ budget */

static cJSON *fail_memory(struct pb_to_tree *c, const char *at)
{
    spb_json_fail(&c->reader, SPB_NO_MEMORY, at, "out of memory");
    return NULL;
}

/* Takes so many nodes and bytes off the budget. */
static bool spend(struct pb_to_tree *c, const char *at, size_t nodes, size_t len)
{
    if (c->items_left < nodes || c->memory_left < len) {
        spb_json_fail(&c->reader, SPB_OVER_BUDGET, at,
                      "the tree is above its limits of memory or items");
        return false;
    }
    c->items_left -= nodes;
    c->memory_left -= len;
    return true;
}

/* Takes a node with `len` bytes of a string off the budget. */
static bool spend_node(struct pb_to_tree *c, const char *at, size_t len)
{
    return spend(c, at, 1, sizeof(cJSON) + len);
}

/* ------------------------------------------------------------------ numbers */

enum {
    DIGITS_MAX = 17, /* that a double may need */
    EXPONENT_MAX = 100000
};

/* A number as its significant digits d1 d2 ... and the exponent of 0.d1d2... */
struct decimal {
    char digits[DIGITS_MAX];
    int count;
    long exponent;
};

static long read_exponent(const char *at, const char *end)
{
    const bool negative = at < end && *at == '-';
    long exponent = 0;

    for (at += at < end && (*at == '-' || *at == '+'); at < end; at++)
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*at - '0') : exponent;
    return negative ? -exponent : exponent;
}

/* False when there are more digits than a double may need. */
static bool read_decimal(const char *at, const char *end, struct decimal *decimal)
{
    long zeros = 0; /* that have not become part of the digits yet */
    bool fraction = false;

    *decimal = (struct decimal){ .count = 0 };
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
        } else if (*at != '-') {
            decimal->exponent += fraction ? 0 : decimal->count > 0 || *at != '0';
            decimal->exponent -= fraction && decimal->count == 0 && *at == '0';
            zeros += *at == '0' && decimal->count > 0;
        }
        if (*at < '1' || *at > '9')
            continue;
        for (; zeros > 0 && decimal->count < DIGITS_MAX; zeros--)
            decimal->digits[decimal->count++] = '0';
        if (decimal->count == DIGITS_MAX)
            return false;
        decimal->digits[decimal->count++] = *at;
    }
    decimal->exponent = decimal->count == 0 ? 0 : decimal->exponent + read_exponent(at + 1, end);
    return true;
}

/* Whether a double carries the number, so that it comes back with the digits it has. */
static bool is_exact(const char *text, size_t len, double value)
{
    char printed[SPB_DOUBLE_TEXT_MAX];
    struct decimal given;
    struct decimal held;

    if (!read_decimal(text, text + len, &given))
        return false;
    read_decimal(printed, printed + spb_double_to_text(value, printed), &held);
    return given.count == held.count && given.exponent == held.exponent &&
           memcmp(given.digits, held.digits, (size_t)given.count) == 0;
}

/* Up to 2^53 every integer is a double. What is not the value of a double keeps to that. */
static cJSON *make_number(struct pb_to_tree *c, const char **at, const struct spb_row *row)
{
    static const double integer_max = 9007199254740992.0;
    const bool any = row != NULL && row->kind == SPB_KIND_DOUBLE;
    const char *const text = *at;
    double value = 0;

    *at = spb_json_number(&c->reader, text);
    if (*at == NULL || !spend_node(c, text, 0))
        return NULL;
    const size_t len = (size_t)(*at - text);
    if (!spb_double_from_text(text, len, &value) || !is_exact(text, len, value) ||
        (!any && fabs(value) > integer_max)) {
        spb_json_fail(&c->reader, SPB_NOT_REPRESENTABLE, text,
                      "cJSON cannot hold this number: a double has not its digits");
        return NULL;
    }
    cJSON *const node = cJSON_CreateNumber(value);
    return node != NULL ? node : fail_memory(c, text);
}

/* ------------------------------------------------------------------ strings */

/* Reads a string to a NUL-terminated copy, valid until the next. `*at` is at its opening quote. */
static const char *read_string(struct pb_to_tree *c, const char **at, size_t *len)
{
    const char *const begin = *at;
    struct spb_out out;

    c->scratch->len = 0;
    spb_out_begin(&out, c->scratch);
    if (!spb_out_room(&out, (size_t)(c->reader.end - begin) + SPB_PADDING)) {
        fail_memory(c, begin);
        return NULL;
    }
    *at = spb_json_string(&c->reader, begin + 1, &out.at);
    if (*at == NULL)
        return NULL;
    *len = spb_out_offset(&out);
    *out.at = '\0';
    if (strlen((const char *)c->scratch->data) == *len)
        return (const char *)c->scratch->data;
    spb_json_fail(&c->reader, SPB_NOT_REPRESENTABLE, begin,
                  "cJSON cannot hold the NUL in this string");
    return NULL;
}

static cJSON *make_string(struct pb_to_tree *c, const char **at)
{
    const char *const begin = *at;
    size_t len;
    const char *const text = read_string(c, at, &len);

    if (text == NULL || !spend_node(c, begin, len + 1))
        return NULL;
    cJSON *const node = cJSON_CreateString(text);
    return node != NULL ? node : fail_memory(c, begin);
}

/* ------------------------------------------------------------------ containers */

/* The row of a member's value; NULL for what is additional, and inside of it. */
static const struct spb_row *member_row(const struct spb_row *row, const char *name, size_t len)
{
    if (row == NULL || row->table == NULL)
        return NULL;
    if (row->kind == SPB_KIND_MAP)
        return &row->table->rows[SPB_ENTRY_VALUE - 1];
    return spb_table_find_name(row->table, name, len);
}

static bool add_member(struct pb_to_tree *c, cJSON *object, const char **at,
                       const struct spb_row *row)
{
    const char *const begin = *at;
    size_t len;
    const char *const name = read_string(c, at, &len);

    if (name == NULL || !spend(c, begin, 0, len + 1))
        return false;
    row = member_row(row, name, len);
    char *const copy = cJSON_malloc(len + 1); /* the scratch is the value's next */
    if (copy == NULL)
        return fail_memory(c, begin) != NULL;
    memcpy(copy, name, len + 1);
    *at += 1; /* the colon */
    cJSON *const value = make_value(c, at, row);
    if (value == NULL) {
        cJSON_free(copy);
        return false;
    }
    value->string = copy; /* now owned by value */
    cJSON_AddItemToArray(object, value);
    return true;
}

static bool add_element(struct pb_to_tree *c, cJSON *array, const char **at,
                        const struct spb_row *row)
{
    cJSON *const item = make_value(c, at, row);

    if (item != NULL)
        cJSON_AddItemToArray(array, item);
    return item != NULL;
}

static cJSON *make_container(struct pb_to_tree *c, const char **at, const struct spb_row *row)
{
    const bool object = **at == '{';

    if (!spend_node(c, *at, 0))
        return NULL;
    cJSON *const node = object ? cJSON_CreateObject() : cJSON_CreateArray();
    bool fine = node != NULL || fail_memory(c, *at) != NULL;
    *at += 1;
    while (fine && **at != '}' && **at != ']') {
        fine = object ? add_member(c, node, at, row) : add_element(c, node, at, row);
        *at += fine && **at == ',';
    }
    if (!fine) {
        cJSON_Delete(node);
        return NULL;
    }
    *at += 1;
    return node;
}

static cJSON *make_literal(struct pb_to_tree *c, const char **at, cJSON *node, const char *literal)
{
    *at += strlen(literal);
    if (node == NULL)
        return fail_memory(c, *at);
    if (spend_node(c, *at, 0))
        return node;
    cJSON_Delete(node);
    return NULL;
}

/* Recursion is bounded: the text has passed the text door's limits. */
static cJSON *make_value(struct pb_to_tree *c, const char **at, const struct spb_row *row)
{
    switch (**at) {
    case '{':
    case '[':
        return make_container(c, at, row);
    case '"':
        return make_string(c, at);
    case 't':
        return make_literal(c, at, cJSON_CreateTrue(), "true");
    case 'f':
        return make_literal(c, at, cJSON_CreateFalse(), "false");
    case 'n':
        return make_literal(c, at, cJSON_CreateNull(), "null");
    default:
        return make_number(c, at, row);
    }
}

/* See sessionpb/tree.h. */
enum spb_status spb_pb_to_tree(spb_converter *converter, const void *pb, size_t len,
                               struct cJSON **tree_out, struct spb_error *error)
{
    const struct spb_limits *const limits = &converter->options.limits;
    const struct spb_row session = { .kind = SPB_KIND_MESSAGE,
                                     .table = converter->schema->session };
    struct pb_to_tree c = { .scratch = &converter->text,
                            .memory_left = limits->memory_max,
                            .items_left = limits->items_max };
    struct spb_bytes *const json = &converter->json;

    json->len = 0;
    const enum spb_status status = spb_pb_to_json(converter, pb, len, json, error);
    if (status != SPB_OK)
        return status;
    if (!spb_bytes_pad(json))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    const char *at = (const char *)json->data;
    c.reader = (struct spb_json_reader){ .begin = at, .end = at + json->len };
    cJSON *const tree = make_value(&c, &at, &session);
    if (tree != NULL) {
        *tree_out = tree;
    } else if (error != NULL) {
        *error = c.reader.error;
        spb_json_locate((const char *)json->data, json->len, error);
        spb_error_unplace(error);
    }
    return c.reader.error.status;
}
