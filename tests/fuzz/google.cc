// Google's parser beside ours. What we take, it takes, and both read the same from it; what it takes
// we take as well, or say which of our rules is broken that protobuf does not have.
#include <cstring>
#include <string>
#include <vector>

#include <google/protobuf/util/json_util.h>
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

// Takes the additional members out of a message and of those inside of it. Whether there were any.
bool DropAdditional(Message *message)
{
    std::vector<const FieldDescriptor *> fields;
    const auto *const reflection = message->GetReflection();
    bool dropped = false;

    reflection->ListFields(*message, &fields);
    for (const FieldDescriptor *field : fields) {
        if (field->number() == 1000) {
            reflection->ClearField(message, field);
            dropped = true;
        } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            continue;
        } else if (!field->is_repeated()) {
            dropped |= DropAdditional(reflection->MutableMessage(message, field));
        } else {
            for (int i = 0; i < reflection->FieldSize(*message, field); i++)
                dropped |= DropAdditional(reflection->MutableRepeatedMessage(message, field, i));
        }
    }
    return dropped;
}

bool Parse(const struct fuzz_input &input, Session *session)
{
    return session->ParseFromArray(input.at, static_cast<int>(input.len));
}

// What Google's own parser of JSON reads from our text. `known` has no fields but those of the schema.
void CheckText(const Session &known, const struct spb_bytes &json)
{
    google::protobuf::util::JsonParseOptions options;
    const std::string text(reinterpret_cast<const char *>(json.data), json.len);
    Session read;

    options.ignore_unknown_fields = true; // "$unknownFields" is ours
    fuzz_must(google::protobuf::util::JsonStringToMessage(text, &read, options).ok());
    fuzz_must(MessageDifferencer::Equals(known, read));
}

// The bytes that come back from JSON are the message that went in, and Google reads the same from the
// text. Additional members may have the names of fields that are not there, and then come back as these:
// all other fields come back as well.
void CheckMeaning(const Session &session, const struct spb_bytes &json)
{
    struct fuzz_result pb =
        fuzz_run_with(fuzz_json_to_pb, FUZZ_LENIENT, json.data, json.len);
    Session known = session;
    Session back;

    fuzz_must(pb.status == SPB_OK);
    fuzz_must(Parse({ pb.out.data, pb.out.len }, &back));
    known.DiscardUnknownFields(); // it finds them in maps as long as nobody has changed those
    if (DropAdditional(&known)) {
        MessageDifferencer differencer;
        differencer.set_scope(MessageDifferencer::PARTIAL);
        fuzz_must(differencer.Compare(known, back));
    } else {
        CheckText(known, json);
        fuzz_must(MessageDifferencer::Equals(session, back));
    }
    fuzz_release(&pb);
}

// What Google writes of the message says the same to us, in the fields of the schema.
void CheckWritten(const Session &session, const struct fuzz_input &input)
{
    const std::string written = session.SerializeAsString();
    const unsigned options = FUZZ_LENIENT | FUZZ_DROP;
    struct fuzz_result ours = fuzz_run_with(spb_pb_to_json, options, input.at, input.len);
    struct fuzz_result theirs =
        fuzz_run_with(spb_pb_to_json, options, written.data(), written.size());

    fuzz_must(ours.status == SPB_OK && fuzz_same_result(&ours, &theirs));
    fuzz_release(&ours);
    fuzz_release(&theirs);
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
    fuzz_must(parsed || json.status != SPB_OK);
    if (parsed && json.status == SPB_OK) {
        CheckMeaning(session, json.out);
        CheckWritten(session, input);
    } else if (parsed) { // an additional member is a text of JSON, with rules of its own
        fuzz_must(IsRuleOfOurs(json.error) || DropAdditional(&session));
    }
    fuzz_release(&json);
    return 0;
}
