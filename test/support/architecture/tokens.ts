// Splits TypeScript source into tokens, so that the architecture rules never mistake a comment, a string or a
// regular expression for code. TypeScript 7 has no compiler API, hence a scanner of our own; it knows templates
// with nested expressions and tells a regular expression from a division by what stands before the slash.

export type TokenKind = "ident" | "punct" | "string" | "template" | "regex" | "number" | "comment";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** 1-based line of the first character. */
  readonly line: number;
  /** Number of brackets around this token; a bracket counts as outside of itself. */
  readonly depth: number;
}

const IDENT = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /0[xXbBoO][\da-fA-F_]+n?|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?n?/y;
const PUNCT =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|\*\*|<<|>>|[^\s]/uy;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/uy;
const STRING = /"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{|$)/y;

/** Words after which a slash begins a regular expression although they look like a name. */
const BEFORE_REGEX = new Set(
  "return typeof case in of delete void throw new else do instanceof await yield extends default".split(" "),
);
/** Words whose closing parenthesis ends a condition, not an expression. */
const CONDITIONS = new Set(["if", "while", "for", "with"]);

interface State {
  readonly tokens: Token[];
  /** One entry per open bracket: whether a `${` opened it, or a condition's `(`. */
  readonly open: ("template" | "condition" | "plain")[];
  /** The last token ends an expression, so that a slash after it divides. */
  endsExpression: boolean;
  position: number;
  line: number;
}

/** All tokens of `text`, comments included, in order. Never throws: unfinished literals end with the text. */
export function tokenize(text: string): Token[] {
  const state: State = { tokens: [], open: [], endsExpression: false, position: 0, line: 1 };
  if (text.startsWith("#!")) push(state, "comment", text.slice(0, endOfLine(text)));
  while (skipSpace(state, text) < text.length) scanOne(state, text);
  return state.tokens;
}

/** The tokens that are code. */
export function significant(tokens: readonly Token[]): Token[] {
  return tokens.filter((token) => token.kind !== "comment");
}

function scanOne(state: State, text: string): void {
  const at = (pattern: RegExp): string | undefined => matchAt(pattern, text, state.position);
  const comment = at(COMMENT);
  if (comment !== undefined) return push(state, "comment", comment);
  const char = text[state.position];
  if (char === '"' || char === "'") return pushExpression(state, "string", at(STRING) ?? char);
  if (char === "`") return scanTemplate(state, text, "`");
  if (char === "}" && state.open.at(-1) === "template") return scanTemplate(state, text, "}");
  const word = at(IDENT);
  if (word !== undefined) {
    push(state, "ident", word);
    state.endsExpression = !BEFORE_REGEX.has(word) || state.tokens.at(-2)?.text === ".";
    return;
  }
  const number = at(NUMBER);
  if (number !== undefined) return pushExpression(state, "number", number);
  const regex = char === "/" && !state.endsExpression ? at(REGEX) : undefined;
  if (regex !== undefined) return pushExpression(state, "regex", regex);
  scanPunctuation(state, text, at(PUNCT) ?? text.slice(state.position, state.position + 1));
}

function scanPunctuation(state: State, text: string, mark: string): void {
  const before = state.tokens.at(-1);
  if (mark === ")" || mark === "]" || mark === "}") {
    const opener = state.open.pop();
    push(state, "punct", mark);
    state.endsExpression = opener !== "condition";
    return;
  }
  const touches = text[state.position - 1]?.trim() !== "";
  push(state, "punct", mark);
  if (mark === "(" || mark === "[" || mark === "{") {
    state.open.push(mark === "(" && before && CONDITIONS.has(before.text) ? "condition" : "plain");
    state.endsExpression = false;
    return;
  }
  // `x!` and `x++` end an expression where `!x` and `++x` begin one.
  const postfix = (mark === "!" || mark === "++" || mark === "--") && state.endsExpression && touches;
  state.endsExpression = postfix;
}

/** One piece of a template: from the backtick or the closing brace to the next `${` or the end. */
function scanTemplate(state: State, text: string, opener: "`" | "}"): void {
  if (opener === "}") state.open.pop();
  const rest = matchAt(TEMPLATE_PART, text, state.position + 1) ?? "";
  pushExpression(state, "template", opener + rest);
  if (rest.endsWith("${")) {
    state.open.push("template");
    state.endsExpression = false;
  }
}

function pushExpression(state: State, kind: TokenKind, text: string): void {
  push(state, kind, text);
  state.endsExpression = true;
}

function push(state: State, kind: TokenKind, text: string): void {
  state.tokens.push({ kind, text, line: state.line, depth: state.open.length });
  state.position += text.length;
  state.line += text.split("\n").length - 1;
}

function skipSpace(state: State, text: string): number {
  const space = matchAt(/\s+/y, text, state.position) ?? "";
  state.position += space.length;
  state.line += space.split("\n").length - 1;
  return state.position;
}

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position;
  const found = pattern.exec(text)?.[0];
  return found === "" ? undefined : found;
}

function endOfLine(text: string): number {
  const end = text.indexOf("\n");
  return end === -1 ? text.length : end;
}
