/** The commands that read the log: query, get, export, health. */
import { open, rm } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext, Output } from "#cli/context.ts";
import { EXIT_FAILED } from "#cli/context.ts";
import { createEventTable } from "#cli/event-table.ts";
import type { Flags } from "#cli/options.ts";
import {
  addFilterOptions,
  addTargetOptions,
  numberFlag,
  parseCount,
  queryOf,
  targetOf,
  textFlag,
} from "#cli/options.ts";
import { printable, printableLines, safeJson } from "#cli/terminal-text.ts";
import type { AuditService, EventPage, HealthReport } from "#client/audit-service.ts";
import type { StoredAuditEvent } from "#event/audit-event.ts";
import type { AuditQueryDraft } from "#query/audit-query.ts";

const DEFAULT_LIMIT = 100;
const MAX_PAGE = 1000;
const JSON_INDENT = 2;

type SetExit = (code: number) => void;

export function addQueryCommand(program: Command, context: CliContext): void {
  const command = program.command("query").description("find events, newest first");
  addFilterOptions(command, context.nowMs)
    .addOption(
      new Option("--limit <count>", `print at most so many (default: ${DEFAULT_LIMIT})`).argParser(
        parseCount,
      ),
    )
    .addOption(new Option("--all", "print every event that matches").conflicts("limit"))
    .option("--json", "print each event as a line of JSON")
    .option("--explain", "say on standard error how each page was found");
  addTargetOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  auditlog query --level ERROR --since 24h
  auditlog query --user alice --service billing --limit 20
  auditlog query --contains "access denied" --all --json | jq .event_id`,
    )
    .action(async (flags: Flags) => {
      await using audit = await context.openAudit(targetOf(flags));
      await printQuery(audit, flags, context);
    });
}

async function printQuery(audit: AuditService, flags: Flags, { stdout, stderr }: CliContext): Promise<void> {
  const most =
    flags["all"] === true ? Number.POSITIVE_INFINITY : (numberFlag(flags, "limit") ?? DEFAULT_LIMIT);
  const table = createEventTable({ ...stdout, columns: stdout.isTty ? stdout.columns : undefined });
  const format = (events: readonly StoredAuditEvent[]): string =>
    flags["json"] === true
      ? events.map((event) => `${toJson(event, stdout.isTty)}\n`).join("")
      : table.rows(events);
  let printed = 0;
  for await (const page of pagesOf(audit, { ...queryOf(flags), explain: flags["explain"] === true }, most)) {
    if (!stdout.hasReader) return;
    if (page.plan !== undefined) await stderr.write(`${toJson(page.plan, stderr.isTty)}\n`);
    if (page.events.length > 0) await stdout.write(format(page.events));
    printed += page.events.length;
    if (printed >= most && page.has_more && stdout.isTty) {
      await stderr.write("More events may match: ask for --all, or a larger --limit.\n");
    }
  }
  if (printed === 0 && stdout.isTty) await stderr.write("No event matches.\n");
}

/** Follows the cursors until `most` events are read or none are left. */
async function* pagesOf(
  audit: AuditService,
  query: AuditQueryDraft,
  most: number,
): AsyncGenerator<EventPage> {
  let left = most;
  let cursor: string | null = null;
  do {
    const page: EventPage = await audit.query({ ...query, cursor, limit: Math.min(left, MAX_PAGE) });
    yield page;
    left -= page.events.length;
    cursor = page.next_cursor;
  } while (cursor !== null && left > 0);
}

export function addGetCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("get")
    .description("print one event")
    .argument("<id>", "id of the event")
    .option("--tenant <id>", "tenant; only where the key leaves the choice")
    .option("--json", "print it as one line");
  addTargetOptions(command)
    .addHelpText("after", "\nExample:\n  auditlog get 019523ab-6f3e-7c11-9d2a-5b8e0c4f7a21")
    .action(async (id: string, flags: Flags) => {
      await using audit = await context.openAudit(targetOf(flags));
      const event = await audit.get(id, { tenantId: textFlag(flags, "tenant") });
      if (event === undefined) {
        await context.stderr.write(`auditlog: no event has the id ${printable(id)}\n`);
        setExit(EXIT_FAILED);
        return;
      }
      const isPretty = flags["json"] !== true;
      await context.stdout.write(`${toJson(event, context.stdout.isTty, isPretty)}\n`);
    });
}

export function addExportCommand(program: Command, context: CliContext): void {
  const command = program
    .command("export")
    .description("write every event that matches to a file or standard output");
  addFilterOptions(command, context.nowMs)
    .addOption(new Option("--format <format>", "file format").choices(["jsonl", "csv"]).default("jsonl"))
    .option("-o, --output <path>", "write there; an existing file is not overwritten");
  addTargetOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  auditlog export --since 2026-01-01 --until 2026-01-31 -o january.jsonl
  auditlog export --format csv --category SECURITY > security.csv`,
    )
    .action(async (flags: Flags) => {
      await using audit = await context.openAudit(targetOf(flags));
      const format = flags["format"] === "csv" ? "csv" : "jsonl";
      const chunks = audit.exportEvents(queryOf(flags), format);
      const path = textFlag(flags, "output");
      const forTerminal = format === "csv" ? printableLines : safeJson;
      await (path === undefined ? printExport(chunks, context.stdout, forTerminal) : writeFile(path, chunks));
    });
}

/** A terminal gets what means the same or looks the same; anything else the exact bytes. */
async function printExport(
  chunks: AsyncIterable<string>,
  stdout: Output,
  forTerminal: (text: string) => string,
): Promise<void> {
  for await (const chunk of chunks) {
    if (!stdout.hasReader) return;
    await stdout.write(stdout.isTty ? forTerminal(chunk) : chunk);
  }
}

/** @throws Error where the file exists or cannot be written */
async function writeFile(path: string, chunks: AsyncIterable<string>): Promise<void> {
  await using file = await open(path, "wx").catch((cause: unknown) => {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw exists ? new Error(`${path} exists already and is not overwritten`, { cause }) : cause;
  });
  try {
    for await (const chunk of chunks) await file.appendFile(chunk);
    await file.sync();
  } catch (error) {
    // A part would pass for the whole.
    await rm(path, { force: true });
    throw error;
  }
}

export function addHealthCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("health")
    .description("say how the log is; the exit code is 1 where it takes no events")
    .option("--json", "print the whole report as JSON");
  addTargetOptions(command)
    .addHelpText("after", "\nExample:\n  auditlog health --url http://127.0.0.1:8000")
    .action(async (flags: Flags) => {
      await using audit = await context.openAudit(targetOf(flags));
      const report = await audit.health();
      if (report.status === "unhealthy") setExit(EXIT_FAILED);
      const text = flags["json"] === true ? toJson(report, context.stdout.isTty) : describeHealth(report);
      await context.stdout.write(`${text}\n`);
    });
}

function describeHealth(report: HealthReport): string {
  const lines: string[] = [report.status];
  for (const [part, facts] of Object.entries(report)) {
    if (typeof facts !== "object" || facts === null || !("status" in facts)) continue;
    lines.push(`  ${printable(part).padEnd(8)} ${printable(String(facts.status))}`);
    const problems: unknown = "problems" in facts ? facts.problems : [];
    if (Array.isArray(problems))
      lines.push(...problems.map((problem) => `    ${printable(String(problem))}`));
  }
  return lines.join("\n");
}

function toJson(value: unknown, isTty: boolean, isPretty = false): string {
  const json = JSON.stringify(value, undefined, isPretty ? JSON_INDENT : undefined);
  return isTty ? safeJson(json) : json;
}
