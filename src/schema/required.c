/*
 * The Required column of the definitions, which no protobuf descriptor can carry: `required` is
 * never used in the schema, because older payloads and the notification form lack such members.
 */
#include "schema/required.h"

#include <string.h>

enum { REQUIRED_MAX = 8 };

static const struct {
    const char *definition;
    const char *members[REQUIRED_MAX];
} required[] = {
    { "Session", { "id", "type", "eventCount", "lastEvent", "authenticated", "createdDate" } },
    { "OutcomeAchievement", { "outcome", "achievedDate" } },
    { "SessionSegmentAssignment", { "segment", "assignedDate" } },
    { "CustomEventAttribute", { "dataType", "value" } },
    { "CustomEventAttributeList", { "dataType", "values" } },
    { "Browser",
      { "family", "version", "featuresFlash", "featuresJava", "featuresPdf", "featuresWebrtc" } },
    { "Device", { "category", "type", "isMobile", "osFamily", "osVersion" } },
    { "JourneyPage", { "url", "domain", "hostname", "pathname", "breadcrumb" } },
    { "Referrer", { "url", "domain", "hostname", "pathname", "medium" } },
    { "JourneyApp", { "name", "namespace", "version", "buildNumber" } },
    { "SdkLibrary", { "name", "version" } },
    { "NetworkConnectivity", { "bluetoothEnabled", "cellularEnabled", "wifiEnabled" } },
    { "SessionLastEvent", { "id", "eventName", "createdDate" } },
    { "ConversationUserDisposition", { "code", "user" } },
    { "ConversationChannel", { "type" } },
    { "AchievedOutcome", { "id" } },
    { "AssignedSegment", { "id" } },
};

bool spb_required(const char *definition, const char *member)
{
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (strcmp(required[i].definition, definition) != 0)
            continue;
        for (size_t j = 0; j < REQUIRED_MAX && required[i].members[j] != NULL; j++) {
            if (strcmp(required[i].members[j], member) == 0)
                return true;
        }
    }
    return false;
}
