/** What checking one proof has shown, for people and as JSON. */
import { readFile } from "node:fs/promises";
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
  readonly isJson: boolean;
  readonly context: CliContext;
}

/** @returns the exit code */
export async function checkOneProof(path: string, check: ProofCheck): Promise<number> {
  const { line: linePath, keys, witnessesRequired, isJson, context } = check;
  if (linePath === undefined) {
    await context.stderr.write("auditlog: give the exact line that the proof is about with --line <file>\n");
    return EXIT_USAGE;
  }
  const [proof, bytes] = await Promise.all([readFile(path, "utf8"), readFile(linePath)]);
  // An editor, or `echo`, ends a line; the stored line has no end of its own.
  const line = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  const verdict = checkProof({ object: linePath, proof, line, keys, witnessesRequired });
  await context.stdout.write(
    isJson ? jsonLine(proofVerdictJson(verdict), context.stdout) : proofVerdictText(verdict, context.nowMs()),
  );
  return verdict.kind === "proven" ? 0 : EXIT_FAILED;
}

export function proofVerdictText(verdict: ProofVerdict, nowMs: number): string {
  if (verdict.kind === "proven") {
    const { leaf, checkpoint } = verdict;
    const head = `verified: leaf ${leaf} of ${printable(checkpoint.origin)}, ${formatCount(checkpoint.size)} leaves\n`;
    return head + checkpointText(checkpoint, nowMs).join("");
  }
  const { object, meaning, found } = verdict.finding;
  return `NOT VERIFIED: ${printable(object)}\n  ${printable(meaning)}\n${found === undefined ? "" : `  found ${printable(found)}\n`}`;
}

export function proofVerdictJson(verdict: ProofVerdict): unknown {
  if (verdict.kind === "refused") return { verified: false, findings: [verdict.finding] };
  return { verified: true, leaf_index: verdict.leaf, checkpoint: checkpointJson(verdict.checkpoint) };
}
