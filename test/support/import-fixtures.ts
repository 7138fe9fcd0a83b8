// Files to import, and the summary of an import as JSON.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newFolder } from "#test/support/folders.ts";

export function line(id: string, members: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ event_id: id, action: "a", service_name: "s", ...members })}\n`;
}

export function trail(...ids: string[]): string {
  const Records = ids.map((eventID) => ({
    eventID,
    eventTime: "2023-07-10T12:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "GetObject",
    readOnly: true,
    userIdentity: { arn: "arn:aws:iam::111122223333:user/alice" },
  }));
  return JSON.stringify({ Records });
}

export async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export interface Summary {
  readonly total: Record<string, number>;
  readonly files: { path: string; stored: number; failure: string | null }[];
  readonly skipped: { path: string; reason: string }[];
  readonly notes: Record<string, number>;
  readonly refusals: { path: string; line?: number; record?: number; errors: { path: string }[] }[];
  readonly interrupted: boolean;
  readonly failure: string | null;
  readonly knows_duplicates: boolean;
}

export function summaryOf(stdout: string): Summary {
  return JSON.parse(stdout) as Summary;
}
