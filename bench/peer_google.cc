// Google's C++ runtime: json_util on the generated class. One message and one string are used again
// and again, which is what its documentation advises.
#include "peer.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include "journey/v1/session.pb.h"

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using journey::v1::Session;

namespace
{

constexpr int additional_number = 1000;

bool store(const std::string &text, peer_bytes *bytes)
{
    if (bytes->capacity < text.size()) {
        void *const larger = std::realloc(bytes->data, text.size() * 2);
        if (larger == nullptr)
            return false;
        bytes->data = static_cast<uint8_t *>(larger);
        bytes->capacity = text.size() * 2;
    }
    std::memcpy(bytes->data, text.data(), text.size());
    bytes->len = text.size();
    return true;
}

google::protobuf::util::JsonParseOptions parse_options()
{
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true; // else it would refuse additional members
    return options;
}

bool parse(const char *json, size_t len, Session *session)
{
    static const auto options = parse_options();

    session->Clear();
    return google::protobuf::util::JsonStringToMessage(
               google::protobuf::StringPiece(json, len), session, options)
        .ok();
}

void clear_additional(Message *message)
{
    const auto *reflection = message->GetReflection();
    std::vector<const FieldDescriptor *> fields;

    reflection->ListFields(*message, &fields);
    for (const FieldDescriptor *field : fields) {
        if (field->number() == additional_number)
            reflection->ClearField(message, field);
        else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
            continue;
        else if (!field->is_repeated())
            clear_additional(reflection->MutableMessage(message, field));
        else
            for (int i = 0; i < reflection->FieldSize(*message, field); i++)
                clear_additional(reflection->MutableRepeatedMessage(message, field, i));
    }
}

} // namespace

bool peer_google_to_pb(const char *json, size_t len, peer_bytes *pb)
{
    static Session session;
    static std::string text;

    return parse(json, len, &session) && session.SerializeToString(&text) && store(text, pb);
}

bool peer_google_to_json(const uint8_t *pb, size_t len, peer_bytes *json)
{
    static Session session;
    static std::string text;

    text.clear();
    return session.ParseFromArray(pb, static_cast<int>(len)) &&
           google::protobuf::util::MessageToJsonString(session, &text).ok() && store(text, json);
}

bool peer_google_same(const uint8_t *theirs, size_t their_len, const uint8_t *ours, size_t our_len)
{
    Session a, b;

    if (!a.ParseFromArray(theirs, static_cast<int>(their_len)) ||
        !b.ParseFromArray(ours, static_cast<int>(our_len)))
        return false;
    clear_additional(&b);
    return MessageDifferencer::Equals(a, b);
}

bool peer_google_same_text(const char *text, size_t text_len, const uint8_t *ours, size_t our_len)
{
    Session a, b;

    return parse(text, text_len, &a) && b.ParseFromArray(ours, static_cast<int>(our_len)) &&
           MessageDifferencer::Equals(a, b);
}

const char *peer_google_version(void)
{
    static const std::string version =
        "Google C++ " + google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
    return version.c_str();
}
