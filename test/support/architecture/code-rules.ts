// House rules about code within one file: no unreasoned assertion, no enum, namespace or parameter property (14),
// named exports and no barrels (27), environment read in configuration only (34), no mocked modules (47), zod
// imported whole. Each checker takes parsed files and returns what it found.
import { layerOf } from "#test/support/architecture/layer-rules.ts";
import type { ParsedFile, Violation } from "#test/support/architecture/modules.ts";
import type { Token } from "#test/support/architecture/tokens.ts";

/** The only files that forward what others declare: the entry points of package and functions. */
const ENTRY_POINTS = /^(shared\/(client|tlog)\/index|infra\/local\/library|functions\/[^/]+\/index)\.ts$/;
const CONFIGURATION = /^(functions\/config|infra\/(.+\/)?config)\.ts$/;
const CAST_REASON = /^\/\/ cast: \S.{7,}/;

/** Runs a checker over all but tests and examples, which are freer. */
export function inProduct(
  files: readonly ParsedFile[],
  check: (files: readonly ParsedFile[]) => Violation[],
): Violation[] {
  return check(files.filter((file) => layerOf(file.path) !== "test"));
}

type Judge = (file: ParsedFile, index: number) => string | undefined;

/** `as` stands on a line with, or right below, a comment `// cast: <reason>`. `as const` is free. */
export function checkAssertions(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) => {
    const reasoned = linesWithReason(file);
    return judgeTokens(file, (_, index) => {
      if (!isAssertion(file, index) || reasoned.has(file.code[index]?.line ?? 0)) return undefined;
      return "`as` without `// cast: <reason>` on its line or the line above";
    });
  });
}

function isAssertion({ code, clauses }: ParsedFile, index: number): boolean {
  const [before, token, after] = [code[index - 1], code[index], code[index + 1]];
  if (token?.text !== "as" || token.kind !== "ident" || clauses.has(index) || after?.text === "const")
    return false;
  const endsValue = before !== undefined && (before.kind !== "punct" || /^[)\]}>!]$/.test(before.text));
  const beginsType =
    after !== undefined && (after.kind !== "punct" || ["{", "(", "[", "-", "|", "&"].includes(after.text));
  return endsValue && beginsType && before.text !== "." && !isKeyRemap(code, index);
}

/** `{ [K in keyof T as Upper<K>]: … }` renames keys of a mapped type; it asserts nothing. */
function isKeyRemap(code: readonly Token[], index: number): boolean {
  const depth = code[index]?.depth ?? 0;
  for (let i = index - 1; i > 0; i -= 1) {
    const token = code[i];
    if (token?.depth === depth - 1) return token.text === "[" && code[i + 2]?.text === "in";
  }
  return false;
}

function linesWithReason(file: ParsedFile): Set<number> {
  const comments = new Map(
    file.tokens.flatMap((token) => (token.kind === "comment" ? [[token.line, token.text] as const] : [])),
  );
  const codeLines = new Set(file.code.map((token) => token.line));
  const lines = new Set<number>();
  for (const [line, text] of comments) {
    if (!CAST_REASON.test(text)) continue;
    let last = line;
    // A reason above its line may go on for a few comment lines.
    while (!codeLines.has(line) && comments.has(last + 1) && !codeLines.has(last + 1)) last += 1;
    lines.add(codeLines.has(line) ? line : last + 1);
  }
  return lines;
}

/** What Node cannot strip, also where `declare` would let it pass: enum, namespace, parameter property. */
export function checkErasable(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) =>
    judgeTokens(file, ({ code }, index) => {
      const [before, word, name, open] = [-1, 0, 1, 2].map((offset) => code[index + offset]);
      if (before?.text === "." || name?.kind !== "ident") return undefined;
      if (word?.text === "enum" && open?.text === "{") return "declares an enum";
      const declares = word?.text === "namespace" || word?.text === "module";
      if (declares && (open?.text === "{" || open?.text === ".")) return "declares a namespace";
      const modifiers = ["public", "private", "protected", "readonly"];
      const inConstructor = before?.text === "(" || before?.text === ",";
      const property = inConstructor && modifiers.includes(word?.text ?? "") && isConstructor(code, index);
      return property ? "declares a parameter property" : undefined;
    }),
  );
}

function isConstructor(code: readonly Token[], index: number): boolean {
  const depth = code[index]?.depth ?? 0;
  for (let i = index - 1; i > 0; i -= 1) {
    if (code[i]?.depth === depth - 1) return code[i]?.text === "(" && code[i - 1]?.text === "constructor";
  }
  return false;
}

/** No default export; nothing is forwarded but by entry points, neither directly nor by import and export list. */
export function checkExports(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) => {
    const defaults = judgeTokens(file, ({ code }, index) => {
      const exports = code[index]?.text === "export" && code[index]?.depth === 0;
      const direct = exports && code[index + 1]?.text === "default";
      return direct ? "has a default export" : undefined;
    });
    const imported = new Set(file.references.flatMap((r) => (r.kind === "import" ? r.locals : [])));
    const lists = file.references.flatMap(({ kind, names, locals, line }) => {
      if (kind !== "list" && kind !== "export") return [];
      if (locals.includes("default")) return [{ path: file.path, line, message: "has a default export" }];
      const forwards = kind === "export" || names.some((name) => imported.has(name));
      if (!forwards || ENTRY_POINTS.test(file.path)) return [];
      return [{ path: file.path, line, message: "forwards another module's exports" }];
    });
    const isBarrel = file.path.endsWith("/index.ts") && !ENTRY_POINTS.test(file.path);
    const barrel = isBarrel
      ? [{ path: file.path, line: 1, message: "is an index.ts but no entry point" }]
      : [];
    return [...defaults, ...lists, ...barrel];
  });
}

/** `process.env`, however it is reached, belongs to functions/config.ts and infra's config.ts files. */
export function checkEnvironment(files: readonly ParsedFile[]): Violation[] {
  return files
    .filter((file) => !CONFIGURATION.test(file.path))
    .flatMap((file) => {
      const imports = file.references.flatMap(({ specifier, names, line }) => {
        const reads = specifier === "node:process" && (names.includes("env") || names.includes("*"));
        return reads ? [{ path: file.path, line, message: "imports the environment" }] : [];
      });
      const reads = judgeTokens(file, ({ code, clauses }, index) => {
        if (code[index]?.text !== "process" || clauses.has(index)) return undefined;
        const [before, dot, member] = [code[index - 1]?.text, code[index + 1]?.text, code[index + 2]?.text];
        if (before === "typeof" || (before === "." && code[index - 2]?.text !== "globalThis"))
          return undefined;
        if (dot === "." || dot === "?.") return member === "env" ? "reads process.env" : undefined;
        const isName = dot === ":" || dot === "(" || before === "function";
        return isName ? undefined : "hands on `process`, and with it the environment";
      });
      return [...imports, ...reads];
    });
}

export function checkMocks(files: readonly ParsedFile[]): Violation[] {
  const forbidden = new Set(["mock", "doMock", "unmock", "doUnmock", "importMock"]);
  return files.flatMap((file) =>
    judgeTokens(file, ({ code }, index) => {
      const [object, dot, member] = [0, 1, 2].map((offset) => code[index + offset]?.text);
      const mocks = (object === "vi" || object === "vitest") && dot === "." && forbidden.has(member ?? "");
      return mocks ? `calls ${object}.${member}` : undefined;
    }),
  );
}

/** `import * as z from "zod"`: a named import bundles every locale. */
export function checkZodImports(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) =>
    file.references.flatMap(({ specifier, names, line }) => {
      const wrong = /^zod(\/|$)/.test(specifier ?? "") && names.some((name) => name !== "*");
      return wrong ? [{ path: file.path, line, message: 'write `import * as z from "zod"`' }] : [];
    }),
  );
}

function judgeTokens(file: ParsedFile, judge: Judge): Violation[] {
  return file.code.flatMap((token, index) => {
    const message = token.kind === "ident" ? judge(file, index) : undefined;
    return message === undefined ? [] : [{ path: file.path, line: token.line, message }];
  });
}
