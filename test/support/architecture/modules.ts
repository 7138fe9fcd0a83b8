// Reads the imports and exports of a source file from its tokens and resolves each specifier to a file of the
// project, a Node built-in or a package. The layer, cycle and barrel rules all work on what this returns.
import { posix } from "node:path";

import { significant, tokenize } from "#test/support/architecture/tokens.ts";
import type { Token } from "#test/support/architecture/tokens.ts";

/** A file as the rules see it: its path from the root of the repository, with slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface ModuleReference {
  /** `export` is a re-export, `list` an `export { a, b }` of what this file holds. */
  readonly kind: "import" | "export" | "list" | "dynamic";
  /** undefined: a list, or a dynamic import of something computed. */
  readonly specifier: string | undefined;
  readonly typeOnly: boolean;
  readonly line: number;
  /** What is imported: `*` for a namespace, `default`, else the names at their source. */
  readonly names: readonly string[];
  /** The names they have in this file. */
  readonly locals: readonly string[];
}

export interface ParsedFile extends SourceFile {
  readonly tokens: readonly Token[];
  readonly code: readonly Token[];
  readonly references: readonly ModuleReference[];
  /** Indexes into `code` that belong to an import or re-export clause. */
  readonly clauses: ReadonlySet<number>;
}

export type Target =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "package"; readonly name: string };

/** What of package.json the rules need. */
export interface Manifest {
  readonly name: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

export function parseFile(file: SourceFile): ParsedFile {
  const tokens = tokenize(file.text);
  const code = significant(tokens);
  const references: ModuleReference[] = [];
  const clauses = new Set<number>();
  for (const [index, token] of code.entries()) {
    const found = token.kind === "ident" ? readReference(code, index) : undefined;
    if (found === undefined) continue;
    references.push(found.reference);
    for (let i = index; i <= found.end; i += 1) clauses.add(i);
  }
  return { ...file, tokens, code, references, clauses };
}

/** Where `specifier`, written in the file `from`, leads. Paths that climb are resolved too; a rule forbids them. */
export function resolveSpecifier(specifier: string, from: string, manifest: Manifest): Target {
  if (specifier.startsWith("node:")) return { kind: "builtin", name: specifier };
  if (specifier.startsWith(".")) {
    return { kind: "file", path: posix.join(posix.dirname(from), specifier) };
  }
  for (const [alias, target] of Object.entries(manifest.imports)) {
    const prefix = alias.slice(0, -1);
    if (specifier.startsWith(prefix)) {
      return { kind: "file", path: posix.normalize(target.replace("*", specifier.slice(prefix.length))) };
    }
  }
  const [scope = "", name = ""] = specifier.split("/");
  return { kind: "package", name: scope.startsWith("@") ? `${scope}/${name}` : scope };
}

interface Found {
  readonly reference: ModuleReference;
  readonly end: number;
}

function readReference(code: readonly Token[], index: number): Found | undefined {
  const word = code[index]?.text;
  const before = code[index - 1]?.text;
  if (before === "." || before === "?.") return undefined;
  if (word === "import") {
    return code[index + 1]?.text === "(" ? readDynamic(code, index) : readStatic(code, index, "import");
  }
  const after = code[index + 1]?.text;
  const reexports = after === "*" || after === "{" || (after === "type" && isClauseStart(code[index + 2]));
  return word === "export" && reexports ? readStatic(code, index, "export") : undefined;
}

function isClauseStart(token: Token | undefined): boolean {
  return token?.text === "{" || token?.text === "*";
}

/** `import("x")`, also in a type. A method that happens to be called import has no quoted first argument. */
function readDynamic(code: readonly Token[], index: number): Found | undefined {
  const argument = code[index + 2];
  const literal = argument?.kind === "string" && [")", ","].includes(code[index + 3]?.text ?? "");
  const declaresMethod = ["{", ";", ",", "}", "async"].includes(code[index - 1]?.text ?? ";");
  if (!literal && declaresMethod) return undefined;
  const specifier = literal ? unquote(argument.text) : undefined;
  const line = code[index]?.line ?? 0;
  return {
    reference: { kind: "dynamic", specifier, typeOnly: false, line, names: ["*"], locals: [] },
    end: index,
  };
}

function readStatic(code: readonly Token[], index: number, kind: "import" | "export"): Found | undefined {
  if (code[index]?.depth !== 0 || code[index + 1]?.text === "." || code[index + 1]?.text === ":")
    return undefined;
  const line = code[index].line;
  const direct = code[index + 1];
  if (direct?.kind === "string") {
    const reference = { kind, specifier: unquote(direct.text), typeOnly: false, line, names: [], locals: [] };
    return { reference, end: index + 1 };
  }
  const end = endOfClause(code, index);
  const source = code[end + 1];
  const hasSource = code[end]?.text === "from" && source?.kind === "string";
  if (!hasSource && kind === "import") return undefined;
  const clause = code.slice(index + 1, hasSource ? end : end + 1);
  const typeOnly = clause[0]?.text === "type" && clause.length > 1;
  const { names, locals } = readNames(typeOnly ? clause.slice(1) : clause);
  if (!hasSource) {
    return { reference: { kind: "list", specifier: undefined, typeOnly, line, names, locals }, end };
  }
  return {
    reference: { kind, specifier: unquote(source.text), typeOnly, line, names, locals },
    end: end + 1,
  };
}

/** Index of the `from` that ends the clause, or of the last token of a clause that has none. */
function endOfClause(code: readonly Token[], index: number): number {
  let i = index + 1;
  while (i < code.length) {
    const token = code[i];
    if (token?.depth === 0 && token.text === "from" && code[i + 1]?.kind === "string") return i;
    const closes = token?.depth === 0 && token.text === "}" && code[i + 1]?.text !== "from";
    if (closes && code[i + 1]?.text !== ",") return i;
    if (token?.depth === 0 && token.text === ";") return i - 1;
    i += 1;
  }
  return code.length - 1;
}

function readNames(clause: readonly Token[]): { names: string[]; locals: string[] } {
  const names: string[] = [];
  const locals: string[] = [];
  for (let i = 0; i < clause.length; i += 1) {
    const token = clause[i];
    const isTypeMark =
      token?.text === "type" && clause[i + 1]?.kind === "ident" && clause[i + 1]?.text !== "as";
    if (token === undefined || isTypeMark || (token.kind === "punct" && token.text !== "*")) continue;
    const renamed = clause[i + 1]?.text === "as" ? clause[i + 2]?.text : undefined;
    names.push(token.depth === 0 && token.text !== "*" ? "default" : token.text);
    locals.push(renamed ?? token.text);
    if (renamed !== undefined) i += 2;
  }
  return { names, locals };
}

function unquote(text: string): string {
  return text.slice(1, -1);
}
