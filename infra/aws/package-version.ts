/** The version of the software, as package.json says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { PROJECT_ROOT } from "#infra/aws/bundle.ts";

const Manifest = z.object({ version: z.string() });

export function readVersion(): string {
  return Manifest.parse(JSON.parse(readFileSync(join(PROJECT_ROOT, "package.json"), "utf8"))).version;
}
