/** `auditlog import`: events from files of other logs, with a summary of what became of each file. */
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE } from "#cli/context.ts";
import { deliverToLog, deliverToNobody } from "#cli/import-delivery.ts";
import type { FoundFiles, ImportFormat } from "#cli/import-files.ts";
import { findImportFiles, IMPORT_FORMATS } from "#cli/import-files.ts";
import type { ImporterOptions } from "#cli/importer.ts";
import { importFiles } from "#cli/importer.ts";
import type { ImportReport, Refusal } from "#cli/import-report.ts";
import { isComplete, newReport, placeName, reportJson, reportText } from "#cli/import-report.ts";
import { describeErrors } from "#cli/lines.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, targetOf } from "#cli/options.ts";
import { createProgress } from "#cli/progress.ts";
import { printable, safeJson } from "#cli/terminal-text.ts";
import { AuditServiceError } from "#lib/errors.ts";

export function addImportCommand(
  program: Command,
  context: CliContext,
  setExit: (code: number) => void,
): void {
  const command = program
    .command("import")
    .description("log the events of files; a repeated or interrupted import goes on where it ended")
    .argument("<paths...>", "files, or folders with all below them; compressed or not")
    .addOption(
      new Option("--format <format>", "what the files hold").choices(IMPORT_FORMATS).makeOptionMandatory(),
    )
    .option("--dry-run", "check every event, send none")
    .option("--json", "print the summary as JSON");
  addTargetOptions(command)
    .addHelpText(
      "after",
      `
Formats:
  jsonl       one event per line: exports and stored lines of this service, files of the service it
              succeeds (rotations such as audit.1 too)
  cloudtrail  CloudTrail log files: {"Records": […]}

Lines without event_id get one from the name of their file (without the number or date of a rotation), its
first line, and their own number and text. So a second run recognises them, from any folder and in files that
were rotated or compressed meanwhile; in a file that was renamed otherwise they are new. Where two files are
alike in all of these, the second one's lines count as "met twice in this run" and are stored once: to keep
events that only look the same, give them an event_id or the files different names.

A service on AWS accepts events before it stores them. The summary then counts what it accepted, and not what
was stored or there already, which it cannot know: what was there is stored once, and where an id has other
content no event is refused, and the event that came first lists the others as conflicts.

Exit code: 0 all of it is in the log, or was accepted by a service that stores it afterwards, 1 something was
refused or failed, 130 stopped by Ctrl-C.

Examples:
  auditlog import --format cloudtrail AWSLogs/
  auditlog import --format jsonl --dry-run old/audit.jsonl old/audit.1`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const { stdout } = context;
      const format = IMPORT_FORMATS.find((name) => name === flags["format"]) ?? "jsonl";
      const found = await findFiles(paths, format, command);
      const report = await runImport(found, { format, flags }, context);
      const json = (): string => (stdout.isTty ? safeJson(reportJson(report)) : reportJson(report));
      await stdout.write(flags["json"] === true ? `${json()}\n` : reportText(report));
      if (report.files.length === 0) await context.stderr.write(`auditlog: no ${format} file was found\n`);
      if (report.failure !== undefined) {
        await context.stderr.write(`auditlog: ${printable(report.failure)}\n`);
      }
      if (report.isInterrupted) {
        await context.stderr.write("auditlog: stopped; the same command again goes on from here\n");
        setExit(EXIT_INTERRUPTED);
      } else if (!isComplete(report)) setExit(EXIT_FAILED);
    });
}

async function findFiles(
  paths: readonly string[],
  format: ImportFormat,
  command: Command,
): Promise<FoundFiles> {
  try {
    return await findImportFiles(paths, format);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return command.error(`error: ${reason}`, { exitCode: EXIT_USAGE });
  }
}

interface ImportSettings {
  readonly format: ImportFormat;
  readonly flags: Flags;
}

async function runImport(
  found: FoundFiles,
  { format, flags }: ImportSettings,
  context: CliContext,
): Promise<ImportReport> {
  const { stderr, nowMs } = context;
  const stop = context.stopSignal();
  const isDryRun = flags["dryRun"] === true;
  const report = newReport(format, isDryRun);
  const progress = createProgress(stderr, nowMs);
  const startedMs = nowMs();
  const told: Pick<ImporterOptions, "report" | "stop" | "onProgress" | "onRefusal"> = {
    report,
    stop,
    onProgress: progress.update,
    onRefusal: (refusal) => progress.log(describeRefusal(refusal, format)),
  };
  if (isDryRun) {
    await importFiles(found, { ...told, deliver: async (items) => deliverToNobody(items, nowMs()) });
  } else {
    await using audit = await context.openAudit(targetOf(flags));
    try {
      await importFiles(found, { ...told, deliver: (items) => deliverToLog(audit, items, nowMs()) });
    } catch (error) {
      if (!(error instanceof AuditServiceError)) throw error;
      report.failure = error.message;
    }
  }
  await progress.finish();
  report.isInterrupted = stop.aborted;
  report.durationMs = nowMs() - startedMs;
  return report;
}

/** As compilers name a place, so that editors find it. */
function describeRefusal({ path, place, errors }: Refusal, format: ImportFormat): string {
  const where = format === "jsonl" ? `${path}:${place}` : `${path}: ${placeName(format)} ${place}`;
  return `${printable(place === 0 ? path : where)}: ${printable(describeErrors(errors))}`;
}
