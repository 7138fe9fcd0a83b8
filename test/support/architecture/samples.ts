// What each architecture rule must report, and what it must leave alone, as small projects in memory. A sample maps
// paths to sources; the opening comment is added to each, so that only the rule in question is at stake.

export type Sample = Readonly<Record<string, string>>;

export interface RuleSamples {
  /** Name of the rule in rules.ts. */
  readonly rule: string;
  readonly bad: readonly Sample[];
  readonly good: readonly Sample[];
}

export const OPENING = "// A sample of what a rule has to judge.\n";

export const SAMPLES: readonly RuleSamples[] = [
  {
    rule: "7 the core is pure",
    bad: [
      ...[
        "export const a = Date.now();",
        "export const a = new Date();",
        "export const a = new Date;",
        "export const a = Date();",
        "export const a = performance.now();",
        "export const a = Math.random();",
        "export const a = Math\n  .random();",
        "export const a = crypto.randomUUID();",
        "export const a = globalThis.crypto;",
        "export const a = process.env.HOME;",
        "export const a = `${process.pid}`;",
        "export const a = fetch('x');",
        "setTimeout(() => {}, 1);",
        "console.log(1);",
        "export const a = import.meta.url;",
        "export const a = 'a'.localeCompare('b');",
        "export const a = new Date(0).getTimezoneOffset();",
        "export const a = await import('node:fs');",
        'import { randomBytes } from "node:crypto";',
        'import { hash, randomUUID } from "node:crypto";',
        'import * as crypto from "node:crypto";',
        'import fs from "node:fs";',
        'import { connect } from "node:net";',
        'import { request } from "node:http";',
        'import { setTimeout } from "node:timers/promises";',
        'import "node:test";',
      ].map((text) => ({ "shared/lib/a.ts": text })),
      { "shared/tlog/a.ts": "export const a = Date.now();" },
      { "shared/event/a.ts": "export const a = Date.now();" },
      { "shared/query/a.ts": "export const a = Date.now();" },
    ],
    good: [
      {
        "shared/lib/a.ts": [
          'import { createHash, hash } from "node:crypto";',
          'import type { Stats } from "node:fs";',
          "export const a = (ms: number, clock: { now(): number }) => new Date(ms + clock.now());",
          "export const b = Date.parse('x') / 2 + Date.UTC(2026) / 2; // Date.now()",
          "export const c = { process: 1, fetch: 2 }.process;",
          "export const d = ['Date.now()', `new Date()`, /process.env/];",
          "export const e = (x: unknown): x is Date => x instanceof Date;",
        ].join("\n"),
      },
      { "shared/service/a.ts": "export const a = Date.now();" },
    ],
  },
  {
    rule: "8 layers and aliases",
    bad: [
      { "shared/lib/a.ts": 'import { b } from "#event/b.ts";', "shared/event/b.ts": "" },
      { "shared/lib/a.ts": 'import { b } from "zod";' },
      { "shared/tlog/a.ts": 'import { b } from "#lib/b.ts";', "shared/lib/b.ts": "" },
      { "shared/tlog/a.ts": 'import { hash } from "node:crypto";' },
      { "shared/tlog/a.ts": 'import * as z from "zod";' },
      { "shared/event/a.ts": 'import type { b } from "#query/b.ts";', "shared/query/b.ts": "" },
      { "shared/query/a.ts": 'export { b } from "#tlog/b.ts";', "shared/tlog/b.ts": "" },
      { "shared/service/a.ts": 'import { b } from "#http/b.ts";', "shared/http/b.ts": "" },
      { "shared/service/a.ts": 'const b = await import("#http/b.ts");', "shared/http/b.ts": "" },
      { "shared/service/a.ts": "const b = await import(name);" },
      { "shared/http/a.ts": 'import { b } from "#tlog/b.ts";', "shared/tlog/b.ts": "" },
      { "shared/client/a.ts": 'import { b } from "#service/b.ts";', "shared/service/b.ts": "" },
      { "shared/cli/a.ts": 'import { b } from "#service/b.ts";', "shared/service/b.ts": "" },
      {
        "shared/adapters/file/a.ts": 'import { b } from "#adapters/aws/b.ts";',
        "shared/adapters/aws/b.ts": "",
      },
      { "shared/adapters/file/a.ts": 'import { S3Client } from "@aws-sdk/client-s3";' },
      { "shared/adapters/aws/a.ts": 'import { b } from "#http/b.ts";', "shared/http/b.ts": "" },
      {
        "functions/ingest/app.ts": 'import { b } from "#adapters/file/b.ts";',
        "shared/adapters/file/b.ts": "",
      },
      { "functions/ingest/app.ts": 'import { b } from "#client/b.ts";', "shared/client/b.ts": "" },
      { "functions/ingest/app.ts": 'import { b } from "./index.ts";', "functions/ingest/index.ts": "" },
      { "functions/ingest/app.ts": 'import { S3Client } from "@aws-sdk/client-s3";' },
      { "functions/ingest/index.ts": 'import { b } from "#infra/b.ts";', "infra/b.ts": "" },
      { "functions/ingest/app.ts": 'import { App } from "aws-cdk-lib";' },
      { "infra/local/main.ts": 'import { b } from "#test/b.ts";', "test/b.ts": "" },
      { "shared/lib/a.ts": 'import { b } from "../lib/b.ts";', "shared/lib/b.ts": "" },
      { "shared/lib/a.ts": 'import { b } from "./x/../b.ts";', "shared/lib/b.ts": "" },
      { "test/unit/lib/a.test.ts": 'import { b } from "../../b.ts";' },
      { "shared/event/a.ts": 'import { b } from "#lib/missing.ts";' },
      { "shared/service/a.ts": 'import { b } from "vitest";' },
      { "shared/service/a.ts": 'import middy from "@middy/core";' },
      { "infra/local/main.ts": 'import { b } from "audit-service";' },
      { "shared/utilities/a.ts": "" },
      { "shared/a.ts": "" },
    ],
    good: [
      { "shared/tlog/a.ts": 'import { b } from "./b.ts";', "shared/tlog/b.ts": "" },
      {
        "shared/event/a.ts": 'import * as z from "zod";\nimport { b } from "#lib/b.ts";',
        "shared/lib/b.ts": "",
      },
      {
        "shared/lib/a.ts":
          '// import { b } from "#event/b.ts";\nconst text = `import { b } from "#event/b.ts"`;',
      },
      { "shared/adapters/aws/a.ts": 'import { S3Client } from "@aws-sdk/client-s3";' },
      {
        "functions/ingest/app.ts":
          'import middy from "@middy/core";\nimport type { Context } from "aws-lambda";',
      },
      {
        "functions/ingest/index.ts": 'import { b } from "#adapters/file/b.ts";',
        "shared/adapters/file/b.ts": "",
      },
      {
        "infra/local/main.ts": 'import { b } from "#functions/ingest/index.ts";',
        "functions/ingest/index.ts": "",
      },
      { "shared/cli/a.ts": "export interface Commands { import(file: string): void; export(): void }" },
      { "test/unit/lib/a.test.ts": 'import { b } from "#service/b.ts";\nimport { it } from "vitest";' },
    ],
  },
  {
    rule: "8 no cycles",
    bad: [
      {
        "shared/lib/a.ts": 'import { b } from "./b.ts";',
        "shared/lib/b.ts": 'import type { a } from "#lib/a.ts";',
      },
      { "shared/lib/a.ts": 'import "./a.ts";' },
      {
        "shared/lib/a.ts": 'import { b } from "./b.ts";',
        "shared/lib/b.ts": 'import { c } from "./c.ts";',
        "shared/lib/c.ts": 'export * from "./a.ts";',
      },
    ],
    good: [
      {
        "shared/lib/a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";',
        "shared/lib/b.ts": 'import { c } from "./c.ts";',
        "shared/lib/c.ts": "",
      },
    ],
  },
  {
    rule: "9 kebab-case names",
    bad: [{ "shared/lib/canonicalJson.ts": "" }, { "shared/lib/a_b.ts": "" }, { "docs/ADR/0001-a.md": "" }],
    good: [
      {
        "shared/lib/canonical-json.ts": "",
        "test/unit/lib/canonical-json.numbers.test.ts": "",
        "docs/README.md": "",
      },
    ],
  },
  {
    rule: "9 unit tests mirror sources",
    bad: [
      { "test/unit/lib/a.test.ts": "", "shared/event/a.ts": "" },
      { "test/unit/a.test.ts": "", "shared/lib/a.ts": "" },
    ],
    good: [
      { "test/unit/lib/a.test.ts": "", "test/unit/lib/a.long.test.ts": "", "shared/lib/a.ts": "" },
      { "test/unit/adapters/file/a.test.ts": "", "shared/adapters/file/a.ts": "" },
      { "test/unit/infra/local/a.test.ts": "", "infra/local/a.ts": "" },
      { "test/property/cursors.test.ts": "" },
    ],
  },
  {
    rule: "14 assertions have a reason",
    bad: [
      "export const a = b as string;",
      "export const a = (b as unknown) as { c: number };",
      "export const a = [b as [number]];",
      "export const a = f()! as T;",
      "export const a = `${b as string}`;",
      "export const a = b as string; // cast: no",
      "// cast: a reason that is two lines away\n\nexport const a = b as string;",
      "// cast: a reason for the next line only\nexport const a = 1;\nexport const c = b as string;",
    ].map((text) => ({ "shared/lib/a.ts": text })),
    good: [
      {
        "shared/lib/a.ts": [
          'import { a as b } from "./b.ts";',
          'import * as c from "./c.ts";',
          'export { a as d } from "./b.ts";',
          "export { b as e };",
          "export const f = ['a'] as const;",
          "export const g = b as string; // cast: checked by the pattern above",
          "// cast: the schema has just accepted it, and its type is wider only because of the",
          "// transform that follows it",
          "export const h = b as string;",
          "export type I<T> = { [K in keyof T as Uppercase<K & string>]: T[K] };",
          "export const j = { as: 1 }.as + k.as(1); // b as string",
        ].join("\n"),
      },
      { "test/unit/lib/a.test.ts": "export const a = b as string;" },
    ],
  },
  {
    rule: "14 erasable syntax",
    bad: [
      { "shared/lib/a.ts": "export enum A { B }" },
      { "shared/lib/a.ts": "declare const enum A { B }" },
      { "shared/lib/a.ts": "namespace A { }" },
      { "shared/lib/a.ts": "declare namespace A.B { }" },
      { "shared/lib/a.ts": "class A { constructor(private readonly b: string) {} }" },
      { "shared/lib/a.ts": "class A { constructor(a: string, readonly b: string) {} }" },
    ],
    good: [
      { "shared/lib/a.ts": "const namespace = 1; const e = { enum: 1, module: namespace }; e.enum;" },
      { "shared/lib/a.ts": "class A { private readonly b: string; constructor(b: string) { this.b = b; } }" },
      { "shared/lib/a.ts": "export function f(a: readonly string[], b: readonly string[]): void {}" },
    ],
  },
  {
    rule: "25 length",
    bad: [
      { "shared/lib/a.ts": "const a = 1;\n".repeat(300) },
      { "test/unit/lib/a.test.ts": "const a = 1;\n".repeat(300) },
      { "functions/ingest/index.ts": "const a = 1;\n".repeat(40) },
    ],
    good: [
      { "shared/lib/a.ts": "const a = 1;\n".repeat(299) },
      { "shared/lib/exempt.ts": "const a = 1;\n".repeat(300) },
    ],
  },
  {
    rule: "27 named exports, no barrels",
    bad: [
      { "shared/lib/a.ts": "export default function f(): void {}" },
      { "shared/lib/a.ts": "const a = 1;\nexport { a as default };" },
      { "shared/lib/a.ts": 'export * from "./b.ts";' },
      { "shared/lib/a.ts": 'export type { B } from "./b.ts";' },
      { "shared/lib/a.ts": 'import { b } from "./b.ts";\nexport { b };' },
      { "shared/lib/index.ts": "export const a = 1;" },
    ],
    good: [
      { "shared/lib/a.ts": "const a = 1;\nconst b = { default: 2 };\nexport { a, b };" },
      { "shared/client/index.ts": 'export { b } from "#client/b.ts";' },
      { "infra/local/library.ts": 'export type { B } from "#event/b.ts";' },
      { "functions/ingest/index.ts": "export const handler = 1;" },
    ],
  },
  {
    rule: "34 environment",
    bad: [
      ...[
        "export const a = process.env.HOME;",
        "export const a = process?.env;",
        'export const a = process["env"];',
        "export const a = globalThis.process.env;",
        "const { env } = process;",
        "read(process);",
        'import { env } from "node:process";',
      ].map((text) => ({ "functions/ingest/app.ts": text })),
      { "infra/local/main.ts": "export const a = process.env;" },
      { "shared/service/a.ts": "export const a = process.env;" },
    ],
    good: [
      { "functions/config.ts": "export const a = process.env;" },
      { "infra/local/config.ts": "export const a = process.env;" },
      {
        "infra/local/main.ts":
          "process.on('SIGTERM', stop); process.exitCode = 1; const a = { process: 1 }.process;",
      },
      { "test/e2e/a.test.ts": "export const a = process.env;" },
    ],
  },
  {
    rule: "47 no mocked modules",
    bad: [{ "test/unit/lib/a.test.ts": 'vi.mock("#lib/a.ts");' }, { "test/a.ts": 'vi.doMock("#lib/a.ts");' }],
    good: [{ "test/unit/lib/a.test.ts": 'const f = vi.fn(); // vi.mock("#lib/a.ts")' }],
  },
  {
    rule: "55 zod is imported whole",
    bad: [
      { "shared/event/a.ts": 'import { z } from "zod";' },
      { "shared/event/a.ts": 'import z from "zod";' },
      { "shared/event/a.ts": 'import { string } from "zod/mini";' },
    ],
    good: [
      { "shared/event/a.ts": 'import * as z from "zod";' },
      { "shared/event/a.ts": 'import type * as z from "zod";' },
    ],
  },
];

/** Samples about comments are given as they are, without an opening. */
export const COMMENT_SAMPLES: readonly RuleSamples[] = [
  {
    rule: "29 opening comment",
    bad: [
      { "shared/lib/a.ts": "export const a = 1;" },
      { "shared/lib/a.ts": "// Bytes.\nexport const a = 1;" },
      {
        "shared/lib/a.ts": `${"// One more line of what this file is about.\n".repeat(6)}export const a = 1;`,
      },
      { "shared/lib/a.ts": "// Copyright 2026 by the people who wrote this.\nexport const a = 1;" },
      { "shared/lib/a.ts": 'import "./b.ts";\n// Says too late what this file is about.\n' },
    ],
    good: [
      { "shared/lib/a.ts": "// Bytes and their hexadecimal form.\nexport const a = 1;" },
      { "infra/a.js": "#!/usr/bin/env node\n// Starts the command line on the built bundle.\n" },
      { "shared/lib/a.ts": "/**\n * Bytes and their\n * hexadecimal form.\n */\nexport const a = 1;" },
    ],
  },
  {
    rule: "33 TODO names its issue",
    bad: [
      { "shared/lib/a.ts": "// TODO: compress" },
      { "shared/lib/a.ts": "/* first line\n * FIXME later */" },
      { "shared/lib/a.ts": "const a = 1; // HACK" },
    ],
    good: [{ "shared/lib/a.ts": '// TODO(#12): compress\nconst todo = "TODO"; // nothing to do' }],
  },
  {
    rule: "33 no commented-out code",
    bad: [
      "// const a = 1;",
      '// import { b } from "./b.ts";',
      "//   return a;",
      "// if (a) {",
      "// }",
      "// a.b = c;",
      "// write(a, b);",
      "/*\n  const a = 1;\n*/",
      "const b = 1; // await close();",
    ].map((text) => ({ "shared/lib/a.ts": text })),
    good: [
      {
        "shared/lib/a.ts": [
          "// If the file is gone (see repair) the line is skipped; return what is left.",
          "// segment = first line, 16 digits",
          "/** @example\n * const a = await open();\n */",
          'const url = "http://a/b;"; const c = `// const a = 1;`;',
          "// cast: the schema accepted it",
        ].join("\n"),
      },
    ],
  },
];
