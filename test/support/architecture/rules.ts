// The list of architecture rules: number in docs/house-style.md, what is asked, and the checker. The test runs
// each over the project and over samples, so a rule that cannot fail is noticed.
import * as code from "#test/support/architecture/code-rules.ts";
import * as file from "#test/support/architecture/file-rules.ts";
import { checkCycles, checkLayers } from "#test/support/architecture/layer-rules.ts";
import { checkPurity } from "#test/support/architecture/purity-rules.ts";
import type { Manifest, ParsedFile, Violation } from "#test/support/architecture/modules.ts";

/** What a rule is given: code files parsed, and the paths of all files, code or not. */
export interface Project {
  readonly files: readonly ParsedFile[];
  readonly paths: readonly string[];
  readonly manifest: Manifest;
  /** Files that may be longer than the limit. */
  readonly longFiles: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly check: (project: Project) => Violation[];
}

export const RULES: readonly Rule[] = [
  { name: "7 the core is pure", check: ({ files }) => checkPurity(files) },
  { name: "8 layers and aliases", check: ({ files, manifest }) => checkLayers(files, manifest) },
  { name: "8 no cycles", check: ({ files, manifest }) => checkCycles(files, manifest) },
  { name: "9 kebab-case names", check: ({ paths }) => file.checkNames(paths) },
  { name: "9 unit tests mirror sources", check: ({ paths }) => file.checkMirrors(paths) },
  { name: "14 assertions have a reason", check: ({ files }) => code.inProduct(files, code.checkAssertions) },
  { name: "14 erasable syntax", check: ({ files }) => code.checkErasable(files) },
  { name: "25 length", check: ({ files, longFiles }) => file.checkLengths(files, longFiles) },
  { name: "27 named exports, no barrels", check: ({ files }) => code.checkExports(files) },
  { name: "29 opening comment", check: ({ files }) => file.checkOpenings(files) },
  { name: "33 TODO names its issue", check: ({ files }) => file.checkTodos(files) },
  { name: "33 no commented-out code", check: ({ files }) => file.checkDeadCode(files) },
  { name: "34 environment", check: ({ files }) => code.inProduct(files, code.checkEnvironment) },
  { name: "47 no mocked modules", check: ({ files }) => code.checkMocks(files) },
  { name: "55 zod is imported whole", check: ({ files }) => code.checkZodImports(files) },
];
