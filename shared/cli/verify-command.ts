/** `auditlog verify`: checks a whole log, or one proof, from its bytes and a public key alone. */
import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import {
  addKeyOptions,
  collect,
  EXIT_UNDECIDED,
  KEY_HELP,
  keysOf,
  knownCheckpoints,
  listFlag,
  readState,
  statePath,
  UsageError,
  writeState,
} from "#cli/log-options.ts";
import { createStatusLine, jsonLine } from "#cli/operator-options.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, numberFlag, parseCount, targetOf, textFlag } from "#cli/options.ts";
import { addReceiptOption, checkOneProof } from "#cli/proof-verdict.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";
import { isPlain, verdictJson, verdictText } from "#cli/verify-report.ts";
import { isMissing } from "#verify/folder-source.ts";
import type { Verdict } from "#verify/verify-log.ts";
import { verifyLog } from "#verify/verify-log.ts";

type SetExit = (code: number) => void;

const HELP = `
What is checked of a folder or a bucket: the signature of the checkpoint, every tile and bundle of hashes, every line,
and that the log only grew since the checkpoint that was verified last, which is kept in a state file, and since those
that --against names. Of an http address all but the lines. Of a proof in a file: that its line is in the log.
${KEY_HELP}

Exit code: 0 verified, 1 not verified: the first difference is named, 2 wrong usage, 3 undecided: something cannot be
read or reached, be it the log, a key or a file.

Examples:
  auditlog verify logs --key log.vkey
  auditlog verify s3://archive-bucket --key log.vkey --witness witness.vkey
  auditlog verify https://audit.example.com --key log.vkey --against january.checkpoint
  auditlog verify event.tlog-proof --line event.line --key log.vkey`;

export function addVerifyCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("verify")
    .description("check that a log is what was signed, and only grew; needs nothing but its bytes and a key")
    .argument(
      "[place]",
      "folder, live file, s3://bucket/prefix, http address, or a .tlog-proof file (default: the log of --url or --file)",
    );
  addReceiptOption(addKeyOptions(command))
    .addOption(
      new Option(
        "--witnesses-required <count>",
        "so many of them suffice (default: all of --witness)",
      ).argParser(parseCount),
    )
    .option("--against <file>", "checkpoint kept elsewhere, or by a witness (can be repeated)", collect)
    .option(
      "--state <file>",
      "where the last verified checkpoint is kept (default: in the user's state folder)",
    )
    .option("--no-state", "keep and compare none")
    .option("--line <file>", "the exact line that a proof is about")
    .option("--quiet", "print nothing where all of it is verified and nothing was erased")
    .option("--json", "print the verdict as JSON");
  addTargetOptions(command)
    .addHelpText("after", HELP)
    .action(async (place: string | undefined, flags: Flags) => {
      if (listFlag(flags, "key").length === 0) {
        command.error("error: give the verifier key of the log with --key", { exitCode: EXIT_USAGE });
      }
      try {
        setExit(await verify(place, { flags, context }));
      } catch (error) {
        if (error instanceof UsageError) throw error;
        // Whatever it is: nothing was found wrong with the log, which is what 1 says.
        const reason = error instanceof Error ? error.message : String(error);
        await context.stderr.write(`auditlog: undecided: ${printable(reason)}\n`);
        setExit(EXIT_UNDECIDED);
      }
    });
}

interface Run {
  readonly flags: Flags;
  readonly context: CliContext;
}

async function verify(given: string | undefined, { flags, context }: Run): Promise<number> {
  const keys = await keysOf(flags);
  const witnessesRequired = numberFlag(flags, "witnessesRequired") ?? keys.witnesses.length;
  if (given !== undefined && (await isProof(given))) {
    return checkOneProof(given, {
      line: textFlag(flags, "line"),
      keys,
      witnessesRequired,
      contentHash: textFlag(flags, "contentHash"),
      isJson: flags["json"] === true,
      context,
    });
  }
  if (textFlag(flags, "contentHash") !== undefined) {
    await context.stderr.write(
      "auditlog: --content-hash is about one event: give its .tlog-proof and --line\n",
    );
    return EXIT_USAGE;
  }
  const { source, stem } = await context.log.open(context.log.placeOf(given, targetOf(flags)));
  const state = statePath(flags, keys, context.log.stateFolder);
  const known = [
    ...(state === undefined ? [] : await readState(state, keys)),
    ...(await knownCheckpoints(listFlag(flags, "against"))),
  ];
  const status = createStatusLine(context.stderr, context.nowMs);
  const startedMs = context.nowMs();
  const isQuiet = flags["quiet"] === true;
  const verdict = await status.during(
    verifyLog({
      source,
      stem,
      keys,
      witnessesRequired,
      known,
      onProgress: async ({ leaves, size }) => {
        if (!isQuiet)
          await status.update(progressText({ leaves, size, elapsedMs: context.nowMs() - startedMs }));
      },
    }),
  );
  await print(verdict, { isQuiet, isJson: flags["json"] === true, context });
  if (!verdict.isVerified) return EXIT_FAILED;
  if (state !== undefined && verdict.checkpoint !== undefined) await writeState(state, verdict.checkpoint);
  return 0;
}

async function print(
  verdict: Verdict,
  {
    isQuiet,
    isJson,
    context,
  }: { readonly isQuiet: boolean; readonly isJson: boolean; readonly context: CliContext },
): Promise<void> {
  if (isQuiet && isPlain(verdict)) return;
  const text = isJson
    ? jsonLine(verdictJson(verdict), context.stdout)
    : verdictText(verdict, context.nowMs());
  await context.stdout.write(text);
}

function progressText({
  leaves,
  size,
  elapsedMs,
}: {
  leaves: number;
  size: number;
  elapsedMs: number;
}): string {
  const rate = elapsedMs > 0 ? Math.round((leaves * 1000) / elapsedMs) : 0;
  return `${Math.floor((leaves * 100) / size)} %, ${formatCount(leaves)} of ${formatCount(size)} leaves, ${formatCount(rate)}/s`;
}

const PROOF_START = "c2sp.org/tlog-proof@";

async function isProof(path: string): Promise<boolean> {
  if (/^[a-z0-9]+:\/\//.test(path)) return false;
  try {
    if (!(await stat(path)).isFile() || path.endsWith(".jsonl")) return false;
    return (await readFile(path, "utf8")).startsWith(PROOF_START);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
