/*
 * Prints some members of a session from the struct that protobuf-c generates: walk FILE
 *
 * FILE is one session: JSON text where the name ends in ".json", else one bare protobuf message, as
 * `session2pb --framing=raw` writes it. The struct is read only until spb_session_free().
 */
#define _POSIX_C_SOURCE 200809L /* gmtime_r() */

#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PIECE = 64 << 10 };

static bool read_file(const char *path, struct spb_bytes *bytes)
{
    FILE *const file = fopen(path, "rb");
    size_t got = 0;

    if (file == NULL)
        return false;
    while (spb_bytes_reserve(bytes, PIECE) == SPB_OK &&
           (got = fread(bytes->data + bytes->len, 1, PIECE, file)) > 0)
        bytes->len += got;
    const bool whole = feof(file) && !ferror(file);
    fclose(file);
    return whole;
}

/* A string is absent when it is NULL. An empty one is there. */
static void print_text(const char *name, const char *text)
{
    if (text != NULL)
        printf("%s: %s\n", name, text);
}

/* Seconds and nanoseconds since 1970, in UTC. A message is absent when it is NULL. */
static void print_time(const char *name, const Google__Protobuf__Timestamp *timestamp)
{
    struct tm utc;
    char text[sizeof "2026-01-14T09:28:54"];

    if (timestamp == NULL)
        return;
    const time_t seconds = (time_t)timestamp->seconds;
    if (gmtime_r(&seconds, &utc) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%T", &utc) > 0)
        printf("%s: %s.%09dZ\n", name, text, timestamp->nanos);
}

/* A repeated field is an array and its length. So is a map, of entries, in order of their keys. */
static void print_many(const Journey__V1__Session *session)
{
    for (size_t i = 0; i < session->n_search_terms; i++)
        print_text("search term", session->search_terms[i]);
    for (size_t i = 0; i < session->n_outcome_achievements; i++)
        print_time("outcome achieved", session->outcome_achievements[i]->achieved_date);
    for (size_t i = 0; i < session->n_attributes; i++) {
        const Journey__V1__Session__AttributesEntry *const entry = session->attributes[i];
        const char *const value = entry->value == NULL ? NULL : entry->value->value;
        printf("attribute %s: %s\n", entry->key, value == NULL ? "(no value)" : value);
    }
}

static void print_session(const Journey__V1__Session *session)
{
    print_text("id", session->id);
    print_text("type", session->type);
    print_time("created", session->created_date);
    print_time("ended", session->ended_date);
    if (session->has_event_count) /* numbers and flags have a presence flag: 0 is not absent */
        printf("events: %d\n", session->event_count);
    if (session->has_authenticated)
        printf("authenticated: %s\n", session->authenticated ? "yes" : "no");
    if (session->last_page != NULL)
        print_text("last page", session->last_page->title);
    if (session->geolocation != NULL && session->geolocation->has_latitude)
        printf("latitude: %.6f\n", session->geolocation->latitude);
    print_many(session);
    /* What the platform sends and the schema does not define: the text of one JSON object. */
    print_text("additional members", session->additional_properties);
}

/* Gives the session as a struct, or NULL, and tells where and why. */
static Journey__V1__Session *read_session(spb_converter *converter, const char *path)
{
    const char *const dot = strrchr(path, '.');
    const bool is_json = dot != NULL && strcmp(dot, ".json") == 0;
    struct spb_bytes input = { 0 };
    struct spb_error error = { .reason = "cannot be read" };
    Journey__V1__Session *session = NULL;

    if (read_file(path, &input)) {
        if (is_json)
            spb_json_to_session(converter, (char *)input.data, input.len, &session, &error);
        else
            spb_pb_to_session(converter, input.data, input.len, &session, &error);
    }
    if (session == NULL)
        fprintf(stderr, "walk: %s: %s%s%s\n", path, error.path, error.path[0] == '\0' ? "" : ": ",
                error.reason);
    spb_bytes_release(&input); /* the struct has copies of what it needs */
    return session;
}

int main(int argc, char **argv)
{
    spb_converter *const converter = argc == 2 ? spb_converter_new(NULL) : NULL;

    if (converter == NULL) {
        fprintf(stderr, "walk: %s\n", argc == 2 ? "out of memory" : "usage: walk FILE");
        return 1;
    }
    Journey__V1__Session *const session = read_session(converter, argv[1]);
    if (session != NULL)
        print_session(session);
    const bool good = session != NULL && fflush(stdout) == 0;
    spb_session_free(session);
    spb_converter_free(converter);
    return good ? 0 : 1;
}
