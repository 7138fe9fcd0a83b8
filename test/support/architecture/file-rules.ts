// House rules about whole files: names and mirrored tests (9), length (25), the opening comment (29), and comments
// that are a to-do of no issue, or dead code (33).
import type { ParsedFile, SourceFile, Violation } from "#test/support/architecture/modules.ts";
import type { Token } from "#test/support/architecture/tokens.ts";

const MAX_LINES = 300;
const MAX_ROOT_LINES = 40;
const FUNCTION_ROOT = /^functions\/[^/]+\/index\.ts$/;
const KEBAB_FOLDER = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** More words may follow after a dot: `bytes.test.ts`, `file-event-store.torn-write.test.ts`. */
const KEBAB_FILE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const MIN_COMMENT_CHARACTERS = 20;
const MAX_COMMENT_LINES = 5;

/** `paths` may name files of any type. README.md is spelled as the world spells it. */
export function checkNames(paths: readonly string[]): Violation[] {
  return paths.flatMap((path) => {
    const parts = path.split("/");
    const file = parts.pop() ?? "";
    const isKebab = parts.every((part) => KEBAB_FOLDER.test(part)) && KEBAB_FILE.test(file);
    return isKebab || file === "README.md" ? [] : [{ path, line: 1, message: "is not named in kebab-case" }];
  });
}

/**
 * A test in test/unit stands where its source stands: test/unit/lib/bytes.test.ts tests shared/lib/bytes.ts, and
 * test/unit/infra/local/gateway.test.ts tests infra/local/gateway.ts. `bytes.<aspect>.test.ts` splits a long one.
 */
export function checkMirrors(paths: readonly string[]): Violation[] {
  const known = new Set(paths);
  return paths.flatMap((path) => {
    const mirrored = /^test\/unit\/((?:.+\/)?[^/.]+)(?:\.[^/.]+)?\.test\.ts$/.exec(path)?.[1];
    if (mirrored === undefined) return [];
    const isRoot = /^(functions|infra)\//.test(mirrored);
    const source = `${isRoot ? "" : "shared/"}${mirrored}.ts`;
    return known.has(source) ? [] : [{ path, line: 1, message: `mirrors ${source}, which does not exist` }];
  });
}

export function checkLengths(files: readonly SourceFile[], exempt: readonly string[]): Violation[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, "").split("\n").length;
    const limit = FUNCTION_ROOT.test(path) ? MAX_ROOT_LINES : MAX_LINES;
    if (lines <= limit || exempt.includes(path)) return [];
    return [{ path, line: limit + 1, message: `has ${lines} lines; the limit is ${limit}` }];
  });
}

/** The file opens with a comment of 1 to 5 lines: what it is, why it exists, what it guarantees. */
export function checkOpenings(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap(({ path, tokens }) => {
    const problem = judgeOpening(openingLines(tokens));
    return problem === undefined ? [] : [{ path, line: 1, message: problem }];
  });
}

function judgeOpening(lines: readonly string[]): string | undefined {
  const text = lines.join(" ");
  if (text.length < MIN_COMMENT_CHARACTERS) return "does not open with a comment that says what it is";
  if (lines.length > MAX_COMMENT_LINES) {
    return `opens with ${lines.length} lines of comment; the limit is ${MAX_COMMENT_LINES}`;
  }
  return /@author|copyright|spdx|licensed under/i.test(text)
    ? "opens with a licence or an author"
    : undefined;
}

/** Text lines of the comment at the top: one block comment, or line comments without a gap. */
function openingLines(tokens: readonly Token[]): string[] {
  const rest = tokens[0]?.text.startsWith("#!") === true ? tokens.slice(1) : tokens;
  const first = rest[0];
  if (first?.kind !== "comment") return [];
  if (first.text.startsWith("/*")) return commentLines(first).filter((line) => line !== "");
  const lines: string[] = [];
  for (const [offset, token] of rest.entries()) {
    if (!token.text.startsWith("//") || token.line !== first.line + offset) break;
    lines.push(...commentLines(token));
  }
  return lines;
}

/** A to-do names its issue in parentheses, as in the good sample of this rule. */
export function checkTodos(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) =>
    commentsOf(file).flatMap((token) =>
      commentLines(token).flatMap((text, offset) => {
        const marks = text.match(/\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/);
        if (marks === null) return [];
        return [{ path: file.path, line: token.line + offset, message: `${marks[1]} without an issue id` }];
      }),
    ),
  );
}

/** What no sentence looks like. Doc comments are free to show code: they are where examples live. */
const DEAD_CODE: readonly RegExp[] = [
  /^(import|export)\b.*\bfrom\s+["'].*["'];?$/,
  /^(export\s+)?(const|let|var)\s+[\w[{].*=.*[;{([]$/,
  /^(export\s+)?(async\s+)?(function|class|interface)\s+\w+.*\{$/,
  /^(if|for|while|switch)\s*\(.*\)\s*(\{|.*;)$/,
  /^(return|throw|await|yield)\b.*;$/,
  /^\}?\s*(else|catch|finally)\b.*\{$/,
  /^[\w.[\]]+\s*([+\-*/|&?]|\?\?|\|\|)?=\s*[^=].*;$/,
  /^[\w.]+\(.*\);$/,
  /^[})\]]+[;,]?$/,
  /=>\s*\{$/,
];

export function checkDeadCode(files: readonly ParsedFile[]): Violation[] {
  return files.flatMap((file) =>
    commentsOf(file).flatMap((token) =>
      commentLines(token).flatMap((text, offset) => {
        const isDead = !token.text.startsWith("/**") && DEAD_CODE.some((pattern) => pattern.test(text));
        if (!isDead) return [];
        return [{ path: file.path, line: token.line + offset, message: `comments out code: ${text}` }];
      }),
    ),
  );
}

function commentsOf(file: ParsedFile): Token[] {
  return file.tokens.filter((token) => token.kind === "comment");
}

/** The words of a comment without its marks, one entry for each of its lines. */
function commentLines(token: Token): string[] {
  const inner = token.text.replace(/^\/\*+|\*+\/$|^\/\/+/g, "");
  return inner.split("\n").map((line) => line.replace(/^\s*\*?\s?/, "").trim());
}
