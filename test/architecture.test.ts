// Holds the rules of docs/house-style.md that are marked [T] and that no other tool holds: the project is searched
// for violations, and each rule is shown a sample of every violation it exists for, so that none passes by being blind.
import { beforeAll, describe, expect, it } from "vitest";

import { compareLintLayers } from "#test/support/architecture/lint-layers.ts";
import { parseFile } from "#test/support/architecture/modules.ts";
import type { Manifest, Violation } from "#test/support/architecture/modules.ts";
import { listProjectPaths, readManifest, readProjectCode } from "#test/support/architecture/project-files.ts";
import { RULES } from "#test/support/architecture/rules.ts";
import type { Project } from "#test/support/architecture/rules.ts";
import { COMMENT_SAMPLES, OPENING, SAMPLES } from "#test/support/architecture/samples.ts";
import type { Sample } from "#test/support/architecture/samples.ts";
import { TOOL_SAMPLES, runTools } from "#test/support/architecture/tool-samples.ts";

/** May be longer than 300 lines: catalogues and vectors, whose parts nobody reads apart. */
const LONG_FILES = ["test/support/architecture/samples.ts"];

const ALL_SAMPLES = [
  ...SAMPLES.map((entry) => ({ ...entry, opening: OPENING })),
  ...COMMENT_SAMPLES.map((entry) => ({ ...entry, opening: "" })),
];

let manifest: Manifest;
let project: Project;

beforeAll(async () => {
  manifest = await readManifest();
  const paths = await listProjectPaths();
  project = { files: await readProjectCode(paths), paths, manifest, longFiles: LONG_FILES };
});

describe("the project", () => {
  it.each(RULES)("keeps rule $name", ({ check }) => {
    expect(check(project).map(format)).toEqual([]);
  });

  it("is read to the end by the scanner, every bracket closed", () => {
    const lost = project.files.filter(({ tokens }) => (tokens.at(-1)?.depth ?? 0) !== 0);

    expect(lost.map(({ path }) => path)).toEqual([]);
  });

  it("exempts no file from the length limit that is gone", () => {
    expect(project.paths).toEqual(expect.arrayContaining(LONG_FILES));
  });
});

describe("the samples", () => {
  it("show each rule failing", () => {
    expect(ALL_SAMPLES.map(({ rule }) => rule).toSorted()).toEqual(RULES.map(({ name }) => name).toSorted());
  });

  it.each(ALL_SAMPLES)("that break rule $rule are all reported", ({ rule, bad, opening }) => {
    const unseen = bad.filter((sample) => judge(rule, sample, opening).length === 0);

    expect(unseen).toEqual([]);
  });

  it.each(ALL_SAMPLES)("that keep rule $rule pass", ({ rule, good, opening }) => {
    const reported = good.flatMap((sample) => judge(rule, sample, opening).map(format));

    expect(reported).toEqual([]);
  });
});

describe("compiler, linter and knip", () => {
  let reported: ReadonlySet<string>;

  beforeAll(async () => {
    reported = await runTools(TOOL_SAMPLES);
  });

  it("hold the same layers as the matrix", async () => {
    expect(await compareLintLayers()).toEqual([]);
  });

  it.each(TOOL_SAMPLES)("report what breaks rule $rule", ({ path, expected }) => {
    expect([...reported].filter((entry) => entry.startsWith(path))).toContain(`${path}: ${expected}`);
  });
});

function judge(ruleName: string, sample: Sample, opening: string): Violation[] {
  const rule = RULES.find(({ name }) => name === ruleName);
  const files = Object.entries(sample).map(([path, text]) => parseFile({ path, text: opening + text }));
  const paths = Object.keys(sample);
  const dependencies = { ...manifest.dependencies, "@aws-sdk/client-s3": "3.0.0" };
  const samples = {
    files,
    paths,
    manifest: { ...manifest, dependencies },
    longFiles: ["shared/lib/exempt.ts"],
  };
  return rule?.check(samples) ?? [];
}

function format({ path, line, message }: Violation): string {
  return `${path}:${line} ${message}`;
}
