/** `auditlog witness`: watches that logs of others only grow, and cosigns their checkpoints. */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { CliContext, WitnessRun } from "#cli/context.ts";
import { ED25519, parseVerifierKey } from "#tlog/note.ts";

const DEFAULT_ADDRESS = { host: "127.0.0.1", port: 8100 };
const DEFAULT_FOLDER = "witness";

export function addWitnessCommand(
  program: Command,
  { witness }: CliContext,
  setExit: (code: number) => void,
): void {
  program
    .command("witness")
    .description("cosign checkpoints of logs that only grow, over HTTP (C2SP tlog-witness)")
    .requiredOption("--log-key <vkey>", "verifier key of a log to watch; once for each", collectKey)
    .option("--listen <host:port>", "where to listen (default: 127.0.0.1:8100)", readAddress)
    .option("--folder <path>", "where its key and the last checkpoints are kept", DEFAULT_FOLDER)
    .option("--name <name>", "its name in cosignatures (default: one made at the first start)")
    .addHelpText(
      "after",
      `
Run it on another machine than the log, with a folder that is never set back: from a backup it would cosign what
contradicts what it cosigned before. Its private key is made at the first start, readable by its owner alone. It prints
its verifier key, which the log's AUDIT_WITNESSES names, and which GET /vkey tells too.

Exit code: 0 stopped by Ctrl-C, 1 it could not start.

Example:
  auditlog witness --log-key "$(curl -s http://127.0.0.1:8000/log/vkey)" --folder witness`,
    )
    .action(async (flags: WitnessFlags) => {
      const { logKey: logKeys, listen = DEFAULT_ADDRESS, folder, name } = flags;
      setExit(await witness({ logKeys, ...listen, folder, name }));
    });
}

interface WitnessFlags {
  readonly logKey: readonly string[];
  readonly listen?: Pick<WitnessRun, "host" | "port">;
  readonly folder: string;
  readonly name?: string;
}

function collectKey(text: string, before: readonly string[] = []): readonly string[] {
  const key = text.trim();
  if (!isLogKey(key)) throw new InvalidArgumentError("It is not the verifier key of a log.");
  return [...before, key];
}

function isLogKey(key: string): boolean {
  try {
    return parseVerifierKey(key).algorithm === ED25519;
  } catch {
    return false;
  }
}

function readAddress(text: string): Pick<WitnessRun, "host" | "port"> {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new InvalidArgumentError("It is not a host and a port, such as 127.0.0.1:8100.");
  }
  return { host, port };
}
