/*
 * Threads with converters of their own share nothing: this program and the library in it are compiled
 * with -fsanitize=thread, which ends it with a status of its own at the first data race.
 *
 * cJSON's parser writes a global on every failure; nothing here may.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>
#include <sessionpb/tree.h>

enum { THREADS = 2, ROUNDS = 200 };

static const char good[] =
    "{\"type\":\"web\",\"id\":\"a\",\"eventCount\":1e0,\"searchTerms\":[\"\\u00e9\"],\"zz\":[1],"
    "\"attributes\":{\"b\":{\"dataType\":\"d\",\"value\":\"v\"},\"a\":{\"dataType\":\"d\","
    "\"value\":\"v\"}},\"geolocation\":{\"latitude\":0.1},\"createdDate\":\"2026-01-31T10:00:00Z\","
    "\"$unknownFields\":\"uD4B\"}";
static const char bad[] = "{\"id\":\"a\",\"zz\":[tru]}";

/* A call that has another outcome than it must; a thread's, so that it needs no lock. */
struct thread {
    pthread_t id;
    const char *fault;
};

static bool convert(spb_converter *converter, struct spb_bytes *pb, struct spb_bytes *json)
{
    struct spb_error error;

    pb->len = 0;
    json->len = 0;
    return spb_json_to_pb(converter, good, strlen(good), pb, &error) == SPB_OK &&
           spb_pb_to_json(converter, pb->data, pb->len, json, &error) == SPB_OK &&
           spb_json_to_pb(converter, bad, strlen(bad), pb, &error) == SPB_BAD_JSON &&
           spb_pb_to_json(converter, "\x07", 1, json, &error) == SPB_BAD_WIRE;
}

static bool use_doors(spb_converter *converter, const struct spb_bytes *pb)
{
    Journey__V1__Session *session = NULL;
    struct spb_bytes again = { 0 };
    cJSON *tree = NULL;
    const bool fine = spb_pb_to_session(converter, pb->data, pb->len, &session, NULL) == SPB_OK &&
                      spb_session_to_pb(converter, session, &again, NULL) == SPB_OK &&
                      spb_pb_to_tree(converter, pb->data, pb->len, &tree, NULL) == SPB_OK &&
                      spb_tree_to_pb(converter, tree, &again, NULL) == SPB_OK;

    spb_session_free(session);
    cJSON_Delete(tree);
    spb_bytes_release(&again);
    return fine;
}

static bool use_stream(spb_converter *converter, struct spb_bytes *pb)
{
    spb_documents *documents = spb_documents_new(converter);
    char *space;
    size_t room;
    bool fine = spb_documents_space(documents, &space, &room) == SPB_OK;

    if (fine) {
        memcpy(space, good, strlen(good));
        spb_documents_commit(documents, strlen(good));
        spb_documents_finish(documents);
        fine = spb_documents_next(documents, pb, NULL) == SPB_OK &&
               spb_documents_next(documents, pb, NULL) == SPB_END;
    }
    spb_documents_free(documents);
    return fine;
}

static void *run(void *argument)
{
    const struct spb_options options = { .size = sizeof options, .lenient = true };
    struct thread *const thread = argument;
    struct spb_bytes json = { 0 };
    struct spb_bytes pb = { 0 };

    for (size_t round = 0; round < ROUNDS && thread->fault == NULL; round++) {
        spb_converter *converter = spb_converter_new(&options);
        if (!convert(converter, &pb, &json))
            thread->fault = "text or bytes";
        else if (!use_doors(converter, &pb))
            thread->fault = "a struct or a tree";
        else if (!use_stream(converter, &pb))
            thread->fault = "a stream";
        spb_converter_free(converter);
    }
    spb_bytes_release(&json);
    spb_bytes_release(&pb);
    return NULL;
}

int main(void)
{
    struct thread threads[THREADS] = { { .fault = NULL } };
    int faults = 0;

    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
            return EXIT_FAILURE;
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        if (threads[i].fault != NULL)
            fprintf(stderr, "thread %zu: %s\n", i, threads[i].fault);
        faults += threads[i].fault != NULL;
    }
    return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
