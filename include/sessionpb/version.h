/*
 * The version of sessionpb, written here and nowhere else: the build reads the three numbers.
 * Semantic versioning: what was linked with one MINOR works with every later one of its MAJOR.
 */
#ifndef SESSIONPB_VERSION_H
#define SESSIONPB_VERSION_H

/* The first number. */
#define SPB_VERSION_MAJOR 1
/* The second. */
#define SPB_VERSION_MINOR 0
/* The third. */
#define SPB_VERSION_PATCH 0

/* "MAJOR.MINOR.PATCH" as a string literal. */
#define SPB_VERSION SPB_VERSION_TEXT_(SPB_VERSION_MAJOR, SPB_VERSION_MINOR, SPB_VERSION_PATCH)

/* Two steps, so that the numbers are expanded before they become text. */
#define SPB_VERSION_TEXT_(major, minor, patch)  SPB_VERSION_QUOTE_(major, minor, patch)
#define SPB_VERSION_QUOTE_(major, minor, patch) #major "." #minor "." #patch

#endif
