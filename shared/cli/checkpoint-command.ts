/** `auditlog checkpoint`: shows the checkpoint of a log, and keeps it, to be held against the log later. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED } from "#cli/context.ts";
import { addKeyOptions, EXIT_UNDECIDED, KEY_HELP, keysOf, listFlag } from "#cli/log-options.ts";
import { jsonLine } from "#cli/operator-options.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, targetOf, textFlag } from "#cli/options.ts";
import { formatCount, printable, printableLines } from "#cli/terminal-text.ts";
import { checkpointJson, checkpointText } from "#cli/verify-report.ts";
import { checkCheckpoint, witnessFinding } from "#verify/checkpoint-check.ts";
import { UndecidedError } from "#verify/finding.ts";
import { CHECKPOINT, MAX_CHECKPOINT_BYTES } from "#verify/verify-log.ts";

type SetExit = (code: number) => void;

const HELP = `
Without --key the checkpoint is printed as it is, and believed by nobody. With it, its signatures are checked.
A checkpoint that somebody else keeps is what an operator with the signing key cannot take back: give it to auditors,
and hold it against the log later with \`auditlog verify --against <file>\`.
${KEY_HELP}

Exit code: 0, 1 it does not hold, or there is none, 3 undecided: it cannot be read or reached.

Examples:
  auditlog checkpoint --url https://audit.example.com
  auditlog checkpoint logs --key log.vkey -o 2026-03-31.checkpoint`;

export function addCheckpointCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("checkpoint")
    .description("show the checkpoint of a log, and keep it")
    .argument(
      "[place]",
      "folder, live file, s3://bucket/prefix or http address (default: the log of --url or --file)",
    )
    .option("-o, --output <path>", "write the note there")
    .option("--json", "print it as JSON");
  addKeyOptions(command);
  addTargetOptions(command)
    .addHelpText("after", HELP)
    .action(async (place: string | undefined, flags: Flags) => {
      try {
        setExit(await show(place, flags, context));
      } catch (error) {
        if (!(error instanceof UndecidedError)) throw error;
        await context.stderr.write(`auditlog: undecided: ${printable(error.message)}\n`);
        setExit(EXIT_UNDECIDED);
      }
    });
}

async function show(given: string | undefined, flags: Flags, context: CliContext): Promise<number> {
  const { stdout, stderr, nowMs } = context;
  const { source } = await context.log.open(context.log.placeOf(given, targetOf(flags)));
  const bytes = await source.read(CHECKPOINT, MAX_CHECKPOINT_BYTES);
  if (bytes === undefined) {
    await stderr.write(
      `auditlog: ${source.name} has no checkpoint: nothing was sealed yet, or it is no log\n`,
    );
    return EXIT_FAILED;
  }
  const note = Buffer.from(bytes).toString("utf8");
  const output = textFlag(flags, "output");
  if (listFlag(flags, "key").length === 0) {
    if (output === undefined) await stdout.write(stdout.isTty ? printableLines(note) : note);
    else await writeFile(output, note);
    await stderr.write("auditlog: not checked; give the key of the log with --key to check it\n");
    return 0;
  }
  const keys = await keysOf(flags);
  const checked = checkCheckpoint(bytes, keys, CHECKPOINT);
  const required = keys.witnesses.length;
  const finding =
    checked.kind === "refused"
      ? checked.finding
      : witnessFinding(checked.checkpoint, { keys, required, object: CHECKPOINT });
  if (checked.kind === "refused" || finding !== undefined) {
    await stderr.write(`auditlog: the checkpoint does not hold: ${printable(finding?.meaning ?? "")}\n`);
    return EXIT_FAILED;
  }
  if (output !== undefined) await writeFile(output, note);
  const { origin, size } = checked.checkpoint;
  const text = `${printable(origin)}, ${formatCount(size)} leaves\n${checkpointText(checked.checkpoint, nowMs()).join("")}`;
  await stdout.write(flags["json"] === true ? jsonLine(checkpointJson(checked.checkpoint), stdout) : text);
  return 0;
}
