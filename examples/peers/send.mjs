// Sends sessions, a line of JSON each, and waits for the receipt. PORT is TCP on this machine.
//
//     npm install
//     node send.mjs session.desc PATH|PORT < ../sessions/sessions.ndjson
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fromJsonString } from "@bufbuild/protobuf";
import { sizeDelimitedDecodeStream, sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import { Receipt, Session } from "./journey.mjs";

const lines = Readable.from(createInterface({ input: process.stdin }));
const messages = lines.map((line) => sizeDelimitedEncode(Session, fromJsonString(Session, line)));
const peer = messages.pipe(connect(process.argv[3]));
process.exitCode = 1; // a connection that ends without a receipt has confirmed nothing
for await (const { sessions, reason } of sizeDelimitedDecodeStream(Receipt, peer)) {
  console.log(`${sessions} sessions confirmed ${reason}`);
  process.exitCode = reason ? 1 : 0;
}
