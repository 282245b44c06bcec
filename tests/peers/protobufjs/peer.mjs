// Sessions from one form into another, by protobuf.js: peer.mjs DESC FROM TO
// See ../CMakeLists.txt for the forms. With --version instead it says what it is.
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor.js";
import protojson from "protobufjs/ext/protojson.js";

const [desc, from, to] = process.argv.slice(2);
if (desc === "--version") {
  const installed = new URL("node_modules/protobufjs/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(installed));
  console.log(`Node ${process.versions.node}, protobufjs ${version}`);
  process.exit();
}

// Unknown fields are dropped unless a program asks for them.
protobuf.Reader.discardUnknown = false;

const root = protobuf.Root.fromDescriptor(readFileSync(desc));
const Session = root.lookupType("journey.v1.Session");
const SessionListing = root.lookupType("journey.v1.SessionListing");

const read = {
  delimited(bytes) {
    const reader = protobuf.Reader.create(bytes);
    const sessions = [];
    while (reader.pos < reader.len) sessions.push(Session.decodeDelimited(reader));
    return sessions;
  },
  list: (bytes) => SessionListing.decode(bytes).entities,
  json: (bytes) => protojson.fromJsonString(SessionListing, bytes.toString()).entities,
};

const write = {
  delimited(sessions) {
    const writer = protobuf.Writer.create();
    for (const session of sessions) Session.encodeDelimited(session, writer);
    return writer.finish();
  },
  list: (entities) => SessionListing.encode({ entities }).finish(),
  json: (entities) =>
    protojson.toJsonString(SessionListing, SessionListing.create({ entities })),
};

process.stdout.write(write[to](read[from](readFileSync(0))));
