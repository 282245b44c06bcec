#include <sessionpb/sessionpb.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    const char *json =
        "{\"id\":\"a\",\"type\":\"web\",\"eventCount\":1,\"lastEvent\":{\"id\":\"e\","
        "\"eventName\":\"page_viewed\",\"createdDate\":\"2026-01-31T10:00:00+01:00\"},"
        "\"authenticated\":false,\"createdDate\":\"2026-01-31T09:00:00Z\"}";
    spb_converter *converter = spb_converter_new(NULL);
    struct spb_bytes pb = { 0 }, back = { 0 };
    struct spb_error error;

    if (converter == NULL || spb_json_to_pb(converter, json, strlen(json), &pb, &error) != SPB_OK ||
        spb_pb_to_json(converter, pb.data, pb.len, &back, &error) != SPB_OK)
        return 1; /* error.path and error.reason tell where and why */
    printf("%zu bytes of protobuf\n%s\n", pb.len, (const char *)back.data);
    spb_bytes_release(&pb), spb_bytes_release(&back), spb_converter_free(converter);
}
