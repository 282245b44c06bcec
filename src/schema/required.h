#ifndef SPB_SCHEMA_REQUIRED_H
#define SPB_SCHEMA_REQUIRED_H

#include <stdbool.h>

/* Whether the definition's page calls this member required. Both names are the definition's. */
bool spb_required(const char *definition, const char *member);

#endif
