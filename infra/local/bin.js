#!/usr/bin/env node
// Starts the command line: from the sources beside this file where they are, so that no stale build hides them, or else,
// as in the published package, from what was built. Plain JavaScript that old versions of Node can read, so that they
// too say plainly what is missing.
import { existsSync } from "node:fs";

const NEEDED_MAJOR = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `auditlog: Node ${NEEDED_MAJOR} or later is needed; this is ${process.version} (${process.execPath})\n`,
  );
  process.exitCode = 1;
} else {
  const source = new URL("auditlog.ts", import.meta.url);
  import(existsSync(source) ? source.href : new URL("../../dist/auditlog.js", import.meta.url).href);
}
