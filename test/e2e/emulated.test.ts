// The AWS deployment on stand-ins, run from its own template: what README shows, a template that is not understood, a
// consumer that is killed, and the command itself.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { readAssembly } from "#infra/emulated/assembly.ts";
import { queryIds } from "#test/support/api.ts";
import { emulatedStack, ownStack } from "#test/support/emulated.ts";
import { newFolder } from "#test/support/folders.ts";
import { ask, LOGIN } from "#test/support/http-service.ts";

const ROOT = join(import.meta.dirname, "../..");
const EMULATED = join(ROOT, "infra/emulated");
/** The interpreter of templates and what runs them; S3, KMS and CloudWatch are services of their own. */
const MAX_LINES = 2200;
/** What was being handled comes back when its visibility ends; what failed meanwhile, later. */
const SETTLE_MS = 90_000;

const assembly = (): string => inject("emulation")?.assembly ?? "";

async function sources(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(EMULATED)).filter((name) => name.endsWith(".ts"));
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(EMULATED, name), "utf8")] as const),
    ),
  );
}

describe("infra/emulated", () => {
  it("is small", async () => {
    const files = [...(await sources())].filter(([name]) => !/^(s3|kms|cloudwatch)-/.test(name));
    const lines = files.reduce((sum, [, text]) => sum + text.split("\n").length - 1, 0);

    console.info(
      `infra/emulated: ${lines} lines in ${files.length} files, its S3, KMS and CloudWatch not counted`,
    );
    expect(lines).toBeLessThan(MAX_LINES);
  });

  it("knows no resource of the template by name", async () => {
    const stacks = readAssembly(assembly());
    const names = stacks.flatMap(({ name, template }) => [
      name,
      ...Object.entries(template.Resources).flatMap(([logicalId, { Properties }]) => [
        logicalId,
        ...Object.values(Properties).filter((value) => typeof value === "string" && value.startsWith(name)),
        ...Object.keys(Object((Properties["Environment"] as { Variables?: object })?.Variables)),
      ]),
    ]);
    const text = [...(await sources()).values()].join("\n");

    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => text.includes(String(name)))).toEqual([]);
  });
});

describe("a deployment", () => {
  it("answers the requests that README.md shows", async () => {
    const stack = await emulatedStack();
    await stack.schedules[0]?.runNow(); // health tells of the inventory that it takes
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const block = /```bash\n([^`]*?curl.*?)```/s.exec(readme)?.[1] ?? "";
    const [sending = "", ...reading] = block
      .replaceAll("localhost:8000", new URL(stack.url).host)
      .replaceAll("curl -s ", "curl -sS -w '\\n%{http_code}\\n' ")
      .split("# Find them");

    const sent = await promisify(execFile)("bash", ["-euc", sending]);
    await stack.settle();
    const read = await promisify(execFile)("bash", ["-euc", `#${reading.join("")}`]);

    const codes = [...`${sent.stdout}${read.stdout}`.matchAll(/^(\d{3})$/gm)].map((match) => match[1]);
    expect(codes).toEqual(["202", "202", "200", "200", "200", "202", "200"]);
    expect(read.stdout).toContain('"status":"healthy"');
  });

  it("does not start from a template with parts that are not understood, and names each", async () => {
    const changed = join(await newFolder(), "assembly");
    await cp(assembly(), changed, { recursive: true });
    const path = join(changed, (await readdir(changed)).find((name) => /Service.*template/.test(name)) ?? "");
    const template = JSON.parse(await readFile(path, "utf8"));
    template.Resources.Stream = { Type: "AWS::Kinesis::Stream", Properties: {} };
    await writeFile(path, JSON.stringify(template));

    await expect(ownStack({ assembly: changed })).rejects.toThrow(/Stream \(AWS::Kinesis::Stream\)/);
  });

  it("does not start from a template that lacks a route, and names it", async () => {
    const changed = join(await newFolder(), "assembly");
    await cp(assembly(), changed, { recursive: true });
    const path = join(changed, (await readdir(changed)).find((name) => /Service.*template/.test(name)) ?? "");
    const template = JSON.parse(await readFile(path, "utf8"));
    for (const [id, { Properties }] of Object.entries<{ Properties: { RouteKey?: string } }>(
      template.Resources,
    ))
      if (Properties.RouteKey === "POST /flush") delete template.Resources[id];
    await writeFile(path, JSON.stringify(template));

    await expect(ownStack({ assembly: changed })).rejects.toThrow(/lacks the route POST \/flush/);
  });

  it("loses and doubles nothing when its consumer is killed in the middle, again and again", async () => {
    const stack = await ownStack({ visibilitySeconds: 5 });
    const ids = Array.from({ length: 600 }, (_, index) => `event-${String(index).padStart(3, "0")}`);
    const send = async (part: readonly string[]): Promise<number> => {
      const body = JSON.stringify({ events: part.map((event_id) => ({ ...LOGIN, event_id })) });
      const headers = { "content-type": "application/json" };
      return (await ask(stack, "/events/batch", { method: "POST", headers, body })).status;
    };
    const parts = Array.from({ length: 12 }, (_, at) => ids.slice(at * 50, at * 50 + 50));

    const statuses = await Promise.all([...parts, ...parts.slice(0, 6)].map(send));
    let kills = 0;
    while (kills < 5) {
      const killed = await Promise.all(stack.sources.map(({ target }) => target.killBusy()));
      kills += Math.max(...killed);
      await nextTurn();
    }
    await stack.settle(SETTLE_MS);

    expect(new Set(statuses)).toEqual(new Set([202]));
    expect((await queryIds(stack.url)).toSorted()).toEqual(ids);
  }, 120_000);
});

describe("npm run start:emulated", () => {
  it("says where everything is, and ends all of it when asked to", async () => {
    const child = spawn(process.execPath, [join(EMULATED, "main.ts")], {
      cwd: ROOT,
      env: { ...process.env, AUDIT_API_PORT: "0" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const ended = once(child, "close");
    const banner = await new Promise<string>((resolve) => {
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("--outputs")) resolve(said);
      });
    });
    const [, url = ""] = /url +(\S+)/.exec(banner) ?? [];
    const [, outputsPath = ""] = /--outputs (\S+)/.exec(banner) ?? [];
    const [, dynamodb = ""] = /AWS_ENDPOINT_URL_DYNAMODB=(\S+)/.exec(banner) ?? [];
    const outputs = JSON.parse(await readFile(outputsPath, "utf8"));
    expect(outputsPath).toContain(new URL(url).port); // two runs do not take each other's tables for their own

    const health = await fetch(new URL("/health", url));
    child.kill("SIGTERM");

    expect(health.status).toBe(200);
    expect(Object.values<object>(outputs)).toContainEqual(expect.objectContaining({ ApiUrl: url }));
    expect((await ended)[0]).toBe(0);
    await expect(readFile(outputsPath)).rejects.toThrow(/ENOENT/);
    await expect(fetch(dynamodb)).rejects.toThrow(/fetch failed/);
  });
});
