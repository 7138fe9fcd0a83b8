/** `auditlog send`: one event from flags, or events as JSON or JSON Lines from standard input, as they arrive. */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import { describeErrors, readJson } from "#cli/lines.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, targetOf } from "#cli/options.ts";
import { sendInput } from "#cli/send-input.ts";
import { createSender } from "#cli/sender.ts";
import type { AuditEventDraft } from "#event/audit-event.ts";
import { isPlainObject } from "#lib/canonical-json.ts";

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
      try {
        await (draft === undefined ? sendInput(context.stdin, sender) : sender.send("", draft));
      } finally {
        // Also where the input cannot be read any further: what was sent before is told.
        if ((await sender.finish()) > 0) setExit(EXIT_FAILED);
      }
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
