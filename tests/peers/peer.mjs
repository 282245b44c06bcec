// Sessions from one form into another, by protobuf-es: peer.mjs DESC FROM TO
// See CMakeLists.txt for the forms. With --version instead it says what it is.
import { readFileSync } from "node:fs";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const [desc, from, to] = process.argv.slice(2);
if (desc === "--version") {
  const installed = new URL("node_modules/@bufbuild/protobuf/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(installed));
  console.log(`Node ${process.versions.node}, @bufbuild/protobuf ${version}`);
  process.exit();
}
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(desc)));
const Session = registry.getMessage("journey.v1.Session");
const SessionListing = registry.getMessage("journey.v1.SessionListing");

const read = {
  delimited(bytes) {
    const reader = new BinaryReader(bytes);
    const sessions = [];
    while (reader.pos < reader.len) sessions.push(fromBinary(Session, reader.bytes()));
    return sessions;
  },
  list: (bytes) => fromBinary(SessionListing, bytes).entities,
  json: (bytes) => fromJsonString(SessionListing, bytes.toString()).entities,
};

const write = {
  delimited(sessions) {
    const writer = new BinaryWriter();
    for (const session of sessions) writer.bytes(toBinary(Session, session));
    return writer.finish();
  },
  list: (entities) => toBinary(SessionListing, create(SessionListing, { entities })),
  json: (entities) => toJsonString(SessionListing, create(SessionListing, { entities })),
};

process.stdout.write(write[to](read[from](readFileSync(0))));
