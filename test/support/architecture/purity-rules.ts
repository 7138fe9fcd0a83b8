// House rule 7: nothing in lib, tlog, event and query reads clock, environment, locale, randomness, disk or network.
// Works by allow-list for Node built-ins and packages, and by name for globals and methods.
import { layerOf } from "#test/support/architecture/layer-rules.ts";
import type { ModuleReference, ParsedFile, Violation } from "#test/support/architecture/modules.ts";
import type { Token } from "#test/support/architecture/tokens.ts";

const PURE_LAYERS = new Set(["lib", "tlog", "event", "query"]);

/** Built-ins whose named exports compute and do nothing else; `*` allows a namespace import. */
const PURE_BUILTINS: Readonly<Record<string, readonly string[]>> = {
  "node:assert": ["*", "default", "deepStrictEqual", "equal", "ok", "strictEqual"],
  "node:buffer": ["Buffer", "constants", "isUtf8", "isAscii"],
  "node:crypto": ["hash", "createHash", "createHmac", "timingSafeEqual"],
  "node:util": ["isDeepStrictEqual", "inspect", "types"],
  "node:zlib": words(
    "constants crc32 deflateRawSync deflateSync gunzipSync gzipSync inflateRawSync inflateSync",
    "zstdCompressSync zstdDecompressSync",
  ),
};

const IMPURE_GLOBALS = new Set(
  words(
    "process performance crypto fetch console navigator globalThis global require eval Function",
    "setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate localStorage sessionStorage",
    "WebSocket EventSource XMLHttpRequest BroadcastChannel MessageChannel Worker __dirname __filename",
  ),
);

/** Object → member that must not be read. `*` is any object. */
const IMPURE_MEMBERS: readonly (readonly [object: string, member: string])[] = [
  ["Date", "now"],
  ["Temporal", "Now"],
  ["Math", "random"],
  ["AbortSignal", "timeout"],
  ["import", "meta"],
  ...words(
    "getDate getDay getFullYear getHours getMilliseconds getMinutes getMonth getSeconds getTimezoneOffset",
    "toLocaleString toLocaleDateString toLocaleTimeString toLocaleLowerCase toLocaleUpperCase localeCompare",
  ).map((member) => ["*", member] as const),
];

export function checkPurity(files: readonly ParsedFile[]): Violation[] {
  return files
    .filter((file) => PURE_LAYERS.has(layerOf(file.path) ?? ""))
    .flatMap((file) =>
      [...impureImports(file), ...impureCode(file)].map((found) => ({ path: file.path, ...found })),
    );
}

interface Finding {
  readonly line: number;
  readonly message: string;
}

function impureImports(file: ParsedFile): Finding[] {
  return file.references.flatMap((reference) => {
    const message = reference.typeOnly ? undefined : judgeImport(reference);
    return message === undefined ? [] : [{ line: reference.line, message }];
  });
}

function judgeImport({ kind, specifier, names }: ModuleReference): string | undefined {
  if (kind === "dynamic") return "loads a module at run time";
  if (specifier?.startsWith("node:") !== true) return undefined;
  const allowed = PURE_BUILTINS[specifier] ?? [];
  const impure = names.filter((name) => !allowed.includes(name));
  if (names.length > 0 && impure.length === 0) return undefined;
  return `imports ${impure.join(", ") || "effects"} of ${specifier}`;
}

function impureCode(file: ParsedFile): Finding[] {
  return file.code.flatMap((token, index) => {
    if (token.kind !== "ident" || file.clauses.has(index)) return [];
    const name = impureName(file.code, index);
    return name === undefined ? [] : [{ line: token.line, message: `reads ${name}` }];
  });
}

function impureName(code: readonly Token[], index: number): string | undefined {
  const [before, word, after] = [code[index - 1]?.text, code[index]?.text ?? "", code[index + 1]?.text];
  if (before === "." || before === "?.") return impureMember(code[index - 2]?.text ?? "", word);
  if (word === "Date") return readsNow(code, index) ? "the current time" : undefined;
  const isKey = after === ":" && (before === "{" || before === "," || before === ";");
  return IMPURE_GLOBALS.has(word) && !isKey ? word : undefined;
}

function impureMember(object: string, member: string): string | undefined {
  const found = IMPURE_MEMBERS.find(([of, name]) => name === member && (of === "*" || of === object));
  return found === undefined ? undefined : `${object}.${member}`;
}

/** `new Date()`, `new Date` and `Date()` read the clock; `new Date(ms)` and `Date.parse` do not. */
function readsNow(code: readonly Token[], index: number): boolean {
  const [before, after, next] = [code[index - 1]?.text, code[index + 1]?.text, code[index + 2]?.text];
  if (before === "new") return after !== "(" || next === ")";
  return after === "(";
}

function words(...lines: readonly string[]): string[] {
  return lines.join(" ").split(" ");
}
