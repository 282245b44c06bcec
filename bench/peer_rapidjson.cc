// RapidJSON's SAX reader, which checks UTF-8 as ours does.
#include "peer.h"

#if defined(__SSE2__)
#define RAPIDJSON_SSE2 1
#endif
#include <rapidjson/reader.h>

namespace
{

struct handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, handler> {
    peer_visit seen = {};

    bool Default()
    {
        seen.values++;
        return true;
    }
    bool number(double value)
    {
        seen.numbers += value;
        return Default();
    }
    bool Int(int value)
    {
        return number(value);
    }
    bool Uint(unsigned value)
    {
        return number(value);
    }
    bool Int64(int64_t value)
    {
        return number(static_cast<double>(value));
    }
    bool Uint64(uint64_t value)
    {
        return number(static_cast<double>(value));
    }
    bool Double(double value)
    {
        return number(value);
    }
    bool String(const char *, rapidjson::SizeType len, bool)
    {
        seen.strings += len;
        return Default();
    }
    bool Key(const char *, rapidjson::SizeType, bool)
    {
        return true;
    }
    bool EndObject(rapidjson::SizeType)
    {
        return true;
    }
    bool EndArray(rapidjson::SizeType)
    {
        return true;
    }
};

} // namespace

bool peer_rapidjson_visit(const char *json, size_t, peer_visit *seen)
{
    static rapidjson::Reader reader;
    rapidjson::StringStream text(json); // zeros follow, which end it
    handler visitor;

    if (reader.Parse<rapidjson::kParseValidateEncodingFlag>(text, visitor).IsError())
        return false;
    seen->values += visitor.seen.values;
    seen->strings += visitor.seen.strings;
    seen->numbers += visitor.seen.numbers;
    return true;
}
