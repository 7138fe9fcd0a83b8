/** The program `auditlog`: gives the commands of shared/cli the streams, signals and logs of this process. */
import type { WriteStream } from "node:tty";
import type { Output } from "#cli/context.ts";
import { EXIT_INTERRUPTED } from "#cli/context.ts";
import { runCli } from "#cli/program.ts";
import { readConfig } from "#functions/config.ts";
import { readCliConfig } from "#infra/local/config.ts";
import { openAudit } from "#infra/local/open-audit.ts";
import { SOFTWARE_VERSION } from "#infra/local/software-version.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read from us has seen enough, as `head` does.
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}
process.exitCode = await runCli(process.argv.slice(2), {
  stdin: { isTty: process.stdin.isTTY, chunks: () => process.stdin },
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  openAudit,
  serve: async () => (await import("#infra/local/serve.ts")).serve(),
  stopSignal,
  nowMs: Date.now,
  defaultService: () => readConfig().serviceName,
  version: SOFTWARE_VERSION,
});

function outputOf(stream: WriteStream & { fd: 1 | 2 }): Output {
  return {
    write: (text) =>
      new Promise((resolve) => {
        if (stream.write(text)) resolve();
        else stream.once("drain", resolve);
      }),
    isTty: stream.isTTY,
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
    },
    get hasColor() {
      return stream.isTTY && !readCliConfig().isColorless;
    },
  };
}

/** From here on the first Ctrl-C asks to stop in good order, and the second ends the process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.on("SIGINT", () => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stop.abort();
  });
  return stop.signal;
}
