// Reads a delimited stream of sessions with Google's C++ runtime, and prints a line for each: id,
// type, date of creation, number of events, names of additional members, with tabs between them.
#include <iostream>
#include <memory>
#include <string>

#include <cjson/cJSON.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <google/protobuf/util/time_util.h>

#include "journey/v1/session.pb.h"

namespace util = google::protobuf::util;

// Text of one JSON object, in order of names: what the platform sends and the schema lacks.
// (google::protobuf::Struct does not hold every number of JSON, and is not read at every depth.)
static std::string AdditionalNames(const std::string &text)
{
    const std::unique_ptr<cJSON, void (*)(cJSON *)> object(cJSON_Parse(text.c_str()), cJSON_Delete);
    const cJSON *member;
    std::string names;
    cJSON_ArrayForEach(member, object.get())
        names.append(member == object->child ? "" : ",").append(member->string);
    return names;
}

int main()
{
    google::protobuf::io::IstreamInputStream input(&std::cin);
    journey::v1::Session session;
    bool at_end = false; // between two messages, or before what is no length
    while (util::ParseDelimitedFromZeroCopyStream(&session, &input, &at_end)) {
        const auto &date = session.created_date();
        std::cout << session.id() << '\t' << session.type() << '\t'
                  << (session.has_created_date() ? util::TimeUtil::ToString(date) : "-") << '\t'
                  << (session.has_event_count() ? std::to_string(session.event_count()) : "-")
                  << '\t' << AdditionalNames(session.additional_properties()) << '\n';
        session.Clear(); // what is read next would be merged with it
    }
    const void *rest;
    int size;
    const bool good = at_end && !input.Next(&rest, &size) && std::cout.flush();
    if (!good)
        std::cerr << "sessions: the stream is torn, or no stream of sessions, or the output is full\n";
    return good ? 0 : 1;
}
