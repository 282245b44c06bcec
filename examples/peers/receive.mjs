// Takes sessions, prints each as a line of JSON, and confirms them. PORT is TCP on this machine.
//
//     npm install
//     node receive.mjs session.desc PATH|PORT
import { createServer } from "node:net";
import { create, toJsonString } from "@bufbuild/protobuf";
import { sizeDelimitedDecodeStream, sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import { Receipt, Session } from "./journey.mjs";

createServer({ allowHalfOpen: true }, async (peer) => {
  const receipt = create(Receipt, { sessions: 0n });
  const stream = peer.iterator({ destroyOnReturn: false }); // it is still to be written to
  for await (const session of sizeDelimitedDecodeStream(Session, stream)) {
    if (session.id) {
      console.log(toJsonString(Session, session));
      receipt.sessions++;
    } else peer.write(sizeDelimitedEncode(Receipt, receipt)); // no session: it asks for a receipt
  }
  peer.end(sizeDelimitedEncode(Receipt, receipt));
}).listen(process.argv[3], "127.0.0.1");
