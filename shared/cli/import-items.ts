/**
 * The events of a file to import, in parts of bounded size. JSON Lines are read as they stream, compressed or not; a
 * CloudTrail log is one JSON document and read whole. Files are foreign input.
 */
import { isUtf8 } from "node:buffer";
import { derivedId, fileKey, isBlank } from "#cli/derived-ids.ts";
import { unpackedBytes } from "#cli/file-bytes.ts";
import type { ImportFile, ImportFormat } from "#cli/import-files.ts";
import type { Line } from "#cli/lines.ts";
import { readJson, readLine, splitLines } from "#cli/lines.ts";
import { cloudTrailRecords, convertCloudTrail } from "#event/cloudtrail.ts";
import type { LineNote } from "#event/original.ts";
import { convertLine } from "#event/original.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";

/** One event of a file, or why there is none. */
export interface ImportItem {
  /** Number of the line or record in its file, from 1; 0 is the whole file. */
  readonly place: number;
  readonly draft: unknown;
  /** Size of its JSON text, nearly. */
  readonly bytes: number;
  readonly notes: readonly ImportNote[];
  /** The id that it was given because it has none of its own. */
  readonly derivedId?: string;
  /** Not empty: it cannot even be sent. Paths are into the line or record. */
  readonly errors: readonly FieldError[];
}

export type ImportNote = LineNote | "id-derived";

/** The file holds no events of the format; it is passed over and named. */
export class NoSuchLogError extends Error {}

export interface ReadOptions {
  readonly format: ImportFormat;
  /** Told how many bytes of the file as it lies there were read. */
  readonly onBytes: (bytes: number) => void;
}

/** A CloudTrail log is at most about 50 MB; beyond this size it cannot be read as one text. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;
const RECORDS_PER_PART = 500;
const JSON_NAME = /\.json(\.gz)?$/;
/** Files by this name are what the format says; any other is looked at first. */
const JSONL_NAME = /\.jsonl(\.gz)?$/;

/** @throws NoSuchLogError; Error where the file cannot be read or unpacked */
export function readItems(file: ImportFile, options: ReadOptions): AsyncGenerator<readonly ImportItem[]> {
  const chunks = unpackedBytes(file, options.onBytes);
  return options.format === "cloudtrail" ? cloudTrailItems(file.path, chunks) : lineItems(file, chunks);
}

async function* lineItems(
  file: ImportFile,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly ImportItem[]> {
  let isKnown = JSONL_NAME.test(file.path);
  let key: string | undefined;
  const keyAt = (line: Line): string => (key ??= fileKey(file, line));
  for await (const lines of splitLines(chunks)) {
    const items = lines.flatMap((line) => (isBlank(line) ? [] : lineItem(line, keyAt(line))));
    if (!isKnown && items.length > 0) {
      isKnown = items.some(({ draft }) => isPlainObject(draft));
      if (!isKnown) throw new NoSuchLogError("it holds no lines of JSON");
    }
    yield items;
  }
}

function lineItem(line: Line, key: string): ImportItem[] {
  const read = readLine(line);
  if (read.kind === "blank") return [];
  const at = { place: line.number, bytes: line.bytes?.length ?? 0 };
  if (read.kind === "refused") return [{ ...at, draft: undefined, notes: [], errors: read.errors }];
  const { draft, notes } = convertLine(read.value);
  if (!isPlainObject(draft) || (draft["event_id"] ?? "") !== "") return [{ ...at, draft, notes, errors: [] }];
  const id = derivedId(key, line, read.text);
  return [
    {
      ...at,
      draft: { ...draft, event_id: id },
      derivedId: id,
      notes: [...notes, "id-derived"],
      errors: [],
    },
  ];
}

async function* cloudTrailItems(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly ImportItem[]> {
  const text = await readDocument(chunks);
  const read = readJson(text, "the file");
  const problems = read.kind === "refused" ? byRecord(read.errors) : new Map<number, FieldError[]>();
  if (problems === undefined) {
    // By its name it should have been a log: it is damaged, and that must not pass in silence.
    if (!JSON_NAME.test(path)) throw new NoSuchLogError("it is no CloudTrail log");
    yield [
      { place: 0, draft: undefined, bytes: 0, notes: [], errors: read.kind === "refused" ? read.errors : [] },
    ];
    return;
  }
  const records = cloudTrailRecords(read.kind === "value" ? read.value : JSON.parse(text));
  if (records === undefined) throw new NoSuchLogError("it is no CloudTrail log");
  const items = records.map((record, index) => recordItem(record, index, problems.get(index)));
  for (let from = 0; from < items.length; from += RECORDS_PER_PART)
    yield items.slice(from, from + RECORDS_PER_PART);
}

async function readDocument(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) {
      throw new NoSuchLogError(`it is over ${MAX_DOCUMENT_BYTES} bytes unpacked; no CloudTrail log is`);
    }
    parts.push(chunk);
  }
  const document = Buffer.concat(parts);
  return isUtf8(document) ? document.toString("utf8") : "";
}

/** What strict reading found, by record, with paths into it; undefined where it is about more than single records. */
function byRecord(errors: readonly FieldError[]): ReadonlyMap<number, FieldError[]> | undefined {
  const found = new Map<number, FieldError[]>();
  for (const { path, message } of errors) {
    const match = /^\/Records\/(\d+)(.*)$/s.exec(path);
    if (match === null) return undefined;
    const index = Number(match[1]);
    found.set(index, [...(found.get(index) ?? []), { path: match[2] ?? "", message }]);
  }
  return found;
}

function recordItem(record: unknown, index: number, problems: readonly FieldError[] = []): ImportItem {
  const conversion = convertCloudTrail(record);
  const refused = conversion.kind === "refused" ? conversion.errors : [];
  const errors = [...problems, ...refused];
  const draft = conversion.kind === "converted" ? conversion.draft : undefined;
  const bytes = draft === undefined ? 0 : Buffer.byteLength(JSON.stringify(draft));
  return { place: index + 1, draft, bytes, notes: [], errors };
}
