/**
 * Events from standard input. Lines of JSON are sent as they come; else the whole input is one JSON text: an event, a
 * list, or `{"events": […]}`. Whatever stands in the input is sent, or said not to be.
 */
import { isUtf8 } from "node:buffer";
import * as z from "zod";
import type { Input } from "#cli/context.ts";
import type { Line, ReadLine } from "#cli/lines.ts";
import { describeErrors, readJson, readLine, splitLines } from "#cli/lines.ts";
import type { Sender } from "#cli/sender.ts";
import { MAX_DECODED_BODY_BYTES } from "#event/limits.ts";
import { isPlainObject } from "#lib/canonical-json.ts";

/** Of one JSON text, on one line or over several. */
const MAX_BYTES = MAX_DECODED_BODY_BYTES;
const TOO_LARGE = `the input is neither lines of JSON nor one JSON text of at most ${MAX_BYTES} bytes; nothing was sent`;

/** Sends until the input ends or the log takes no more. */
export async function sendInput(stdin: Input, sender: Sender): Promise<void> {
  /** Lines that may be the beginning of one text. */
  let kept: Line[] = [];
  let keptBytes = 0;
  let isLines = false;
  for await (const lines of splitLines(stdin.chunks(), MAX_BYTES)) {
    for (const line of lines) {
      if (!isLines && kept.length === 0) {
        const { kind } = readLine(line, MAX_BYTES);
        if (kind === "blank") continue;
        isLines = kind === "value";
      }
      if (isLines) {
        if (!(await sendLine(line, sender))) return;
        continue;
      }
      kept.push(line);
      keptBytes += (line.bytes?.length ?? MAX_BYTES) + 1;
      if (keptBytes <= MAX_BYTES) continue;
      // No text is that large. What has lines of JSON among its lines is lines, of which the first are broken.
      if (!kept.some(isEventLine)) return sender.refuse("", TOO_LARGE);
      if (!(await sendLines(kept, sender))) return;
      kept = [];
      isLines = true;
    }
  }
  if (kept.length > 0) await sendWhole(kept, sender);
}

/** What does not begin with a line of JSON: one text over several lines, or lines of which the first is broken. */
async function sendWhole(lines: readonly Line[], sender: Sender): Promise<void> {
  const bytes = Buffer.concat(lines.flatMap((line) => [line.bytes ?? Buffer.alloc(0), Buffer.from("\n")]));
  const read: ReadLine = isUtf8(bytes)
    ? readJson(bytes.toString("utf8"), "the input")
    : { kind: "refused", errors: [{ path: "", message: "the input is not valid UTF-8" }] };
  if (read.kind === "refused" && lines.some(isEventLine)) await sendLines(lines, sender);
  else await sendRead("", read, sender);
}

/** Whether a line is an event or events by itself, rather than a part of a text over several lines. */
function isEventLine(line: Line): boolean {
  const read = readLine(line, MAX_BYTES);
  return read.kind === "value" && (listOf(read.value) ?? [read.value]).some(isPlainObject);
}

async function sendLines(lines: readonly Line[], sender: Sender): Promise<boolean> {
  for (const line of lines) if (!(await sendLine(line, sender))) return false;
  return true;
}

function sendLine(line: Line, sender: Sender): Promise<boolean> {
  return sendRead(`line ${line.number}`, readLine(line, MAX_BYTES), sender);
}

/** @returns whether to go on: false once the log takes no more, which is said */
async function sendRead(place: string, read: ReadLine, sender: Sender): Promise<boolean> {
  if (read.kind === "blank") return true;
  const list = read.kind === "value" ? listOf(read.value) : undefined;
  const events: readonly unknown[] = list ?? [read.kind === "value" ? read.value : undefined];
  for (const [index, event] of events.entries()) {
    const part = list === undefined ? place : [place, `event ${index + 1}`].filter(Boolean).join(", ");
    if (sender.hasFailed()) {
      await sender.refuse(part, "not sent, nor is what follows");
      return false;
    }
    if (read.kind === "refused") await sender.refuse(part, describeErrors(read.errors));
    else if (isPlainObject(event)) await sender.send(part, event);
    else await sender.refuse(part, "is not a JSON object");
  }
  return true;
}

function listOf(value: unknown): readonly unknown[] | undefined {
  const list = isPlainObject(value) && Object.keys(value).length === 1 ? value["events"] : value;
  const parsed = z.array(z.unknown()).safeParse(list);
  return parsed.data;
}
