/*
 * Whatever allocation fails, a call says so, leaves everything of its caller's as it was, loses no
 * memory, and can be made again with the right result, where its header does not say that it cannot.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>

#include "allocations.h"
#include "bridge/converter.h"
#include "net_support.h"
#include "support.h"

enum { SKIPPED = 77, NOTED_MAX = 1 << 16 };

static const char before[] = "before";

/* ---- what entries share ---- */

void note(struct scene *scene, const void *data, size_t len)
{
    if (len > scene->noted.capacity - scene->noted.len)
        abort();
    if (len > 0)
        memcpy(scene->noted.data + scene->noted.len, data, len);
    scene->noted.len += len;
}

void note_out(struct scene *scene)
{
    note(scene, scene->out.data + OUT_BEFORE, scene->out.len - OUT_BEFORE);
    scene->out.len = OUT_BEFORE;
}

enum spb_status once(enum spb_status status)
{
    return status == SPB_OK ? SPB_END : status;
}

struct spb_bytes next_piece(const struct scene *scene)
{
    const struct spb_bytes *const input = scene->entry->input;
    const size_t left = input->len - scene->at;
    const size_t piece = scene->entry->piece;

    return (struct spb_bytes){ .data = input->data + scene->at,
                               .len = piece == 0 || piece > left ? left : piece };
}

/* ---- one entry, with one fault ---- */

static void open_scene(struct scene *scene, const struct entry *entry)
{
    *scene = (struct scene){ .entry = entry, .fds = { -1, -1 } };
    ck_assert_int_eq(spb_bytes_reserve(&scene->noted, NOTED_MAX), SPB_OK);
    scene->out.data = malloc(OUT_BEFORE); /* full, so that it has to grow */
    ck_assert_ptr_nonnull(scene->out.data);
    scene->out.len = scene->out.capacity = OUT_BEFORE;
    memcpy(scene->out.data, before, OUT_BEFORE);
    entry->open(scene);
}

static void close_scene(struct scene *scene)
{
    scene->entry->close(scene);
    spb_bytes_release(&scene->out);
    spb_bytes_release(&scene->noted);
}

static void assert_failed_well(const struct scene *scene, const struct scene *was,
                               enum spb_status status)
{
    const char *const name = scene->entry->name;

    ck_assert_msg(status == SPB_NO_MEMORY || (status == SPB_IO && scene->entry->system_fails),
                  "%s: %s", name, spb_status_name(status));
    if (!scene->entry->says_nothing) {
        ck_assert_msg(scene->error.status == status, "%s: the error says %s", name,
                      spb_status_name(scene->error.status));
        ck_assert_msg(scene->error.reason[0] != '\0', "%s: no reason", name);
    }
    ck_assert_msg(scene->out.len == was->out.len &&
                      memcmp(scene->out.data, before, OUT_BEFORE) == 0,
                  "%s: its output is touched", name);
    ck_assert_msg(scene->noted.len == was->noted.len && scene->session == was->session &&
                      scene->tree == was->tree && scene->listener == was->listener &&
                      memcmp(scene->fds, was->fds, sizeof was->fds) == 0,
                  "%s: its outputs are touched", name);
}

/* Steps to the end. Nothing here may allocate, but the steps. Returns how many failures there were. */
static size_t step_through(struct scene *scene, enum spb_status *status_out)
{
    size_t failures = 0;

    for (;;) {
        const struct scene was = *scene;

        scene->error = (struct spb_error){ .status = SPB_OK };
        *status_out = scene->entry->step(scene);
        if (*status_out == SPB_END)
            return failures;
        if (*status_out == SPB_OK)
            continue;
        if (!has_failed())
            ck_abort_msg("%s: %s: %s", scene->entry->name, spb_status_name(*status_out),
                         scene->error.reason);
        fail_allocation(0, false); /* the memory is back */
        assert_failed_well(scene, &was, *status_out);
        failures++;
        if (scene->entry->after == ENDS) {
            const enum spb_status again = scene->entry->step(scene);
            ck_assert_msg(again == *status_out, "%s: then %s", scene->entry->name,
                          spb_status_name(again));
            return failures;
        }
    }
}

static void assert_noted(const struct scene *scene, const struct spb_bytes *expected, size_t number)
{
    ck_assert_msg(scene->noted.len == expected->len &&
                      memcmp(scene->noted.data, expected->data, expected->len) == 0,
                  "%s, %zu: another result", scene->entry->name, number);
}

/* Whether there was an allocation of that number to fail. */
static bool run_with_fault(const struct entry *entry, size_t number, bool on,
                           const struct spb_bytes *expected)
{
    const size_t live = live_allocations();
    enum spb_status status;
    struct scene scene;

    open_scene(&scene, entry);
    fail_allocation(number, on);
    const size_t failures = step_through(&scene, &status);
    const bool reached = has_failed() || failures > 0;
    fail_allocation(0, false);
    if (failures == 0 || entry->after == GOES_ON)
        assert_noted(&scene, expected, number);
    close_scene(&scene);
    ck_assert_msg(live_allocations() == live, "%s, allocation %zu: %zd are lost", entry->name,
                  number, (ssize_t)(live_allocations() - live));
    return reached;
}

/* ---- all of them ---- */

/* What the entry notes when nothing fails. */
static struct spb_bytes undisturbed(const struct entry *entry)
{
    struct spb_bytes expected = { 0 };
    enum spb_status status;
    struct scene scene;

    open_scene(&scene, entry);
    fail_allocation(0, false);
    ck_assert_uint_eq(step_through(&scene, &status), 0);
    ck_assert_int_eq(spb_bytes_append(&expected, scene.noted.data, scene.noted.len), SPB_OK);
    close_scene(&scene);
    return expected;
}

static void assert_survives(const struct entry *entry)
{
    struct spb_bytes expected = undisturbed(entry);

    for (int on = 0; on < 2; on++) {
        size_t number = 1;

        while (run_with_fault(entry, number, on != 0, &expected))
            number++;
        ck_assert_msg((number == 1) == entry->no_allocation, "%s: %zu allocations", entry->name,
                      number - 1);
    }
    spb_bytes_release(&expected);
}

START_TEST(every_failed_allocation_of_a_conversion)
{
    assert_survives(&conversions[_i]);
}
END_TEST

START_TEST(every_failed_allocation_of_a_stream)
{
    assert_survives(&streams[_i]);
}
END_TEST

START_TEST(every_failed_allocation_of_an_archive)
{
    assert_survives(&archives[_i]);
}
END_TEST

START_TEST(every_failed_allocation_of_a_socket)
{
    assert_survives(&sockets[_i]);
}
END_TEST

/* ---- memory that grows ---- */

/* What a conversion writes into, or piles up in. Its memory is of bytes, or of so many for an item. */
struct pile {
    size_t offset; /* in a converter: of struct spb_bytes or struct spb_spans */
    size_t item_size;
};

#define BYTES(member)                             \
    {                                             \
        offsetof(struct spb_converter, member), 1 \
    }
#define SPANS(member)                                                       \
    {                                                                       \
        offsetof(struct spb_converter, member), 2 * sizeof(struct spb_span) \
    }

static const struct pile piles[] = {
    BYTES(input),
    BYTES(normal),
    BYTES(text),
    BYTES(unknown),
    BYTES(packed),
    BYTES(pb),
    BYTES(json),
    BYTES(additional.text),
    SPANS(additional.members),
    SPANS(entries),
    SPANS(normaliser.spans),
    BYTES(normaliser.sorted),
    BYTES(normaliser.merged[0]),
    BYTES(normaliser.merged[1]),
    BYTES(normaliser.merged[2]),
    BYTES(normaliser.merged[3]), /* a session's messages nest no deeper */
};

enum { OUT = COUNT_OF(piles), ROOMY = 1 << 14 };

static void *room_for(size_t count, size_t item_size)
{
    void *const memory = count > 0 ? malloc(count * item_size) : NULL;

    ck_assert(count == 0 || memory != NULL);
    return memory;
}

/* Room for so many in one of them, and for all that comes in the others. */
static void set_rooms(struct scene *scene, size_t tight, size_t room)
{
    for (size_t i = 0; i < OUT && scene->converter != NULL; i++) {
        char *const at = (char *)scene->converter + piles[i].offset;
        const size_t item_size = piles[i].item_size;
        const size_t capacity = i == tight ? room : ROOMY / item_size;

        if (item_size == 1) {
            spb_bytes_release((struct spb_bytes *)(void *)at);
            *(struct spb_bytes *)(void *)at =
                (struct spb_bytes){ room_for(capacity, 1), 0, capacity };
        } else {
            spb_spans_release((struct spb_spans *)(void *)at);
            *(struct spb_spans *)(void *)at =
                (struct spb_spans){ room_for(capacity, item_size), 0, capacity };
        }
    }
    spb_bytes_release(&scene->out);
    scene->out.capacity = OUT_BEFORE + (tight == OUT ? room : ROOMY);
    scene->out.data = room_for(scene->out.capacity, 1);
    scene->out.len = OUT_BEFORE;
    memcpy(scene->out.data, before, OUT_BEFORE);
}

/* Whether that one had to grow, which fails once. The scene is as it was opened again. */
static bool run_with_room(struct scene *scene, size_t tight, size_t room,
                          const struct spb_bytes *expected)
{
    const struct scene opened = *scene;
    enum spb_status status;

    set_rooms(scene, tight, room);
    fail_growth();
    const bool grew = step_through(scene, &status) > 0;
    fail_allocation(0, false);
    assert_noted(scene, expected, room);
    scene->noted.len = 0;
    if (scene->session != opened.session)
        spb_session_free(scene->session);
    if (scene->tree != opened.tree)
        cJSON_Delete(scene->tree);
    scene->session = opened.session;
    scene->tree = opened.tree;
    return grew;
}

/* Wherever a buffer is when there is no more room in it. */
START_TEST(every_failed_growth_of_a_conversion)
{
    const struct entry *const entry = &growths[_i];
    const size_t live = live_allocations();
    struct spb_bytes expected = undisturbed(entry);
    struct scene scene;

    for (size_t tight = 0; tight <= OUT; tight++) {
        size_t room = 0;

        open_scene(&scene, entry);
        while (run_with_room(&scene, tight, room, &expected))
            ck_assert_uint_lt(room++, ROOMY);
        close_scene(&scene);
    }
    spb_bytes_release(&expected);
    ck_assert_uint_eq(live_allocations(), live);
}
END_TEST

int main(void)
{
    if (!can_fail_allocations()) {
        puts("skipped: a sanitizer or memcheck has its own allocator");
        return SKIPPED;
    }
    Suite *suite = suite_create("failing allocations");
    TCase *tcase = net_tcase("memory");

    tcase_add_unchecked_fixture(tcase, make_inputs, release_inputs);
    tcase_add_loop_test(tcase, every_failed_allocation_of_a_conversion, 0, (int)conversion_count);
    tcase_add_loop_test(tcase, every_failed_allocation_of_a_stream, 0, (int)stream_count);
    tcase_add_loop_test(tcase, every_failed_allocation_of_an_archive, 0, (int)archive_count);
    tcase_add_loop_test(tcase, every_failed_allocation_of_a_socket, 0, (int)socket_count);
    tcase_add_loop_test(tcase, every_failed_growth_of_a_conversion, 0, (int)growth_count);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
