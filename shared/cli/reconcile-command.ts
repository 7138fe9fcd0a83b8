/** `auditlog reconcile`: log, rows, segments and hot store of a deployment on AWS compared, from the first leaf on. */
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
import type { ReconcileReport } from "#cli/operator.ts";
import type { Flags } from "#cli/options.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";

export function addReconcileCommand(
  program: Command,
  context: CliContext,
  setExit: (code: number) => void,
): void {
  const command = program
    .command("reconcile")
    .description("compare log, rows, segments and hot store of a deployment on AWS")
    .option("--restore-rows", "write rows of sealed batches anew that are missing, from manifests");
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Winners and conflicts of sealed batches, the size of the published log and lines in segments must be equal, and each
event that the hot store still keeps must be there under its id. The maintain function does so every night for what
is new; this reads every segment. Signatures, tiles and contents are checked by \`auditlog verify\`.

Exit code: 0 all is equal, 1 something is missing or different, 130 stopped by Ctrl-C.

Example:
  auditlog reconcile --outputs outputs.json`,
    )
    .action(async (flags: Flags) => {
      const { stdout, stderr, nowMs } = context;
      const stop = context.stopSignal();
      const status = createStatusLine(stderr, nowMs);
      await using operator = await context.openOperator(deploymentOf(flags));
      const comparing = operator.reconcile({
        isRestoring: flags["restoreRows"] === true,
        stop,
        onProgress: (leaf, size) =>
          status.update(`${formatCount(leaf)} of ${formatCount(size)} leaves compared`),
      });
      const report = await status.during(comparing);
      if (report === undefined) {
        await stderr.write(stop.aborted ? "auditlog: stopped\n" : "auditlog: there is no log yet\n");
        setExit(stop.aborted ? EXIT_INTERRUPTED : EXIT_FAILED);
        return;
      }
      await stdout.write(flags["json"] === true ? jsonLine(report, stdout) : reportText(report));
      if (!isEqual(report)) setExit(EXIT_FAILED);
    });
}

function isEqual(report: ReconcileReport): boolean {
  const { log_size_difference, missing_items, missing_rows, wrong_rows, missing_segments } = report;
  return log_size_difference + missing_items + missing_rows + wrong_rows + missing_segments === 0;
}

function reportText(report: ReconcileReport): string {
  const text = report.problems.map((problem) => `${printable(problem)}\n`);
  const sides: readonly (readonly [string, number])[] = [
    ["leaves of the published log", report.log_size],
    ["winners and conflicts of sealed batches", report.row_leaves],
    ["lines in segments", report.segment_lines],
  ];
  for (const [name, count] of sides) text.push(`${formatCount(count)} ${name}\n`);
  const found: readonly (readonly [number, string])[] = [
    [report.missing_segments, "segments or manifests are missing"],
    [report.missing_rows, "rows were missing"],
    [report.wrong_rows, "rows say something else than their manifest"],
    [report.missing_items, "items are missing in the hot store"],
    [report.late_duplicates, "events stand at two leaves, sent again after their first item was gone"],
  ];
  for (const [count, what] of found) if (count > 0) text.push(`${formatCount(count)} ${what}\n`);
  text.push(
    isEqual(report)
      ? "All is equal.\n"
      : "Not equal: see docs/operations.md#log-incomplete for what to do.\n",
  );
  return text.join("");
}
