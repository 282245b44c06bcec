// Sessions from one form into another, by Google's C++ runtime: peer DESC FROM TO
// (DESC is not used: the schema is compiled in.) See CMakeLists.txt for the forms. With --version
// instead it says what it is.
#include <iostream>
#include <iterator>
#include <string>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <google/protobuf/util/json_util.h>

#include "journey/v1/session.pb.h"

using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::IstreamInputStream;
using google::protobuf::io::OstreamOutputStream;
using journey::v1::SessionListing;
namespace util = google::protobuf::util;

static bool ReadJson(SessionListing *listing)
{
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});

    return util::JsonStringToMessage(text, listing).ok();
}

static bool WriteJson(const SessionListing &listing, CodedOutputStream *output)
{
    std::string text;
    const bool is_printed = util::MessageToJsonString(listing, &text).ok();

    output->WriteString(text);
    return is_printed;
}

static bool Read(const std::string &framing, SessionListing *listing)
{
    if (framing == "list")
        return listing->ParseFromIstream(&std::cin);
    if (framing == "json")
        return ReadJson(listing);
    IstreamInputStream input(&std::cin);
    bool clean_eof = false;
    while (util::ParseDelimitedFromZeroCopyStream(listing->add_entities(), &input, &clean_eof))
        continue;
    listing->mutable_entities()->RemoveLast();
    return clean_eof;
}

static bool Write(const std::string &framing, const SessionListing &listing)
{
    OstreamOutputStream stream(&std::cout);
    CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    if (framing == "list")
        return listing.SerializeToCodedStream(&output);
    if (framing == "json")
        return WriteJson(listing, &output);
    for (const auto &session : listing.entities()) {
        output.WriteVarint32(static_cast<uint32_t>(session.ByteSizeLong()));
        if (!session.SerializeToCodedStream(&output))
            return false;
    }
    return true;
}

static int PrintVersion()
{
    std::cout << "C++ compiler " __VERSION__ << ", libprotobuf "
              << google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION) << "\n";
    return 0;
}

int main(int argc, char **argv)
{
    SessionListing listing;

    if (argc == 2 && std::string(argv[1]) == "--version")
        return PrintVersion();
    return argc == 4 && Read(argv[2], &listing) && Write(argv[3], listing) ? 0 : 1;
}
