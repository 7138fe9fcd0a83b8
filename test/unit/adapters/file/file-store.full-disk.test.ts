// A disk that is really full, and a folder that really cannot be written: a small file system of its own, mounted where
// only the process under test sees it. Left out where the system does not let a test mount one.
import { spawnSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { newFolder } from "#test/support/folders.ts";
import type { LogProcess } from "#test/support/log-process.ts";
import { startLogProcess } from "#test/support/log-process.ts";

const UNAVAILABLE = { code: "storage-unavailable" };

/** Runs what follows with a file system of so many KiB at a folder. */
const mounted = (folder: string, sizeKib: number): readonly string[] => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `mount -t tmpfs -o size=${sizeKib}k,mode=700 none ${folder} && exec "$@"`,
  "sh",
];

const canMount = spawnSync("sh", ["-c", "unshare --mount mount -t tmpfs -o size=64k none /tmp"]).status === 0;
if (!canMount)
  process.stderr.write("file systems of a test's own cannot be mounted here: full disks are not tested\n");

async function smallDisk(sizeKib: number): Promise<{ owner: LogProcess; folder: string }> {
  const folder = await newFolder();
  return { owner: startLogProcess(mounted(folder, sizeKib)), folder };
}

async function logOnSmallDisk(sizeKib: number, options: object = {}): Promise<LogProcess> {
  const { owner, folder } = await smallDisk(sizeKib);
  await owner.ask("open", folder, options);
  return owner;
}

describe.runIf(canMount)("a log on a full disk", () => {
  it("refuses events, keeps what it has, and takes them again by itself when there is room", async () => {
    const owner = await logOnSmallDisk(1024);
    await owner.ask("send", 0, 20, { messageBytes: 1000 });
    await owner.ask("fill", 8192);

    await expect(owner.ask("send", 20, 60, { messageBytes: 1000, isOneCall: true })).rejects.toMatchObject(
      UNAVAILABLE,
    );
    const full = await owner.ask("probe");
    const found = await owner.ask("find");
    await owner.ask("unfill");
    const outcomes = await owner.ask("send", 0, 60, { messageBytes: 1000 });

    expect(full.problems.join()).toMatch(/ENOSPC/);
    expect(found).toHaveLength(20);
    expect(outcomes.filter((kind) => kind === "duplicate")).toHaveLength(20);
    expect(outcomes.filter((kind) => kind === "accepted")).toHaveLength(40);
    expect(await owner.ask("probe")).toMatchObject({ status: "healthy", problems: [] });
  });

  it("fills it to the last byte and loses nothing that was acknowledged", async () => {
    const owner = await logOnSmallDisk(256);
    let sent = 0;
    let refusals = 0;
    while (refusals < 3) {
      try {
        await owner.ask("send", sent, sent + 1, { messageBytes: 700 });
        sent++;
      } catch (error) {
        expect(error).toMatchObject(UNAVAILABLE);
        refusals++;
      }
    }

    expect(await owner.ask("find")).toHaveLength(sent);
    await owner.ask("close");
    await expect(owner.ask("send", 0, 1, {})).rejects.toMatchObject({ code: "closed" });
  });

  it("cannot compress, leaves no half of it in the way, and does it when there is room", async () => {
    const owner = await logOnSmallDisk(2048, { maxFileBytes: 300_000, backupCount: 0 });
    await owner.ask("send", 0, 100, { messageBytes: 1000, isOneCall: true });
    await owner.ask("fill", 4096);
    await owner.ask("send", 100, 101, {});
    await owner.ask("unfill");

    await owner.ask("send", 101, 500, { messageBytes: 1000, isOneCall: true });
    await owner.ask("compressed", 1);

    expect(await owner.ask("find")).toHaveLength(500);
    expect(await owner.ask("probe")).toMatchObject({ status: "healthy", problems: [] });
  });
});

describe.runIf(canMount)("a start on a full disk", () => {
  it("serves what is there, and takes events once there is room", async () => {
    const { owner, folder } = await smallDisk(1024);
    await owner.ask("open", folder, {});
    await owner.ask("send", 0, 20, {});
    await owner.ask("fill", 0);
    await owner.ask("close");

    await owner.ask("open", folder, {});
    await owner.ask("announce", "http://127.0.0.1:8000");
    const found = await owner.ask("find");
    const full = await owner.ask("probe");
    await owner.ask("unfill");
    const outcomes = await owner.ask("send", 19, 21, {});

    expect(found).toHaveLength(20);
    expect(full.status).toBe("unhealthy");
    expect(outcomes).toEqual(["duplicate", "accepted"]);
  });

  it("that has no room to move a cut line aside is refused, and leaves everything as it is", async () => {
    const { owner, folder } = await smallDisk(1024);
    await owner.ask("open", folder, {});
    await owner.ask("send", 0, 20, {});
    await owner.ask("close");
    await owner.ask("tear", 50_000);
    await owner.ask("fill", 12_288);
    const before = await owner.ask("names");

    await expect(owner.ask("open", folder, {})).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("ENOSPC") as unknown,
    });
    const after = await owner.ask("names");
    await owner.ask("unfill");
    await owner.ask("open", folder, {});

    expect(after).toEqual(before);
    expect(await owner.ask("find")).toHaveLength(20);
    expect((await owner.ask("names")).filter((name) => name.includes(".torn-at-"))).toHaveLength(1);
  });
});

describe.runIf(canMount)("a folder that cannot be written", () => {
  const readOnly = (folder: string): readonly string[] => [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder} && exec "$@"`,
    "sh",
  ];

  it("is refused at start, by name and reason", async () => {
    const folder = await newFolder();
    const owner = startLogProcess(readOnly(folder));

    await expect(owner.ask("open", folder, {})).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining(folder) as unknown,
    });
  });

  it("is told by health when it becomes so later, and events are refused", async () => {
    const owner = await logOnSmallDisk(1024);
    await owner.ask("send", 0, 3, {});
    await owner.ask("fill", 0);

    const { status, problems } = await owner.ask("probe");

    expect(status).toBe("unhealthy");
    expect(problems.join()).toMatch(/cannot be written/);
    expect(await owner.ask("find")).toHaveLength(3);
  });
});
