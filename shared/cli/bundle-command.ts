/** `auditlog bundle`: writes a folder that an auditor verifies with one command, offline. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import { addKeyOptions, EXIT_UNDECIDED, KEY_HELP, keysOf, listFlag } from "#cli/log-options.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, targetOf, textFlag } from "#cli/options.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";
import { verdictText } from "#cli/verify-report.ts";
import { parseInstant } from "#lib/instant.ts";
import { checkCheckpoint } from "#verify/checkpoint-check.ts";
import { UndecidedError } from "#verify/finding.ts";
import { createFolderSource } from "#verify/folder-source.ts";
import { CHECKPOINT, MAX_CHECKPOINT_BYTES, verifyLog } from "#verify/verify-log.ts";
import type { RangeEnd, WrittenBundle } from "#verify/write-bundle.ts";
import { writeBundle } from "#verify/write-bundle.ts";

type SetExit = (code: number) => void;

const DAY_END = "T23:59:59.999Z";
const HELP = `
The folder holds the lines from the first to the last leaf of the range, all hashes of the tree, which tell nothing of
other lines, and the checkpoint. It is verified before the command ends. --from and --to are leaf numbers or times of
acceptance (RFC 3339, or a date), both inclusive; lines between the first and the last that fit are all included.
${KEY_HELP}

Exit code: 0 written and verified, 1 what was written does not verify, 3 undecided: something cannot be read.

Examples:
  auditlog bundle logs --from 2026-01-01 --to 2026-03-31 --key log.vkey -o q1
  auditlog verify q1 --key log.vkey
  auditlog bundle s3://archive-bucket --from 0 --to 9999 --key log.vkey -o first && tar czf first.tar.gz first`;

export function addBundleCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("bundle")
    .description("write what an auditor receives: lines of a range, hashes, checkpoint")
    .argument("[place]", "folder, live file or s3://bucket/prefix (default: the log of --file)")
    .addOption(
      new Option("--from <leaf|time>", "the first").argParser((text) => parseEnd(text, "T00:00:00Z")),
    )
    .addOption(new Option("--to <leaf|time>", "the last").argParser((text) => parseEnd(text, DAY_END)))
    .requiredOption("-o, --output <folder>", "new folder to write to");
  addKeyOptions(command);
  addTargetOptions(command)
    .addHelpText("after", HELP)
    .action(async (place: string | undefined, flags: Flags) => {
      if (listFlag(flags, "key").length === 0) {
        command.error("error: give the verifier key of the log with --key", { exitCode: EXIT_USAGE });
      }
      try {
        setExit(await bundle(place, flags, context));
      } catch (error) {
        if (!(error instanceof UndecidedError)) throw error;
        await context.stderr.write(`auditlog: undecided: ${printable(error.message)}\n`);
        setExit(EXIT_UNDECIDED);
      }
    });
}

async function bundle(given: string | undefined, flags: Flags, context: CliContext): Promise<number> {
  const keys = await keysOf(flags);
  const { source, stem } = await context.log.open(context.log.placeOf(given, targetOf(flags)));
  const bytes = await source.read(CHECKPOINT, MAX_CHECKPOINT_BYTES);
  if (bytes === undefined) throw new UndecidedError(`${source.name} has no checkpoint`);
  const checked = checkCheckpoint(bytes, keys, CHECKPOINT);
  if (checked.kind === "refused") {
    await context.stderr.write(
      `auditlog: the checkpoint does not hold: ${printable(checked.finding.meaning)}\n`,
    );
    return EXIT_FAILED;
  }
  const folder = textFlag(flags, "output") ?? "";
  await makeEmpty(folder);
  const { checkpoint } = checked;
  const [from, to] = [endOf(flags["from"]), endOf(flags["to"])];
  const written = await writeBundle({ source, stem, checkpoint, from, to, folder });
  await writeFile(
    join(folder, "README.txt"),
    readme(written, { origin: checkpoint.origin, size: checkpoint.size }),
  );
  const verdict = await verifyLog({
    source: createFolderSource(folder),
    keys,
    witnessesRequired: 0,
    known: [],
  });
  await context.stdout.write(verdictText(verdict, context.nowMs()));
  return verdict.isVerified ? 0 : EXIT_FAILED;
}

async function makeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty; name a new folder`);
}

function parseEnd(text: string, timeOfDay: string): RangeEnd {
  const leaf = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(leaf)) return { kind: "leaf", leaf };
  const instant = parseInstant(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}${timeOfDay}` : text);
  if (typeof instant === "string") throw new InvalidArgumentError("It is neither a leaf number nor a time.");
  return { kind: "time", ms: instant.seconds * 1000 + Math.floor(instant.nanos / 1_000_000) };
}

function endOf(value: unknown): RangeEnd | undefined {
  // cast: parseEnd has made it
  return value as RangeEnd | undefined;
}

function readme(
  { firstLeaf, count, tiles }: WrittenBundle,
  log: { readonly origin: string; readonly size: number },
): string {
  return `Lines of leaves ${firstLeaf} to ${firstLeaf + count - 1} of the audit log ${log.origin}, which had ${formatCount(log.size)} leaves.

lines/          the stored lines, one event each; leaf ${firstLeaf} is the first
log/checkpoint  what the log has signed: its size and the root of its tree (C2SP tlog-checkpoint)
log/tile/       ${formatCount(tiles)} tiles and bundles: all hashes of the tree (C2SP tlog-tiles)
range.json      which leaves there are lines of
log/vkey        the verifier key as the log gives it; use one that you have from elsewhere

To verify it:

    npx -p audit-service auditlog verify . --key <file with the verifier key>

It says "verified", in part where these are not all lines of the log, where every line is what was sealed under this
checkpoint, and names the first difference where one is not. Lines outside of the range are not there, and are not
checked; their hashes are.
`;
}
