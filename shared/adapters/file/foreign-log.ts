/**
 * Tells whose a log is before anything is changed: one that the original service, another program or a newer release
 * wrote is refused with a clear error. Damage alone never makes a log foreign.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { parseLine } from "#event/read-line.ts";
import { LINE_VERSION } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";

/** How much of a live file is looked at to tell whose it is. */
const HEAD_BYTES = 1024 * 1024;
/** How every stored line begins, in canonical order. */
const LINE_START = '{"_defaulted":[';

/** @throws AuditStorageError `foreign-log` where the live file was written by something else */
export function refuseForeignLog(path: string): void {
  if (!existsSync(path) || isOurs(readHead(path))) return;
  const message =
    `${path} was not written by this service: its first line has no member _v. Nothing was touched. ` +
    `Move it and its rotations away and import them: auditlog import --format jsonl <the moved files>`;
  throw new AuditStorageError("foreign-log", message, { details: { path } });
}

/** The version of a line that a newer release wrote; undefined for any other line. */
export function newerVersion(line: string): number | undefined {
  const version = parseLine(line)?.["_v"];
  return typeof version === "number" && version > LINE_VERSION ? version : undefined;
}

export function newerLog(path: string, version: number): AuditStorageError {
  const message =
    `${path} ends with lines of format version ${version}; this release reads version ${LINE_VERSION}. ` +
    `Nothing was touched. Start the release that wrote them, or a newer one`;
  return new AuditStorageError("foreign-log", message, { details: { path, version } });
}

function readHead(path: string): string {
  const fd = openSync(path, "r");
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    return head.toString("utf8", 0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Judged by the first line that can be read; where none can, by what stored lines alone have. */
function isOurs(head: string): boolean {
  const first = head.split("\n").find((line) => isJson(line));
  if (first !== undefined) return first.startsWith(LINE_START) || parseLine(first)?.["_v"] !== undefined;
  return (
    LINE_START.startsWith(head) || head.includes(LINE_START) || head.includes(',"_v":') || /^\0+$/.test(head)
  );
}

function isJson(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
