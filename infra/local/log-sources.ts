/** Opens a log for who verifies it: a folder, the address of a service, or a bucket. The AWS SDK is loaded for a bucket alone. */
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { LogAccess, OpenedLog } from "#cli/log-access.ts";
import { readConfig } from "#functions/config.ts";
import { readCliConfig } from "#infra/local/config.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { createFolderSource } from "#verify/folder-source.ts";
import { createHttpSource } from "#verify/http-source.ts";

export const logAccess: LogAccess = {
  placeOf: (given, { url, file }) => {
    const { url: configuredUrl } = readCliConfig();
    const configured = file === undefined ? configuredUrl : undefined;
    return given ?? url ?? configured ?? file ?? readConfig().filePath;
  },
  open,
  stateFolder: () => {
    const { stateHome } = readCliConfig();
    return join(stateHome ?? join(homedir(), ".local", "state"), "auditlog");
  },
};

async function open(place: string): Promise<OpenedLog> {
  const bucket = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(place);
  if (bucket !== null) {
    const { createBucketSource } = await import("#infra/local/bucket-source.ts");
    return { source: createBucketSource(bucket[1] ?? "", bucket[2] ?? ""), stem: undefined };
  }
  if (/^https?:\/\//.test(place)) return { source: createHttpSource(place), stem: undefined };
  if (!place.endsWith(".jsonl")) {
    if (isFolder(place)) return { source: createFolderSource(place), stem: undefined };
    throw new AuditServiceError("invalid-configuration", `${place} is no folder, live file or address`);
  }
  return { source: createFolderSource(dirname(place)), stem: basename(place, ".jsonl") };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
