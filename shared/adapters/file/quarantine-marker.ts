/**
 * The line that stands where damaged bytes were moved out of the log: says what was moved, where it lies, and how many
 * line numbers it takes, so that the lines behind it keep theirs. Canonical JSON like every line, but no event: those
 * begin with `{"_defaulted":`.
 */
import * as z from "zod";
import { LINE_VERSION } from "#event/stored-line.ts";
import { canonicalJson } from "#lib/canonical-json.ts";

const DEPTH = 2;
const MARKER_START = '{"_quarantined":{';

const Count = z.int().nonnegative();

const Marker = z.strictObject({
  _quarantined: z.strictObject({
    /** Bytes moved. */
    bytes: Count,
    /** Name of the file that holds them, beside the log. */
    file: z.string().min(1),
    /** `duplicate`: whole lines whose events are stored elsewhere in the log. */
    kind: z.enum(["damaged", "duplicate"]),
    /** Line numbers that the marker takes; 0 where nothing but garbage was moved. */
    lines: Count,
    /** Lower-case hex SHA-256 of the bytes moved. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  _v: z.literal(LINE_VERSION),
});

export type Quarantined = z.infer<typeof Marker>["_quarantined"];

/** The marker as a line, without its newline. */
export function encodeMarker(quarantined: Quarantined): string {
  return canonicalJson({ _quarantined: quarantined, _v: LINE_VERSION }, DEPTH);
}

/** What a marker says; undefined for any other line, and for one that differs from a marker by a byte. */
export function parseMarker(text: string): Quarantined | undefined {
  if (!text.startsWith(MARKER_START)) return undefined;
  try {
    const marker = Marker.parse(JSON.parse(text));
    return encodeMarker(marker._quarantined) === text ? marker._quarantined : undefined;
  } catch {
    return undefined;
  }
}
