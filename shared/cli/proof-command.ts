/** `auditlog proof`: fetches the proof that an event is in the log, checks it here, and keeps it for later. */
import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import { addKeyOptions, KEY_HELP, keysOf, listFlag } from "#cli/log-options.ts";
import { jsonLine } from "#cli/operator-options.ts";
import type { Flags } from "#cli/options.ts";
import { addTargetOptions, numberFlag, parseCount, targetOf, textFlag } from "#cli/options.ts";
import { addReceiptOption, proofVerdictJson, proofVerdictText } from "#cli/proof-verdict.ts";
import { printable, printableLines } from "#cli/terminal-text.ts";
import type { EventProof } from "#client/audit-service.ts";
import type { ProofVerdict } from "#verify/proof-check.ts";
import { checkProof } from "#verify/proof-check.ts";

type SetExit = (code: number) => void;

const HELP = `
Prints the proof (C2SP tlog-proof). With --key it is checked here, and nothing is printed or written unless it holds:
the line that the service has is what was sealed, its leaf is in the tree, and the tree is signed. With --kept, a proof
that was kept earlier is held against the line that the service has now. With --content-hash, the receipt of the sender too.
${KEY_HELP}

Exit code: 0 printed, and verified where --key is given; 1 not verified, or there is no such event.

Examples:
  auditlog proof 019523ab-6f3e-7c11-9d2a-5b8e0c4f7a21 --key log.vkey -o login.tlog-proof
  auditlog verify login.tlog-proof --line login.tlog-proof.line --key log.vkey
  auditlog proof 019523ab-6f3e-7c11-9d2a-5b8e0c4f7a21 --kept login.tlog-proof --key log.vkey`;

export function addProofCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("proof")
    .description("fetch the proof that an event is in the log, and check it")
    .argument("<id>", "id of the event")
    .option("-o, --output <path>", "write the proof there, and its line to <path>.line")
    .option("--kept <file>", "check this proof, kept earlier, against the line that is stored now")
    .addOption(
      new Option("--wait <seconds>", "wait for the event to be sealed, at most 20").argParser(parseCount),
    )
    .option("--tenant <id>", "tenant; only where the key leaves the choice")
    .option("--json", "print proof and verdict as JSON");
  addReceiptOption(addKeyOptions(command));
  addTargetOptions(command)
    .addHelpText("after", HELP)
    .action(async (id: string, flags: Flags) => {
      if (textFlag(flags, "contentHash") !== undefined && listFlag(flags, "key").length === 0) {
        const message =
          "error: to hold the event against --content-hash, give the verifier key of the log with --key";
        command.error(message, { exitCode: EXIT_USAGE });
      }
      setExit(await prove(id, flags, context));
    });
}

async function prove(id: string, flags: Flags, context: CliContext): Promise<number> {
  const { stdout, stderr, nowMs } = context;
  await using audit = await context.openAudit(targetOf(flags));
  const tenantId = textFlag(flags, "tenant");
  const keptPath = textFlag(flags, "kept");
  if (keptPath !== undefined) {
    const line = await audit.line(id, { tenantId });
    if (line === undefined) return await absent(id, context);
    const verdict = await judge({ id, line, proof: await readFile(keptPath, "utf8") }, flags);
    const text =
      flags["json"] === true
        ? jsonLine(proofVerdictJson(verdict), stdout)
        : proofVerdictText(verdict, nowMs());
    await stdout.write(text);
    return verdict.kind === "proven" ? 0 : EXIT_FAILED;
  }
  const found = await audit.proof(id, { tenantId, waitS: numberFlag(flags, "wait") });
  if (found === undefined) return await absent(id, context);
  const verdict =
    listFlag(flags, "key").length === 0
      ? undefined
      : await judge({ id, line: found.line, proof: found.proof }, flags);
  if (verdict?.kind === "refused") {
    await stderr.write(proofVerdictText(verdict, nowMs()));
    return EXIT_FAILED;
  }
  await give(found, verdict, { flags, context });
  return 0;
}

interface Given {
  readonly id: string;
  readonly line: string;
  readonly proof: string;
}

async function judge({ id, line, proof }: Given, flags: Flags): Promise<ProofVerdict> {
  const keys = await keysOf(flags);
  const witnessesRequired = keys.witnesses.length;
  const contentHash = textFlag(flags, "contentHash");
  return checkProof({
    object: `event ${id}`,
    proof,
    line: Buffer.from(line),
    keys,
    witnessesRequired,
    contentHash,
  });
}

async function give(
  found: EventProof,
  verdict: ProofVerdict | undefined,
  { flags, context }: { readonly flags: Flags; readonly context: CliContext },
): Promise<void> {
  const { stdout, stderr, nowMs } = context;
  const path = textFlag(flags, "output");
  if (path !== undefined) {
    await writeFile(path, found.proof);
    await writeFile(`${path}.line`, found.line);
  } else if (flags["json"] === true) {
    await stdout.write(jsonLine({ ...found, verified: verdict === undefined ? null : true }, stdout));
  } else await stdout.write(stdout.isTty ? printableLines(found.proof) : found.proof);
  if (verdict === undefined) {
    await stderr.write("auditlog: not checked; give the key of the log with --key to check it\n");
  } else if (flags["json"] !== true) await stderr.write(proofVerdictText(verdict, nowMs()));
}

async function absent(id: string, { stderr }: CliContext): Promise<number> {
  await stderr.write(`auditlog: no event has the id ${printable(id)}\n`);
  return EXIT_FAILED;
}
