/**
 * Makes a damaged log sound again without deleting a byte: each damaged stretch is moved to a file of its own beside
 * the log, and a marker takes its place and its line numbers. Safe at every step: a stretch is durable in quarantine
 * before the log is rewritten, the rewritten file before it takes the old one's place, and a second run goes on.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Damage } from "#adapters/file/damage.ts";
import type { Diagnosis, Stretch } from "#adapters/file/damaged-stretches.ts";
import { createDiagnostician } from "#adapters/file/damaged-stretches.ts";
import type { Replacement } from "#adapters/file/file-rewrite.ts";
import { rewriteFile } from "#adapters/file/file-rewrite.ts";
import { leavesOf, readHeadNow } from "#adapters/file/file-log-ledger.ts";
import type { FolderLock } from "#adapters/file/folder-lock.ts";
import { lockFolder } from "#adapters/file/folder-lock.ts";
import type { LogFile } from "#adapters/file/log-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { freePath, listFolder, logPaths } from "#adapters/file/log-folder.ts";
import type { RecoveryProgress, Survey } from "#adapters/file/log-survey.ts";
import { surveyLog } from "#adapters/file/log-survey.ts";
import { bytesOf, keepBytes } from "#adapters/file/quarantine.ts";
import { encodeMarker } from "#adapters/file/quarantine-marker.ts";
import { tidyUp } from "#adapters/file/recovery.ts";
import type { RepairIo } from "#adapters/file/repair-io.ts";
import { makeFile, nodeRepairIo } from "#adapters/file/repair-io.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";

export interface RepairOptions {
  /** The live file. */
  readonly path: string;
  /** Find what is damaged and change nothing. */
  readonly isDryRun: boolean;
  /** Called while the log is read, which is done twice where something was repaired. */
  readonly onProgress?: ((progress: RecoveryProgress) => void) | undefined;
  /** @default the file system */
  readonly io?: RepairIo;
}

/** Damaged bytes, and where they are now. */
export interface RepairedPlace extends Damage {
  /** Number of its first line. */
  readonly line: number;
  /** Line numbers that it takes; 0 where it was never a line. */
  readonly lines: number;
  readonly bytes: number;
  /** File that holds the bytes now; undefined in a dry run. */
  readonly movedTo: string | undefined;
}

export interface RepairOutcome {
  readonly places: readonly RepairedPlace[];
  /** What is still wrong and cannot be repaired, such as lines that are missing. */
  readonly unrepaired: readonly Damage[];
  /** Where a last line was moved to that a crash had cut, as every start does. */
  readonly tornPath: string | undefined;
  /** Line numbers of damaged places that the log has sealed: whoever verifies it finds that they are not what was signed. */
  readonly sealedLines: number;
  /** Whether nothing is damaged or missing now. */
  readonly isSound: boolean;
}

/**
 * @throws AuditStorageError `folder-locked` where a process owns the folder, `foreign-log`, or `storage-unavailable`
 * where there is no log, or a file cannot be read or written; what was done until then holds, and a second run goes on
 */
export async function repairLog(options: RepairOptions): Promise<RepairOutcome> {
  const paths = logPaths(resolve(options.path));
  const hasFiles =
    existsSync(paths.folder) && (existsSync(paths.live) || listFolder(paths).rotated.length > 0);
  if (!hasFiles) throw new AuditStorageError("storage-unavailable", `there is no log at ${paths.live}`);
  let lock: FolderLock | undefined;
  try {
    lock = lockFolder(paths);
    return await repairOwned(paths, options);
  } catch (cause) {
    if (cause instanceof AuditServiceError) throw cause.code === "folder-locked" ? stopFirst(cause) : cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the log in ${paths.folder} cannot be repaired: ${reason}`;
    throw new AuditStorageError("storage-unavailable", message, { cause });
  } finally {
    lock?.release();
  }
}

function stopFirst(cause: AuditServiceError): AuditStorageError {
  const message = `${cause.message}: stop it first, repair needs the folder to itself`;
  return new AuditStorageError("folder-locked", message, { cause, details: cause.details });
}

async function repairOwned(paths: LogPaths, options: RepairOptions): Promise<RepairOutcome> {
  const { isDryRun, onProgress } = options;
  const { survey, diagnosis } = await diagnose(paths, onProgress);
  const { stretches, twins, unrepairable } = diagnosis;
  const isHurt = stretches.length + twins.length > 0;
  const sealedLines = countSealed(stretches, sealedSize(paths));
  if (isDryRun || !isHurt) {
    const places = [...twins.map((twin) => placeOfTwin(twin, undefined)), ...stretches.map(placeOf)];
    const tornPath = isDryRun ? undefined : tidyUp(paths, survey);
    const isSound = !isHurt && unrepairable.length === 0;
    return { places, unrepaired: unrepairable, tornPath, sealedLines, isSound };
  }
  const tornPath = tidyUp(paths, survey);
  const places = await moveAll(survey, diagnosis, { paths, io: options.io ?? nodeRepairIo });
  const { diagnosis: left } = await diagnose(paths, onProgress); // what is sound now is read, not believed
  const unrepaired = [...left.twins, ...left.stretches, ...left.unrepairable];
  return { places, unrepaired, tornPath, sealedLines, isSound: unrepaired.length === 0 };
}

/** A duplicate is whole, and stays what was sealed where it lies now. */
function countSealed(stretches: readonly Stretch[], size: number): number {
  return stretches
    .filter(({ kind }) => kind !== "duplicate")
    .reduce((sum, { line, lines }) => sum + Math.max(0, Math.min(size, line + lines) - line), 0);
}

/** A head that cannot be read is no matter of a repair. */
function sealedSize(paths: LogPaths): number {
  try {
    const head = readHeadNow(paths);
    return head === undefined ? 0 : leavesOf(head);
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
    return 0;
  }
}

async function diagnose(
  paths: LogPaths,
  onProgress: RepairOptions["onProgress"],
): Promise<{ readonly survey: Survey; readonly diagnosis: Diagnosis }> {
  const { onFinding, diagnosis } = createDiagnostician();
  const survey = await surveyLog(paths, { onProgress: onProgress ?? (() => undefined), onFinding });
  return { survey, diagnosis: diagnosis() };
}

interface Workplace {
  readonly paths: LogPaths;
  readonly io: RepairIo;
}

async function moveAll(
  { logs }: Survey,
  { stretches, twins }: Diagnosis,
  workplace: Workplace,
): Promise<readonly RepairedPlace[]> {
  const { paths, io } = workplace;
  const places = twins.map((twin) => {
    const movedTo = freePath(paths.quarantine(twin.firstLine, "at-0"));
    io.rename(twin.path, movedTo);
    io.syncFolder(paths.folder);
    return placeOfTwin(twin, movedTo);
  });
  for (const file of logs.files) {
    const own = stretches.filter(({ path }) => path === file.path);
    if (own.length > 0) places.push(...(await repairFile(file, own, workplace)));
  }
  return places;
}

/** Moves the stretches of one file out of it. */
async function repairFile(
  file: LogFile,
  stretches: readonly Stretch[],
  { paths, io }: Workplace,
): Promise<readonly RepairedPlace[]> {
  const fd = openSync(file.path, "r");
  try {
    const making = { io, like: fd };
    const places: RepairedPlace[] = [];
    const replacements: Replacement[] = [];
    for (const stretch of stretches) {
      const { kind, from, bytes, lines } = stretch;
      const isRaw = kind === "member" || file.members === undefined;
      const source = isRaw
        ? bytesOf(fd, stretch)
        : { size: bytes, read: (start: number, end: number) => file.read(from + start, from + end) };
      const name = paths.quarantine(file.firstLine, kind === "member" ? `member-at-${from}` : `at-${from}`);
      const { path, sha256 } = await keepBytes(source, name, making);
      const marker = encodeMarker({
        bytes,
        file: basename(path),
        kind: kind === "duplicate" ? kind : "damaged",
        lines,
        sha256,
      });
      replacements.push({ kind, from, bytes, marker });
      places.push({ ...placeOf(stretch), movedTo: path });
    }
    await makeFile(file.path, making, (append) => rewriteFile({ file, fd, replacements }, append));
    return places;
  } finally {
    closeSync(fd);
    file.close();
  }
}

function placeOf({ path, offset, line, lines, bytes, reason }: Stretch): RepairedPlace {
  return { path, offset, line, lines, bytes, reason, movedTo: undefined };
}

/** A whole file, whose lines are served from its compressed form. */
function placeOfTwin(
  { path, firstLine, offset, reason }: Diagnosis["twins"][number],
  movedTo: string | undefined,
): RepairedPlace {
  return { path, offset: 0, line: firstLine, lines: 0, bytes: offset, reason, movedTo };
}
