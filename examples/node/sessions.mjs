// Reads a delimited stream of sessions with protobuf-es, and prints a line for each: id, type, date
// of creation, number of events, names of additional members, with tabs between them.
//
// Its argument is session.desc, which describes the messages: the build makes it in generated, the
// installation has it in share/sessionpb.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, isFieldSet, toJson } from "@bufbuild/protobuf";
import { sizeDelimitedDecodeStream } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";

const files = fromBinary(FileDescriptorSetSchema, readFileSync(process.argv[2]));
const Session = createFileRegistry(files).getMessage("journey.v1.Session");

// Of text like {"b":..,"a":..}: what the platform sends and the schema does not define. JavaScript
// puts names that are numbers first; here they stand in the order of their bytes.
function additionalNames(text) {
  const names = Object.keys(JSON.parse(text || "{}"));
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

for await (const session of sizeDelimitedDecodeStream(Session, process.stdin)) {
  const { id, type, createdDate, eventCount, additionalProperties } = session;
  const created = createdDate ? toJson(TimestampSchema, createdDate) : "-";
  const events = isFieldSet(session, Session.field.eventCount) ? eventCount : "-";
  const names = additionalNames(additionalProperties).join();
  console.log([id, type, created, events, names].join("\t"));
}
