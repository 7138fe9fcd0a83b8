/**
 * How fast `auditlog verify` checks a whole log: `node --conditions=source test/bench/verify.ts [--events 1000000]`. Plain
 * local files, and compressed segments of a bucket, each beside the bare work of reading and hashing the same lines. The log
 * is made by a process of its own, so that the memory is that of verifying alone.
 */
import { execFileSync } from "node:child_process";
import { hash, randomFillSync } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { prepareEvent } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import { batchJson } from "#test/bench/events.ts";
import { newKey, ORIGIN, writeLog } from "#test/support/tampered-logs.ts";
import { createFolderSource } from "#verify/folder-source.ts";
import { readKeys } from "#verify/keys.ts";
import { verifyLog } from "#verify/verify-log.ts";

const DEFAULT_EVENTS = 500_000;
const EVENTS_PER_BATCH = 1000;
const TURNS = 3;
const FORMS = ["local", "bucket"] as const;
type Form = (typeof FORMS)[number];

const [, , first, ...rest] = process.argv;
if (first === "--make")
  await make(rest[0] ?? "", { form: rest[1] === "bucket" ? "bucket" : "local", events: Number(rest[2]) });
else await main(first === "--events" ? Number(rest[0]) : DEFAULT_EVENTS);

async function make(folder: string, { form, events }: { form: Form; events: number }): Promise<void> {
  const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const lines: string[] = [];
  while (lines.length < events) {
    const { value } = parseStrictJson(batchJson(lines.length, EVENTS_PER_BATCH));
    // cast: the generator makes a batch
    for (const event of (value as { events: unknown[] }).events) {
      const stamp = { receivedAtMs: Date.now(), receivedAt: new Date().toISOString(), keyTenant: undefined };
      const prepared = prepareEvent(event, { ...stamp, ...identifiers });
      if (prepared.kind === "refused") throw new Error(JSON.stringify(prepared.errors));
      lines.push(prepared.line.text);
    }
  }
  await writeLog(folder, {
    lines,
    form,
    linesPerFile: form === "local" ? 100_000 : 5000,
    key: newKey(ORIGIN),
  });
}

async function main(events: number): Promise<void> {
  // Beside the repository, not in the system's temporary folder, which may be memory.
  const folder = mkdtempSync(join(process.cwd(), ".bench-"));
  try {
    for (const form of FORMS) {
      const log = join(folder, form);
      const program = [...process.execArgv, import.meta.filename, "--make", log, form, String(events)];
      execFileSync(process.execPath, program, { stdio: "inherit" });
      const [verified, bare]: [Turn[], Turn[]] = [[], []];
      for (let turn = 0; turn < TURNS; turn++) {
        bare.push(await timed(() => readAndHash(log)));
        verified.push(await timed(() => verify(log)));
      }
      print(form, { events, bytes: await readAndHash(log), verified: best(verified), bare: best(bare) });
    }
    say(`memory at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Turn {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function timed(work: () => Promise<unknown>): Promise<Turn> {
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - from) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function best(turns: readonly Turn[]): Turn {
  return turns.reduce((least, turn) => (turn.seconds < least.seconds ? turn : least));
}

async function verify(folder: string): Promise<void> {
  const keys = readKeys([readFileSync(join(folder, "log", "vkey"), "utf8")]);
  const verdict = await verifyLog({
    source: createFolderSource(folder),
    keys,
    witnessesRequired: 0,
    known: [],
  });
  if (!verdict.isVerified) throw new Error(JSON.stringify(verdict.findings[0]));
}

/** What no verification can do without. */
async function readAndHash(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.jsonl(\.gz)?$/.test(name)) continue;
    const file = createReadStream(join(folder, name), { highWaterMark: 1024 * 1024 });
    let kept = Buffer.alloc(0);
    for await (const chunk of name.endsWith(".gz")
      ? file.pipe(createGunzip({ chunkSize: 512 * 1024 }))
      : file) {
      // cast: a stream of bytes gives Buffers
      const block = Buffer.concat([kept, chunk as Buffer]);
      let from = 0;
      for (let end = block.indexOf(10); end !== -1; end = block.indexOf(10, from)) {
        hash("sha256", block.subarray(from, end), "binary");
        from = end + 1;
      }
      bytes += from;
      kept = block.subarray(from);
    }
  }
  return bytes;
}

interface Measured {
  readonly events: number;
  readonly bytes: number;
  readonly verified: Turn;
  readonly bare: Turn;
}

function print(form: Form, { events, bytes, verified, bare }: Measured): void {
  const rate = (turn: Turn): string =>
    `${Math.round(events / turn.seconds).toLocaleString("en-US")} events/s, ${(bytes / turn.seconds / 1e6).toFixed(0)} MB/s, ${((turn.cpuSeconds * 1e6) / events).toFixed(2)} µs of processor per event`;
  say(`${form}: ${events.toLocaleString("en-US")} lines of ${Math.round(bytes / events)} bytes`);
  say(`  verify             ${rate(verified)}`);
  say(`  read and hash only ${rate(bare)}`);
  say(`  ratio              ${(bare.seconds / verified.seconds).toFixed(2)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
