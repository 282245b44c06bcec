// The messages. The first argument is generated/session.desc of the build, which describes them.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const files = fromBinary(FileDescriptorSetSchema, readFileSync(process.argv[2]));
const registry = createFileRegistry(files);

export const Session = registry.getMessage("journey.v1.Session");
export const Receipt = registry.getMessage("journey.v1.Receipt");
