/** The command line `auditlog`: all commands, and how their outcome becomes an exit code and at most one line of error. */
import { Command, CommanderError } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_USAGE } from "#cli/context.ts";
import { addBundleCommand } from "#cli/bundle-command.ts";
import { addCheckpointCommand } from "#cli/checkpoint-command.ts";
import { addDlqCommand } from "#cli/dlq-command.ts";
import { addImportCommand } from "#cli/import-command.ts";
import { addLanesCommand } from "#cli/lanes-command.ts";
import { describeErrors } from "#cli/lines.ts";
import { UsageError } from "#cli/log-options.ts";
import { addExportCommand, addGetCommand, addHealthCommand, addQueryCommand } from "#cli/read-commands.ts";
import { addProofCommand } from "#cli/proof-command.ts";
import { addRebuildCommand } from "#cli/rebuild-command.ts";
import { addReconcileCommand } from "#cli/reconcile-command.ts";
import { addRepairCommand } from "#cli/repair-command.ts";
import { addSendCommand } from "#cli/send-command.ts";
import { printable, printableLines } from "#cli/terminal-text.ts";
import { addVerifyCommand } from "#cli/verify-command.ts";
import { addWitnessCommand } from "#cli/witness-command.ts";
import { AuditServiceError } from "#lib/errors.ts";

const DESCRIPTION = "An audit log: send events, find them, import and export them.";
const HELP = `
Which log: --url or AUDIT_URL names a running service, with the key in AUDIT_API_KEY. Without it the log in
the folder of AUDIT_FILE_PATH is used: opened directly, or through the service that has it open.

Examples:
  auditlog serve
  auditlog send --service shop --action user_login --user alice
  auditlog query --level ERROR --since 24h
  auditlog import --format cloudtrail AWSLogs/`;

/**
 * Runs one command.
 * @param args what follows the program's name
 * @returns the exit code: 0, 1 failed, 2 wrong usage, 3 undecided (see `verify`), 130 stopped by Ctrl-C
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0;
  const written: Promise<void>[] = [];
  const setExit = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(context, { setExit, written });
  try {
    await program.parseAsync(args, { from: "user" }).catch((error: unknown) => {
      // commander has said what is wrong already, or has shown the help that was asked for.
      if (!(error instanceof CommanderError)) throw error;
      exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    });
    await Promise.all(written);
    return exitCode;
  } catch (error) {
    await context.stderr.write(`auditlog: ${describe(error)}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

interface Outcome {
  readonly setExit: (code: number) => void;
  /** What commander has written itself: help, usage errors. */
  readonly written: Promise<void>[];
}

function createProgram(context: CliContext, { setExit, written }: Outcome): Command {
  const program = new Command("auditlog")
    .description(DESCRIPTION)
    .version(context.version, "-V, --version", "print the version")
    .helpCommand("help [command]", "show the help of a command")
    .showHelpAfterError("Run with --help for all options.")
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => written.push(context.stdout.write(text)),
      outputError: (text, write) => write(printableLines(text.replace(/^error: /, "auditlog: "))),
      writeErr: (text) => written.push(context.stderr.write(text)),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
      getOutHasColors: () => context.stdout.hasColor,
      getErrHasColors: () => context.stderr.hasColor,
    });
  program
    .command("serve")
    .description("run the service with the configuration of the environment, as npm start does")
    .addHelpText("after", "\nExample:\n  AUDIT_API_PORT=8000 AUDIT_FILE_PATH=logs/audit.jsonl auditlog serve")
    .action(async () => setExit(await context.serve()));
  addSendCommand(program, context, setExit);
  addQueryCommand(program, context);
  addGetCommand(program, context, setExit);
  addExportCommand(program, context);
  addHealthCommand(program, context, setExit);
  addImportCommand(program, context, setExit);
  addRepairCommand(program, context, setExit);
  addVerifyCommand(program, context, setExit);
  addProofCommand(program, context, setExit);
  addCheckpointCommand(program, context, setExit);
  addBundleCommand(program, context, setExit);
  addDlqCommand(program, context, setExit);
  addRebuildCommand(program, context, setExit);
  addReconcileCommand(program, context, setExit);
  addLanesCommand(program, context, setExit);
  addWitnessCommand(program, context, setExit);
  return program;
}

/** One line, whatever was thrown. Places in the input stand behind the message where it does not name them itself. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const isUnlisted =
    error instanceof AuditServiceError &&
    error.errors.slice(1).some(({ message }) => !error.message.includes(message));
  const text = isUnlisted ? `${error.message} (${describeErrors(error.errors)})` : error.message;
  return printable(text.replaceAll(/:\s*\n\s*/g, ": ").replaceAll(/\s*\n\s*/g, "; "));
}
