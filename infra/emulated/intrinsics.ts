/**
 * Values of a template with its intrinsic functions worked out: those that the CDK writes for stacks like ours. One that
 * is not known is refused by name.
 */
import { AuditServiceError } from "#lib/errors.ts";

/** What intrinsic functions refer to, from within one stack. All throw where there is no such thing. */
export interface Scope {
  /** `Ref`: of a resource, or of a pseudo parameter such as `AWS::Region`. */
  readonly reference: (name: string) => string;
  readonly attribute: (logicalId: string, name: string) => string;
  readonly imported: (exportName: string) => unknown;
}

/** @throws AuditServiceError `invalid-configuration` */
export function resolveValue(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((entry) => resolveValue(entry, scope));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[name, operand] = ["", undefined]] = entries;
  const isFunction = entries.length === 1 && /^(Ref$|Fn::|Condition$)/.test(name);
  if (isFunction) return callFunction(name, operand, scope);
  return Object.fromEntries(entries.map(([key, member]) => [key, resolveValue(member, scope)]));
}

function callFunction(name: string, operand: unknown, scope: Scope): unknown {
  if (name === "Ref") return scope.reference(String(operand));
  if (name === "Fn::GetAtt") {
    const path = Array.isArray(operand) ? operand.map(String) : String(operand).split(".");
    return scope.attribute(path[0] ?? "", path.slice(1).join("."));
  }
  if (name === "Fn::Sub") return substitute(operand, scope);
  const given = resolveValue(operand, scope);
  if (name === "Fn::ImportValue") return scope.imported(String(given));
  const [first, second] = listOf(given);
  if (name === "Fn::Join" && Array.isArray(second)) return second.join(String(first));
  if (name === "Fn::Split") return String(second).split(String(first));
  if (name === "Fn::Select" && Array.isArray(second)) return second[Number(first)];
  throw new AuditServiceError(
    "invalid-configuration",
    `the template uses ${name}(${JSON.stringify(operand)}), which is not known here`,
  );
}

/** `${Name}`, `${Id.Attribute}`, `${!literal}`, with or without variables of its own. */
function substitute(operand: unknown, scope: Scope): string {
  const [text, variables = {}] = Array.isArray(operand) ? listOf(operand) : [operand];
  const given = resolveValue(variables, scope);
  const own = new Map(Object.entries(typeof given === "object" && given !== null ? given : {}));
  return String(text).replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (name.startsWith("!")) return `\${${name.slice(1)}}`;
    if (own.has(name)) return String(own.get(name));
    const dot = name.indexOf(".");
    return dot === -1 ? scope.reference(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1));
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
