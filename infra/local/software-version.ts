/** The version of this software, as its package states it. */
import { existsSync, readFileSync } from "node:fs";
import * as z from "zod";

const Manifest = z.object({ version: z.string() });

/** From the sources and from the bundles in dist/ the manifest lies in one of the folders above. */
export const SOFTWARE_VERSION = readVersion(new URL("./", import.meta.url));

function readVersion(folder: URL): string {
  const path = new URL("package.json", folder);
  if (existsSync(path)) return Manifest.parse(JSON.parse(readFileSync(path, "utf8"))).version;
  const parent = new URL("../", folder);
  return parent.href === folder.href ? "unknown" : readVersion(parent);
}
