// simdjson's On-Demand API: a visit of each value, with strings unescaped and numbers parsed. Names
// are left as they stand in the text, which is what On-Demand does at best.
#include "peer.h"

#include <string>

#include <simdjson.h>

#define BENCH_TEXT_OF(x) #x
#define BENCH_TEXT(x)    BENCH_TEXT_OF(x)

using namespace simdjson;

namespace
{

void visit(ondemand::value value, peer_visit &seen);

void visit_object(ondemand::object object, peer_visit &seen)
{
    for (auto field : object)
        visit(field.value(), seen);
}

void visit_array(ondemand::array array, peer_visit &seen)
{
    for (auto element : array)
        visit(element.value(), seen);
}

void visit(ondemand::value value, peer_visit &seen)
{
    seen.values++;
    switch (value.type()) {
    case ondemand::json_type::object:
        visit_object(value.get_object(), seen);
        break;
    case ondemand::json_type::array:
        visit_array(value.get_array(), seen);
        break;
    case ondemand::json_type::string:
        seen.strings += std::string_view(value.get_string()).size();
        break;
    case ondemand::json_type::number: {
        const ondemand::number number = value.get_number();
        seen.numbers += number.as_double();
        break;
    }
    case ondemand::json_type::boolean:
        static_cast<void>(bool(value.get_bool()));
        break;
    case ondemand::json_type::null:
        if (!value.is_null())
            throw simdjson_error(INCORRECT_TYPE);
        break;
    }
}

} // namespace

bool peer_simdjson_visit(const char *json, size_t len, peer_visit *seen)
{
    static ondemand::parser parser;

    static_assert(PEER_PADDING >= SIMDJSON_PADDING, "simdjson reads that much behind a text");
    try {
        ondemand::document document = parser.iterate(json, len, len + PEER_PADDING);
        seen->values++; // the document itself
        visit_object(document.get_object(), *seen);
        return document.current_location().error() == OUT_OF_BOUNDS; // nothing is behind it
    } catch (const simdjson_error &) {
        return false;
    }
}

// builtin_implementation() would tell how the library was compiled, not this file.
const char *peer_simdjson_version(void)
{
    static const std::string version = "simdjson " BENCH_TEXT(SIMDJSON_VERSION) " On-Demand for " BENCH_TEXT(
        SIMDJSON_BUILTIN_IMPLEMENTATION) ", its index for " +
                                       get_active_implementation()->name();
    return version.c_str();
}
