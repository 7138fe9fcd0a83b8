/** `auditlog rebuild`: the tables of a deployment on AWS restored from its archive. */
import type { Command } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED } from "#cli/context.ts";
import {
  addDeploymentOptions,
  createStatusLine,
  DEPLOYMENT_HELP,
  deploymentOf,
  jsonLine,
} from "#cli/operator-options.ts";
import type { RebuildProgress, RebuildReport } from "#cli/operator.ts";
import type { Flags } from "#cli/options.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";

/** Phase → what is done in it. */
const PHASES: Readonly<Record<string, string>> = {
  sealed: "1 of 5, segments",
  settled: "2 of 5, batches with an outcome",
  open: "3 of 5, all other batches",
  "sealed-notes": "4 of 5, conflicts of segments",
  notes: "5 of 5, conflicts of batches",
};

export function addRebuildCommand(
  program: Command,
  context: CliContext,
  setExit: (code: number) => void,
): void {
  const command = program
    .command("rebuild")
    .description("restore the tables of a deployment on AWS from its archive")
    .option("--resume", "go on where a rebuild was cut off, or complete tables that hold something")
    .option("--without-damaged", "put the tables into service though batches cannot be read");
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Stop the consumers first, and the sealer: disable the event source mappings of both functions, and the schedules. The tables
are marked as this deployment's at the very end; until then its functions refuse to work on them. A rebuild may be
stopped and run again with --resume. The number of lanes begins anew: see \`auditlog lanes grow\`.

The log goes on from its published checkpoint. What a sealer had begun to publish behind that is taken away, and
sealed anew.

Exit code: 0 the tables are whole, 1 batches cannot be read or it failed, 130 stopped by Ctrl-C.

Examples:
  auditlog rebuild --outputs outputs.json
  auditlog rebuild --outputs outputs.json --resume`,
    )
    .action(async (flags: Flags) => {
      const { stdout, stderr, nowMs } = context;
      const stop = context.stopSignal();
      const status = createStatusLine(stderr, nowMs);
      await using operator = await context.openOperator(deploymentOf(flags));
      const rebuilding = operator.rebuild({
        isResumed: flags["resume"] === true,
        isWithoutDamaged: flags["withoutDamaged"] === true,
        stop,
        onProgress: (progress) => status.update(progressText(progress)),
      });
      const report = await status.during(rebuilding);
      await stdout.write(flags["json"] === true ? jsonLine(reportJson(report), stdout) : reportText(report));
      if (report.isFinished) return;
      if (stop.aborted) {
        await stderr.write("auditlog: stopped; the same command with --resume goes on from here\n");
        setExit(EXIT_INTERRUPTED);
      } else setExit(EXIT_FAILED);
    });
}

function progressText({ phase, batches, key }: RebuildProgress): string {
  const hour = /dt=([\d-]+)\/hh=(\d\d)/.exec(key);
  const reached = hour === null ? "" : `, at ${hour[1]} ${hour[2]}:00`;
  return `${PHASES[phase] ?? phase}: ${formatCount(batches)}${reached}`;
}

function reportText(report: RebuildReport): string {
  const { logSize, unpublished, batches, lines, expired, conflicts, overlaps, damaged, isFinished } = report;
  const text = damaged.map(({ key, reason }) => `${printable(key)}: ${printable(reason)}\n`);
  text.push(`${formatCount(batches)} batches with ${formatCount(lines)} lines restored.\n`);
  if (expired > 0) text.push(`${formatCount(expired)} lines left out: their hot retention is over.\n`);
  if (conflicts > 0) text.push(`${formatCount(conflicts)} conflicts noted on the events that came first.\n`);
  if (overlaps > 0)
    text.push(`${formatCount(overlaps)} lines are claimed by two batches; the first one has each.\n`);
  if (isFinished && logSize > 0) text.push(`The log goes on behind ${formatCount(logSize)} leaves.\n`);
  if (isFinished && unpublished > 0)
    text.push(`${formatCount(unpublished)} objects taken away that were never part of a published log.\n`);
  if (isFinished) text.push("The tables are whole and marked; the consumers may run again.\n");
  else if (damaged.length > 0)
    text.push(
      `The tables are not marked: ${formatCount(damaged.length)} objects cannot be read. Bring them back from an older version in the bucket and run it with --resume, or do without their events by --resume --without-damaged.\n`,
    );
  return text.join("");
}

function reportJson(report: RebuildReport): unknown {
  const { logSize, unpublished, batches, lines, expired, conflicts, overlaps, damaged, isFinished } = report;
  return {
    finished: isFinished,
    log_size: logSize,
    unpublished,
    batches,
    lines,
    expired,
    conflicts,
    overlaps,
    damaged,
  };
}
