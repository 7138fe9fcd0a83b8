/**
 * Checks the options that a program gives, which need not be what their types say: NaN is a number too. Every problem
 * is named at once, with the option, its value and what is expected, in the words of the environment's configuration.
 */
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface OptionRule {
  readonly isFit: (value: unknown) => boolean;
  /** Completes "expected …". */
  readonly expected: string;
  /** Its value is never shown. */
  readonly isSecret?: boolean;
}

/** A rule for each option there is. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

const MAX_SHOWN_CHARACTERS = 64;
const MAX_NAME_BYTES = 256;

export const serviceNameRule: OptionRule = {
  isFit: (value) =>
    typeof value === "string" && value.trim() !== "" && Buffer.byteLength(value) <= MAX_NAME_BYTES,
  expected: `a name of at most ${MAX_NAME_BYTES} bytes that is not blank`,
};

export function integerRule(min: number, max: number): OptionRule {
  const isFit = (value: unknown): boolean => Number.isInteger(value) && isWithin(value, min, max);
  return { isFit, expected: `an integer from ${min} to ${max}` };
}

export function numberRule(min: number, max: number): OptionRule {
  return { isFit: (value) => isWithin(value, min, max), expected: `a number from ${min} to ${max}` };
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

/** What is wrong with the options; undefined stands for an option that is not given. */
export function optionProblems<Options extends object>(
  options: Options,
  rules: OptionRules<Options>,
): FieldError[] {
  const ruleByName = new Map<string, OptionRule>(Object.entries(rules));
  return Object.entries(options).flatMap(([path, value]): FieldError[] => {
    const rule = ruleByName.get(path);
    if (value === undefined || rule?.isFit(value) === true) return [];
    if (rule === undefined) {
      return [{ path, message: `is no option; expected ${listOf([...ruleByName.keys()])}` }];
    }
    const shown = rule.isSecret === true ? "not shown" : show(value);
    return [{ path, message: `is ${shown}; expected ${rule.expected}` }];
  });
}

/** @throws AuditServiceError `invalid-configuration` where there is a problem */
export function refuseProblems(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const list = errors.map(({ path, message }) => `${path} ${message}`).join("\n  ");
  throw new AuditServiceError("invalid-configuration", `the configuration is not valid:\n  ${list}`, {
    errors,
  });
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_SHOWN_CHARACTERS));
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`;
}
