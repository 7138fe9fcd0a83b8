/** `auditlog lanes`: over how many partitions the timeline of each tenant is spread, how busy they are, and more of them. */
import type { Command } from "commander";
import { Option } from "commander";
import type { CliContext } from "#cli/context.ts";
import { EXIT_FAILED } from "#cli/context.ts";
import {
  addDeploymentOptions,
  DEPLOYMENT_HELP,
  deploymentOf,
  isConfirmed,
  jsonLine,
} from "#cli/operator-options.ts";
import type { LaneEpoch, LaneReport } from "#cli/operator.ts";
import type { Flags } from "#cli/options.ts";
import { numberFlag, parseCount, textFlag } from "#cli/options.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";

const DEFAULT_TENANT = "default";

export function addLanesCommand(
  program: Command,
  context: CliContext,
  setExit: (code: number) => void,
): void {
  const command = program
    .command("lanes")
    .description("lanes of the timeline of a deployment on AWS, and how busy they are")
    .option("--tenant <id>", "whose load to measure", DEFAULT_TENANT);
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

A lane takes 1,000 writes a second. Each tenant has its own lanes, and one more, n, for what is notable: levels
ERROR and CRITICAL, category SECURITY. The load is counted in the index and is of events by their own times.

Examples:
  auditlog lanes --tenant acme
  auditlog lanes grow --lanes 8 --spread 2`,
    )
    .action(async (flags: Flags) => {
      const { stdout, nowMs } = context;
      await using operator = await context.openOperator(deploymentOf(flags));
      const report = await operator.readLanes(textFlag(flags, "tenant") ?? DEFAULT_TENANT);
      await stdout.write(
        flags["json"] === true ? jsonLine(lanesJson(report, nowMs()), stdout) : lanesText(report, nowMs()),
      );
    });
  addGrow(command, context, setExit);
}

function addGrow(parent: Command, context: CliContext, setExit: (code: number) => void): void {
  const command = parent
    .command("grow")
    .description("publish more lanes; there is no way back to fewer")
    .addOption(
      new Option("--lanes <count>", "lanes of each tenant, at most 64")
        .argParser(parseCount)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--spread <count>", "lanes that one service takes (default: as now)").argParser(parseCount),
    )
    .option("--yes", "do not ask");
  addDeploymentOptions(command)
    .addHelpText(
      "after",
      `${DEPLOYMENT_HELP}

Writers use the new lanes 15 minutes after this, when every reader knows them. What is stored stays where it is
and is found as before. Each page of a query asks every lane: take no more than the load needs.

Exit code: 0 published, 1 not.

Example:
  auditlog lanes grow --lanes 8 --yes`,
    )
    .action(async (flags: Flags) => {
      const { stdout, stderr } = context;
      const target = { ...deploymentOf(parent.opts()), ...definedOnly(deploymentOf(flags)) };
      await using operator = await context.openOperator(target);
      const newest = (await operator.readLanes(DEFAULT_TENANT)).epochs.at(-1);
      const lanes = numberFlag(flags, "lanes") ?? 0;
      const spread = numberFlag(flags, "spread") ?? newest?.spread ?? 1;
      const question = `Grow from ${settingText(newest)} to ${settingText({ lanes, spread })}, for good?`;
      if (!(await isConfirmed(question, context, { flags, command }))) {
        await stderr.write("auditlog: nothing was changed\n");
        setExit(EXIT_FAILED);
        return;
      }
      const epoch = await operator.growLanes({ lanes, spread });
      const text = `Epoch ${epoch.number}, ${settingText(epoch)}, is published; writers use it from ${timeText(epoch)} on.\n`;
      const isJson = flags["json"] === true || parent.opts()["json"] === true;
      await stdout.write(isJson ? jsonLine(epochJson(epoch), stdout) : text);
    });
}

function definedOnly<T extends object>(value: T): Partial<T> {
  // cast: entries of the object itself.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>;
}

function lanesText({ epochs, loads, windowMs }: LaneReport, nowMs: number): string {
  const lines = epochs.map((epoch) => {
    const isWaiting = epoch.activeFromMs > nowMs;
    const isNewestActive = epochs.findLast(({ activeFromMs }) => activeFromMs <= nowMs) === epoch;
    const state = isWaiting ? `in use from ${timeText(epoch)} on` : isNewestActive ? "in use" : "read only";
    return `epoch ${epoch.number}: ${settingText(epoch)}, ${state}\n`;
  });
  const seconds = windowMs / 1000;
  lines.push(`Events of the last ${formatCount(Math.round(seconds / 60))} minutes by lane:\n`);
  for (const { lane, events, isMore } of loads) {
    const rate = (events / seconds).toFixed(1);
    const count = `${formatCount(events)}${isMore ? " or more" : ""}`;
    lines.push(`  ${printable(lane).padEnd(2)}  ${count}, ${rate}/s${isMore ? " or more" : ""}\n`);
  }
  return lines.join("");
}

function lanesJson({ epochs, loads, windowMs }: LaneReport, nowMs: number): unknown {
  return {
    epochs: epochs.map((epoch) => ({ ...epochJson(epoch), active: epoch.activeFromMs <= nowMs })),
    window_s: windowMs / 1000,
    loads: loads.map(({ lane, events, isMore }) => ({ lane, events, is_more: isMore })),
  };
}

function epochJson({ number, lanes, spread, activeFromMs }: LaneEpoch): Readonly<Record<string, unknown>> {
  return { number, lanes, spread, active_from: new Date(activeFromMs).toISOString() };
}

function settingText(setting: Pick<LaneEpoch, "lanes" | "spread"> | undefined): string {
  if (setting === undefined) return "no lanes";
  const { lanes, spread } = setting;
  return `${lanes} ${lanes === 1 ? "lane" : "lanes"}, ${spread} for each service`;
}

function timeText({ activeFromMs }: Pick<LaneEpoch, "activeFromMs">): string {
  return new Date(activeFromMs).toISOString();
}
