#ifndef SESSIONPB_SESSIONPB_H
#define SESSIONPB_SESSIONPB_H

/*
 * sessionpb: Genesys Cloud journey sessions between JSON text and protobuf bytes, without loss.
 *
 * Conventions of all headers
 *
 * Status      A function that can fail returns enum spb_status. Outputs are written on success
 *             only ("untouched on failure"), struct spb_error on failure only.
 * Ownership   `T **x_out` or the return value of a function named `new`: the caller owns it and
 *             releases it with the function that is named. `const T *`: borrowed. `struct spb_bytes`:
 *             the caller's, results are appended, the memory is reused when `len` is set back.
 *             Functions named `free` take NULL.
 * Lengths     `len` counts bytes and excludes a trailing NUL, `count` counts items.
 * Text        UTF-8 in and out, without a byte order mark (a stream of documents may begin with one).
 * Threads     A converter or stream serves one thread at a time; different ones are independent.
 *             There is no global state.
 * Printing    Nothing is printed, and the process is never ended.
 * Stability   For a version of the schema, one session has one sequence of protobuf bytes and one
 *             canonical text. Bytes may be hashed, compared and used to find repeats. (Protobuf
 *             itself does not promise that; other writers' bytes become canonical by converting
 *             them to JSON and back.)
 *
 * sessionpb/session.h (the struct that protobuf-c generates) and sessionpb/tree.h (cJSON) are
 * included on their own, by those who use them.
 */

#include <sessionpb/archive.h>
#include <sessionpb/bytes.h>
#include <sessionpb/convert.h>
#include <sessionpb/documents.h>
#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>
#include <sessionpb/socket.h>
#include <sessionpb/status.h>
#include <sessionpb/version.h>

#endif
