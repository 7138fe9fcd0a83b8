/** `auditlog repair`: makes a damaged log sound again, without deleting anything. */
import type { Command } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED } from "#cli/context.ts";
import type { Flags } from "#cli/options.ts";
import { textFlag } from "#cli/options.ts";
import { repairJson, repairText } from "#cli/repair-report.ts";
import { safeJson } from "#cli/terminal-text.ts";

export function addRepairCommand(
  program: Command,
  { repair, stdout }: CliContext,
  setExit: (code: number) => void,
): void {
  program
    .command("repair")
    .description("move what is damaged out of the log's files into files beside them; no service may run")
    .option("--dry-run", "list what is damaged, change nothing")
    .option("--json", "print what was found and done as JSON")
    .option("--file <path>", "live file of the log (default: AUDIT_FILE_PATH)")
    .addHelpText(
      "after",
      `
What is damaged is moved byte for byte into <log>-<line>.damaged-… beside the log; a marker takes its place, so
that all other lines keep their numbers. Nothing is deleted, and a repair that was cut off is finished by the next.
Lines that are missing, as with a lost file, cannot be brought back: bring back the file.

Exit code: 0 the log is sound now, 1 something is damaged or missing, or the repair failed.

Examples:
  auditlog repair --dry-run
  auditlog repair --file logs/audit.jsonl`,
    )
    .action(async (flags: Flags) => {
      const isDryRun = flags["dryRun"] === true;
      const report = await repair({ file: textFlag(flags, "file"), isDryRun });
      const json = (): string => {
        const text = repairJson(report, isDryRun);
        return `${stdout.isTty ? safeJson(text) : text}\n`;
      };
      await stdout.write(flags["json"] === true ? json() : repairText(report, isDryRun));
      if (!report.isSound) setExit(EXIT_FAILED);
    });
}
