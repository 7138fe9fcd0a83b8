/** `auditlog dlq`: messages that could not be consumed, looked at and brought back. */
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED } from "#cli/context.ts";
import { lettersJson, lettersText, queuesText, redriveJson, redriveText } from "#cli/dlq-report.ts";
import {
  addDeploymentOptions,
  createStatusLine,
  DEPLOYMENT_HELP,
  deploymentOf,
  jsonLine,
} from "#cli/operator-options.ts";
import type { Flags } from "#cli/options.ts";
import { numberFlag, parseCount } from "#cli/options.ts";
import { formatCount } from "#cli/terminal-text.ts";

type SetExit = (code: number) => void;

const DEFAULT_SHOWN = 10;
/** Of each queue, for the oldest that `list` names. */
const SAMPLE = 10;

export function addDlqCommand(program: Command, context: CliContext, setExit: SetExit): void {
  const command = program
    .command("dlq")
    .description("dead letters of a deployment on AWS: list, show, and redrive what failed for good")
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Examples:
  auditlog dlq list --outputs outputs.json
  auditlog dlq show --max 3
  auditlog dlq redrive --dry-run`,
    );
  addList(command, context);
  addShow(command, context);
  addRedrive(command, context, setExit);
}

function addList(parent: Command, context: CliContext): void {
  const command = parent.command("list").description("how many there are, and the oldest of a sample");
  addDeploymentOptions(command)
    .addHelpText("after", `${DEPLOYMENT_HELP}\n\nExample:\n  auditlog dlq list`)
    .action(async (flags: Flags) => {
      const { stdout } = context;
      await using operator = await context.openOperator(deploymentOf(flags));
      const counts = await operator.countLetters();
      const isEmpty = counts.every(({ waiting }) => waiting === 0);
      const sample = isEmpty ? [] : await operator.readLetters(SAMPLE);
      const queues = counts.map((count) => {
        const own = sample.filter(({ queue }) => queue === count.queue);
        const times = own.map(({ sentAtMs }) => sentAtMs);
        const oldestMs = times.length === 0 ? undefined : Math.min(...times);
        return { ...count, oldestMs, messageIds: own.map(({ messageId }) => messageId) };
      });
      const json = queues.map(({ queue, waiting, taken, oldestMs, messageIds }) => {
        const oldest = oldestMs === undefined ? null : new Date(oldestMs).toISOString();
        return { queue, waiting, taken, oldest_of_sample: oldest, sample: messageIds };
      });
      await stdout.write(
        flags["json"] === true ? jsonLine(json, stdout) : queuesText(queues, context.nowMs()),
      );
    });
}

function addShow(parent: Command, context: CliContext): void {
  const command = parent
    .command("show")
    .description("what some of them hold, and what would become of each event; they stay where they are")
    .addOption(
      new Option("--max <count>", "of each queue at most so many")
        .argParser(parseCount)
        .default(DEFAULT_SHOWN),
    )
    .option("--payload", "print the events themselves, which may hold personal data");
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Why a message failed is in the log of the consume function, by its message id.

Example:
  auditlog dlq show --max 3 --payload`,
    )
    .action(async (flags: Flags) => {
      const { stdout } = context;
      await using operator = await context.openOperator(deploymentOf(flags));
      const letters = await operator.readLetters(numberFlag(flags, "max") ?? DEFAULT_SHOWN);
      const hasPayload = flags["payload"] === true;
      await stdout.write(
        flags["json"] === true
          ? lettersJson(letters, hasPayload)
              .map((entry) => jsonLine(entry, stdout))
              .join("")
          : lettersText(letters, { hasPayload, nowMs: context.nowMs() }),
      );
    });
}

function addRedrive(parent: Command, context: CliContext, setExit: SetExit): void {
  const command = parent
    .command("redrive")
    .description("send their events again, once what failed is mended; each is stored once")
    .addOption(new Option("--max <count>", "at most so many messages").argParser(parseCount))
    .option("--dry-run", "read them, count, change nothing");
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Every event keeps the id, time and tenant that it has from its first message and sender: events of intake are
stamped and travel on as stored lines. A message is deleted only when its events are in the queue again, so this
can be stopped and run again at any time. What can never be stored is put into quarantine/ of the archive and
counted apart: "sent again" are only messages that held an event which can be stored. Do not redrive by the
console: it gives messages new ids.

Exit code: 0 all is back, 1 something was left, 130 stopped by Ctrl-C.

Example:
  auditlog dlq redrive --outputs outputs.json`,
    )
    .action(async (flags: Flags) => {
      const { stdout, stderr, nowMs } = context;
      const isDryRun = flags["dryRun"] === true;
      const stop = context.stopSignal();
      const status = createStatusLine(stderr, nowMs);
      await using operator = await context.openOperator(deploymentOf(flags));
      const redriving = operator.redrive({
        maxMessages: numberFlag(flags, "max"),
        isDryRun,
        stop,
        onProgress: ({ messages, events, quarantined }) =>
          status.update(
            `${formatCount(messages)} messages, ${formatCount(events)} events, ${formatCount(quarantined)} quarantined`,
          ),
      });
      const report = await status.during(redriving);
      await stdout.write(
        flags["json"] === true
          ? jsonLine(redriveJson(report, isDryRun), stdout)
          : redriveText(report, isDryRun),
      );
      if (stop.aborted) setExit(EXIT_INTERRUPTED);
      else if (report.left.length > 0) setExit(EXIT_FAILED);
    });
}
