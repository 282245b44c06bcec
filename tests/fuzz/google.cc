// Google's parser beside ours. What we take, it takes, and both read the same from it; what it takes
// we take as well, or say which of our rules is broken that protobuf does not have.
#include <cstring>
#include <vector>

#include <google/protobuf/util/message_differencer.h>

#include "fuzz.h"
#include "journey/v1/session.pb.h"

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using journey::v1::Session;

namespace {

// Rules of sessions, not of protobuf: UTF-8, ranges of dates, what JSON has no text for, how deep
// groups may nest. (Members that are missing are accepted here: the converter is lenient.) And Google's
// parser cuts a tag to 32 bits and a varint to 64, where ours says that they are too long.
bool IsRuleOfOurs(const struct spb_error &error)
{
    switch (error.status) {
    case SPB_BAD_UNICODE:
    case SPB_OUT_OF_RANGE:
    case SPB_NOT_REPRESENTABLE:
    case SPB_TOO_DEEP:
        return true;
    case SPB_BAD_WIRE:
        return std::strstr(error.reason, "is not a field number") != nullptr ||
               std::strstr(error.reason, "a varint of more than 64 bits") != nullptr;
    default:
        return false;
    }
}

// Whether a message, or one inside of it, has additional members.
bool HasAdditional(const Message &message)
{
    std::vector<const FieldDescriptor *> fields;
    const auto *const reflection = message.GetReflection();

    reflection->ListFields(message, &fields);
    for (const FieldDescriptor *field : fields) {
        if (field->number() == 1000)
            return true;
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
            continue;
        if (!field->is_repeated() && HasAdditional(reflection->GetMessage(message, field)))
            return true;
        for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); i++)
            if (HasAdditional(reflection->GetRepeatedMessage(message, field, i)))
                return true;
    }
    return false;
}

bool Parse(const struct fuzz_input &input, Session *session)
{
    return session->ParseFromArray(input.at, static_cast<int>(input.len));
}

// The bytes that come back from JSON are the message that went in.
void CheckMeaning(const Session &session, const struct spb_bytes &json)
{
    struct fuzz_result pb =
        fuzz_run_with(fuzz_json_to_pb, FUZZ_LENIENT, json.data, json.len);
    Session back;

    fuzz_must(pb.status == SPB_OK);
    fuzz_must(Parse({ pb.out.data, pb.out.len }, &back));
    fuzz_must(MessageDifferencer::Equals(session, back));
    fuzz_release(&pb);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fuzz_input input = { data, size };
    static const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);
    struct fuzz_result json = fuzz_run_with(spb_pb_to_json, FUZZ_LENIENT, data, size);
    Session session;
    const bool parsed = Parse(input, &session);

    fuzz_must(quiet);
    // An additional member is a text of JSON, with rules of its own.
    fuzz_must(parsed || json.status != SPB_OK);
    if (parsed && json.status == SPB_OK && !HasAdditional(session))
        CheckMeaning(session, json.out);
    else if (parsed && json.status != SPB_OK)
        fuzz_must(IsRuleOfOurs(json.error) || HasAdditional(session));
    fuzz_release(&json);
    return 0;
}
