/** What the commands for operators share: which deployment they are about, how far they are, and asking before they act. */
import type { Command } from "commander";
import type { CliContext, Output } from "#cli/context.ts";
import { EXIT_USAGE } from "#cli/context.ts";
import type { OperatorTarget } from "#cli/operator.ts";
import type { Flags } from "#cli/options.ts";
import { textFlag } from "#cli/options.ts";
import { safeJson } from "#cli/terminal-text.ts";

/** Which deployment: help for all of these commands. */
export const DEPLOYMENT_HELP = `
Which deployment: --outputs names the file that \`cdk deploy --outputs-file <file>\` has written. What it does not
hold is taken from the environment: AUDIT_TABLE_NAME, AUDIT_LEDGER_NAME, AUDIT_QUEUE_URL, AUDIT_QUEUE_DLQ_URL,
AUDIT_INTAKE_DLQ_URL, AUDIT_ARCHIVE_BUCKET, AUDIT_INTAKE_TENANTS and AUDIT_HOT_RETENTION_DAYS, as the functions
have them. Region and credentials are those of the AWS SDK.`;

export function addDeploymentOptions(command: Command): Command {
  return command
    .option("--outputs <file>", "outputs of the deployed stacks (default: names from the environment)")
    .option("--json", "print the result as JSON");
}

export function deploymentOf(flags: Flags): OperatorTarget {
  return { outputs: textFlag(flags, "outputs") };
}

export function jsonLine(value: unknown, { isTty }: Output): string {
  const text = JSON.stringify(value);
  return `${isTty ? safeJson(text) : text}\n`;
}

const LINE_MS = 5000;
const REDRAW_MS = 200;
const CLEAR_LINE = "\r\u001b[2K";

export interface StatusLine {
  readonly update: (text: string) => Promise<void>;
  /** Waits for work that updates it, and takes it away from a terminal. */
  readonly during: <Result>(work: Promise<Result>) => Promise<Result>;
}

/** How far a command is, on standard error: one line that is redrawn on a terminal, a line every 5 s elsewhere. */
export function createStatusLine({ write, isTty, columns }: Output, nowMs: () => number): StatusLine {
  let drawnMs = isTty ? 0 : nowMs();
  let isDrawn = false;
  return {
    update: async (text) => {
      const now = nowMs();
      if (now - drawnMs < (isTty ? REDRAW_MS : LINE_MS)) return;
      drawnMs = now;
      isDrawn = isTty;
      await write(isTty ? `${CLEAR_LINE}${text.slice(0, (columns ?? 80) - 1)}` : `${text}\n`);
    },
    during: async (work) => {
      try {
        return await work;
      } finally {
        if (isDrawn) await write(CLEAR_LINE);
        isDrawn = false;
      }
    },
  };
}

/**
 * Asks whoever types, unless `--yes` was given.
 * @returns whether to go on; ends with a usage error where nobody can be asked
 */
export async function isConfirmed(
  question: string,
  { stdin, stderr }: CliContext,
  { flags, command }: { readonly flags: Flags; readonly command: Command },
): Promise<boolean> {
  if (flags["yes"] === true) return true;
  if (!stdin.isTty) command.error("error: nobody can be asked here; give --yes", { exitCode: EXIT_USAGE });
  await stderr.write(`${question} [y/N] `);
  for await (const chunk of stdin.chunks())
    return /^\s*y(es)?\s*$/i.test(Buffer.from(chunk).toString("utf8"));
  return false;
}
