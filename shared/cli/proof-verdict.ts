/** What checking one proof has shown, for people and as JSON. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import { jsonLine } from "#cli/operator-options.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";
import { checkpointJson, checkpointText } from "#cli/verify-report.ts";
import type { TrustedKeys } from "#verify/keys.ts";
import type { ProofVerdict } from "#verify/proof-check.ts";
import { checkProof } from "#verify/proof-check.ts";

export interface ProofCheck {
  /** File with the line. */
  readonly line: string | undefined;
  readonly keys: TrustedKeys;
  readonly witnessesRequired: number;
  /** That of the receipt. */
  readonly contentHash: string | undefined;
  readonly isJson: boolean;
  readonly context: CliContext;
}

export function addReceiptOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--content-hash <hex>",
      "content_hash that the sender of the event was answered; to be that of the line",
    ).argParser(parseContentHash),
  );
}

/** @returns the exit code */
export async function checkOneProof(path: string, check: ProofCheck): Promise<number> {
  const { line: linePath, isJson, context, ...trust } = check;
  if (linePath === undefined) {
    await context.stderr.write("auditlog: give the exact line that the proof is about with --line <file>\n");
    return EXIT_USAGE;
  }
  const [proof, bytes] = await Promise.all([readFile(path, "utf8"), readFile(linePath)]);
  // An editor, or `echo`, ends a line; the stored line has no end of its own.
  const line = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  const verdict = checkProof({ object: linePath, proof, line, ...trust });
  await context.stdout.write(
    isJson ? jsonLine(proofVerdictJson(verdict), context.stdout) : proofVerdictText(verdict, context.nowMs()),
  );
  return verdict.kind === "proven" ? 0 : EXIT_FAILED;
}

function parseContentHash(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("It is not 64 hexadecimal digits.");
}

export function proofVerdictText(verdict: ProofVerdict, nowMs: number): string {
  if (verdict.kind === "proven") {
    const { leaf, checkpoint, contentHash } = verdict;
    const head = `verified: leaf ${leaf} of ${printable(checkpoint.origin)}, ${formatCount(checkpoint.size)} leaves\n`;
    const receipt = contentHash === undefined ? "" : `  content      ${contentHash}, as the receipt says\n`;
    return head + checkpointText(checkpoint, nowMs).join("") + receipt;
  }
  const { object, meaning, found } = verdict.finding;
  return `NOT VERIFIED: ${printable(object)}\n  ${printable(meaning)}\n${found === undefined ? "" : `  found ${printable(found)}\n`}`;
}

export function proofVerdictJson(verdict: ProofVerdict): unknown {
  if (verdict.kind === "refused") return { verified: false, findings: [verdict.finding] };
  const { leaf, checkpoint, contentHash } = verdict;
  const receipt = contentHash === undefined ? {} : { content_hash: contentHash };
  return { verified: true, leaf_index: leaf, checkpoint: checkpointJson(checkpoint), ...receipt };
}
