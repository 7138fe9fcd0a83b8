// The independent check of a log: a Go program on golang.org/x/mod/sumdb, built once for each test file, and what it says.
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

const SOURCE = join(import.meta.dirname, "..", "independent", "go", "logcheck.go");
/** Where Debian's package golang-golang-x-mod-dev puts its sources. */
const GO_PATH = "/usr/share/gocode";

export interface LogcheckOptions {
  /** Folder or URL that holds `checkpoint` and `tile/`. */
  readonly log: string;
  readonly key: string;
  /** File of an older checkpoint. */
  readonly old?: string;
  /** Folder of `X.tlog-proof` and `X.line`. */
  readonly proofs?: string;
}

export interface Verdict {
  /** 0 all held, 1 refused, 2 called wrongly. */
  readonly status: number;
  readonly output: string;
}

export type Logcheck = (options: LogcheckOptions) => Promise<Verdict>;

/** Why the check cannot run here; undefined where it can. In CI it must run. */
export function logcheckMissing(): string | undefined {
  if (process.env["CI"] === "true") return undefined;
  if (spawnSync("go", ["version"]).status !== 0) return "go is not installed";
  return existsSync(join(GO_PATH, "src/golang.org/x/mod/sumdb"))
    ? undefined
    : "golang-golang-x-mod-dev is not installed";
}

/** Builds the program before the tests of a file or suite. */
export function setUpLogcheck(): Logcheck {
  let folder = "";
  const program = (): string => join(folder, "logcheck");

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-logcheck-"));
    const built = await run("go", ["build", "-o", program(), SOURCE]);
    if (built.status !== 0) throw new Error(built.output);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  return async (options) => {
    const args = Object.entries(options).flatMap(([name, value]) => [`-${name}`, String(value)]);
    return run(program(), args);
  };
}

/** Without modules and without C, so that nothing is fetched and no compiler is needed. */
async function run(file: string, args: readonly string[]): Promise<Verdict> {
  const go = { GO111MODULE: "off", GOFLAGS: "", GOPATH: GO_PATH, GOPROXY: "off", CGO_ENABLED: "0" };
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  execFile(file, args, { env: { ...process.env, ...go } }, (error, stdout, stderr) => {
    const status = error === null ? 0 : typeof error.code === "number" ? error.code : 2;
    resolve({ status, output: `${stdout}${stderr}${status === 2 ? (error?.message ?? "") : ""}` });
  });
  return promise;
}
