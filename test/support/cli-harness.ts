// Runs commands of the command line in this process: streams are captured, the log is one in memory.
import type { CliContext, Output } from "#cli/context.ts";
import { runCli } from "#cli/program.ts";
import type { AuditService } from "#client/audit-service.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";
import { logAccess } from "#infra/local/log-sources.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliHarness {
  readonly store: MemoryStore;
  readonly run: (
    args: readonly string[],
    input?: string | readonly (string | Uint8Array)[],
  ) => Promise<CliRun>;
}

export interface HarnessOptions {
  /** Pretends that all streams are a terminal of this width. */
  readonly columns?: number;
  readonly hasColor?: boolean;
  readonly nowMs?: () => number;
  readonly stop?: AbortSignal;
  /** Stands between the commands and the log. */
  readonly wrap?: (audit: AuditService) => AuditService;
  readonly serve?: () => Promise<number>;
  readonly witness?: CliContext["witness"];
  readonly repair?: CliContext["repair"];
  readonly openOperator?: CliContext["openOperator"];
  /** Where verified checkpoints are kept. @default a folder that does not exist */
  readonly stateFolder?: string;
  /** What somebody types on a terminal, in place of the input. */
  readonly typed?: string;
}

export function createCliHarness(options: HarnessOptions = {}): CliHarness {
  const store = new MemoryStore();
  const { wrap = (audit) => audit, nowMs = Date.now, stop = new AbortController().signal } = options;
  const openAudit: CliContext["openAudit"] = async () =>
    wrap(
      createEmbeddedService({
        queue: store,
        store,
        serviceName: undefined,
        letGo: async () => undefined,
      }),
    );
  const run: CliHarness["run"] = async (args, input) => {
    const isTty = options.columns !== undefined;
    const written = { stdout: "", stderr: "" };
    const output = (name: "stdout" | "stderr"): Output => ({
      write: async (text) => {
        written[name] += text;
      },
      hasReader: true,
      isTty,
      columns: options.columns,
      hasColor: options.hasColor ?? false,
    });
    const code = await runCli(args, {
      stdin: {
        isTty: input === undefined || options.typed !== undefined,
        chunks: () => chunksOf(options.typed ?? input ?? ""),
      },
      stdout: output("stdout"),
      stderr: output("stderr"),
      openAudit,
      repair:
        options.repair ??
        (async () => ({ places: [], unrepaired: [], tornPath: undefined, sealedLines: 0, isSound: true })),
      openOperator: options.openOperator ?? (async () => Promise.reject(new Error("there is no deployment"))),
      log: { ...logAccess, stateFolder: () => options.stateFolder ?? "/nonexistent" },
      serve: options.serve ?? (async () => 0),
      witness: options.witness ?? (async () => 0),
      stopSignal: () => stop,
      nowMs,
      defaultService: () => "default-service",
      version: "9.9.9",
    });
    return { code, ...written };
  };
  return { store, run };
}

async function* chunksOf(input: string | readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of typeof input === "string" ? [input] : input) yield Buffer.from(text);
}
