/** The program `auditlog`: gives the commands of shared/cli the streams, signals and logs of this process. */
import { EXIT_INTERRUPTED } from "#cli/context.ts";
import { runCli } from "#cli/program.ts";
import { readConfig } from "#functions/config.ts";
import { readCliConfig } from "#infra/local/config.ts";
import { logAccess } from "#infra/local/log-sources.ts";
import { openAudit } from "#infra/local/open-audit.ts";
import { createOutput } from "#infra/local/output.ts";
import { repairFolder } from "#infra/local/repair-folder.ts";
import { SOFTWARE_VERSION } from "#infra/local/software-version.ts";

const isColorless = (): boolean => readCliConfig().isColorless;
process.exitCode = await runCli(process.argv.slice(2), {
  stdin: { isTty: process.stdin.isTTY, chunks: () => process.stdin },
  stdout: createOutput(process.stdout, isColorless),
  stderr: createOutput(process.stderr, isColorless),
  openAudit,
  repair: repairFolder,
  openOperator: async (target) => (await import("#infra/local/aws-operator.ts")).openOperator(target),
  log: logAccess,
  serve: async () => (await import("#infra/local/serve.ts")).serve(),
  witness: async (run) => (await import("#infra/local/witness-server.ts")).runWitness(run),
  stopSignal,
  nowMs: Date.now,
  defaultService: () => readConfig().serviceName,
  version: SOFTWARE_VERSION,
});

/** From here on the first Ctrl-C asks to stop in good order, and the second ends the process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.on("SIGINT", () => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stop.abort();
  });
  return stop.signal;
}
