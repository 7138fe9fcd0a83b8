/** `auditlog send`: one event from flags, or events as JSON or JSON Lines from standard input, as they arrive. */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import * as z from "zod";
import type { CliContext, Input } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import type { Line, ReadLine } from "#cli/lines.ts";
import { describeErrors, readJson, readLine, splitLines } from "#cli/lines.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, targetOf } from "#cli/options.ts";
import { printable } from "#cli/terminal-text.ts";
import type { AuditService, LoggableEvent } from "#client/audit-service.ts";
import type { AuditEventDraft } from "#event/audit-event.ts";
import { MAX_DECODED_BODY_BYTES } from "#event/limits.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Flag → field of the event. */
const FIELDS: Readonly<Record<string, keyof AuditEventDraft>> = {
  action: "action",
  service: "service_name",
  level: "level",
  category: "category",
  user: "user_id",
  session: "session_id",
  request: "request_id",
  resourceType: "resource_type",
  resourceId: "resource_id",
  message: "message",
  metadata: "metadata",
  errorCode: "error_code",
  errorMessage: "error_message",
  duration: "duration_ms",
  timestamp: "timestamp",
  id: "event_id",
  tenant: "tenant_id",
  sourceIp: "source_ip",
  userAgent: "user_agent",
  trace: "trace_id",
  span: "span_id",
};

/** Events from standard input that may be under way at once. */
const MAX_UNDER_WAY = 1000;

export function addSendCommand(program: Command, context: CliContext, setExit: (code: number) => void): void {
  const command = program
    .command("send")
    .description("log an event given by flags, or events as JSON from standard input")
    .option("--action <name>", "what happened, such as user_login")
    .option("--service <name>", "service it happened in (default: AUDIT_SERVICE_NAME)")
    .option("--level <level>", "DEBUG, INFO, WARN, ERROR or CRITICAL")
    .option("--category <category>", "such as AUTHENTICATION or DATA_ACCESS")
    .option("--user <id>", "who did it")
    .option("--session <id>", "session it was done in")
    .option("--request <id>", "request it was done by")
    .option("--resource-type <type>", "type of what it was done to")
    .option("--resource-id <id>", "which one it was done to")
    .option("--message <text>", "a sentence for people")
    .option("--metadata <json>", "a JSON object of further facts", parseMetadata)
    .option("--error-code <code>", "code of the error, if it failed")
    .option("--error-message <text>", "what the error says")
    .option("--duration <ms>", "how long it took, in milliseconds", parseNumber)
    .option("--timestamp <time>", "when it happened, RFC 3339 (default: now)")
    .option("--id <id>", "idempotency key: sent again, the event is stored once")
    .option("--tenant <id>", "tenant; only where the key leaves the choice")
    .option("--source-ip <address>", "where the audited request came from")
    .option("--user-agent <text>", "user agent of the audited request")
    .option("--trace <id>", "W3C trace id, 32 hexadecimal digits")
    .option("--span <id>", "W3C span id, 16 hexadecimal digits")
    .option("--json", "print each receipt as JSON instead of the id alone");
  addTargetOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  auditlog send --service shop --action user_login --user alice
  echo '{"action":"user_login","service_name":"shop"}' | auditlog send
  auditlog send < events.jsonl`,
    )
    .action(async (flags: Flags) => {
      const draft = draftFrom(flags, context.defaultService);
      if (draft === undefined && context.stdin.isTty) {
        command.error("error: give --action and --service, or events as JSON on standard input", {
          exitCode: EXIT_USAGE,
        });
      }
      await using audit = await context.openAudit(targetOf(flags));
      const sender = createSender(audit, flags["json"] === true, context);
      if (draft === undefined) await sendInput(context.stdin, sender);
      else await sender.send("", draft);
      if ((await sender.finish()) > 0) setExit(EXIT_FAILED);
    });
}

/** The event that the flags give, or undefined where they give none. */
function draftFrom(flags: Flags, defaultService: () => string): AuditEventDraft | undefined {
  const members = Object.entries(FIELDS).flatMap(([flag, field]) =>
    flags[flag] === undefined ? [] : [[field, flags[flag]] as const],
  );
  return members.length === 0
    ? undefined
    : { service_name: defaultService(), ...Object.fromEntries(members) };
}

function parseMetadata(text: string): Readonly<Record<string, unknown>> {
  const read = readJson(text, "it");
  if (read.kind === "refused") throw new InvalidArgumentError(describeErrors(read.errors));
  if (!isPlainObject(read.value)) throw new InvalidArgumentError("It is no JSON object.");
  return read.value;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It is no number.");
  return value;
}

interface Sender {
  /** @param place where the event stands in the input; "" for flags */
  readonly send: (place: string, event: LoggableEvent) => Promise<void>;
  readonly refuse: (place: string, reason: string) => Promise<void>;
  /** Resolves with the number of events that were refused, once all are told. */
  readonly finish: () => Promise<number>;
}

/** Tells what became of each event in the order of the input, while later ones are under way. */
function createSender(audit: AuditService, isJson: boolean, { stdout, stderr }: CliContext): Sender {
  const told: Promise<void>[] = [];
  let last = Promise.resolve();
  let refusals = 0;

  const tell = async (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    told.push(last);
    if (told.length >= MAX_UNDER_WAY) await told.shift();
  };
  const refuse: Sender["refuse"] = (place, reason) =>
    tell(async () => {
      refusals++;
      await stderr.write(`auditlog: ${place === "" ? "" : `${place}: `}${printable(reason)}\n`);
    });
  const send: Sender["send"] = (place, event) => {
    const outcome = audit.log(event).catch((error: unknown) => {
      if (error instanceof AuditServiceError && !error.retryable && error.code !== "closed") return error;
      throw error;
    });
    outcome.catch(() => undefined); // it is looked at when its turn comes
    return tell(async () => {
      const receipt = await outcome;
      if (receipt instanceof AuditServiceError) {
        refusals++;
        const reason = receipt.errors.length > 0 ? describeErrors(receipt.errors) : receipt.message;
        await stderr.write(`auditlog: ${place === "" ? "" : `${place}: `}${printable(reason)}\n`);
      } else await stdout.write(`${isJson ? JSON.stringify(receipt) : receipt.event_id}\n`);
    });
  };
  const finish: Sender["finish"] = async () => {
    await last;
    return refusals;
  };
  return { send, refuse, finish };
}

/** Lines of JSON are sent as they come; else the whole input is one JSON text: an event, a list, or `{"events": […]}`. */
async function sendInput(stdin: Input, sender: Sender): Promise<void> {
  const kept: Line[] = [];
  let keptBytes = 0;
  let isLines = false;
  for await (const lines of splitLines(stdin.chunks())) {
    for (const line of lines) {
      const isFirst = kept.length === 0;
      if (!isLines && isFirst) isLines = readLine(line).kind === "value";
      if (isLines) await sendLine(line, sender);
      else if (!isFirst || readLine(line).kind !== "blank") kept.push(line);
      keptBytes += isLines ? 0 : (line.bytes?.length ?? 0);
    }
    if (keptBytes > MAX_DECODED_BODY_BYTES) break;
  }
  if (kept.length > 0) await sendWhole(kept, sender);
}

/** What does not begin with a line of JSON: one text over several lines, or lines of which the first is broken. */
async function sendWhole(lines: readonly Line[], sender: Sender): Promise<void> {
  const text = Buffer.concat(lines.flatMap(({ bytes }) => [bytes ?? Buffer.alloc(0), Buffer.from("\n")]));
  const read = readJson(text.toString("utf8"), "the input");
  const isBrokenLine = read.kind === "refused" && lines.some((line) => readLine(line).kind === "value");
  if (isBrokenLine) for (const line of lines) await sendLine(line, sender);
  else await sendRead("", read, sender);
}

async function sendLine(line: Line, sender: Sender): Promise<void> {
  await sendRead(`line ${line.number}`, readLine(line), sender);
}

async function sendRead(place: string, read: ReadLine, sender: Sender): Promise<void> {
  if (read.kind === "blank") return;
  if (read.kind === "refused") {
    await sender.refuse(place, describeErrors(read.errors));
    return;
  }
  const list = listOf(read.value);
  const events: readonly unknown[] = list ?? [read.value];
  for (const [index, event] of events.entries()) {
    const part = list === undefined ? place : [place, `event ${index + 1}`].filter(Boolean).join(", ");
    if (isPlainObject(event)) await sender.send(part, event);
    else await sender.refuse(part, "is not a JSON object");
  }
}

function listOf(value: unknown): readonly unknown[] | undefined {
  const list = isPlainObject(value) && Object.keys(value).length === 1 ? value["events"] : value;
  const parsed = z.array(z.unknown()).safeParse(list);
  return parsed.data;
}
