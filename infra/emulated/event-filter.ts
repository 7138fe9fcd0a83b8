/** Filters of event source mappings, as much of their language as templates here use: values that a member may have. */
import * as z from "zod";

type Pattern = { readonly [member: string]: Pattern | readonly (string | number | boolean | null)[] };

const Values = z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).min(1);
const PatternSchema: z.ZodType<Pattern> = z.lazy(() =>
  z.record(z.string(), z.union([Values, PatternSchema])),
);

/** A pattern as templates hold it: JSON text. Conditions other than values are refused. */
export const FilterPattern = z.string().transform((text, context): Pattern => {
  const parsed = PatternSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: "custom", message: `the filter ${text} is not known here` });
  return z.NEVER;
});
export type FilterPattern = z.output<typeof FilterPattern>;

/** Whether a record is handed over: it has all that one of the patterns asks for. Without patterns every record is. */
export function isWanted(record: unknown, patterns: readonly FilterPattern[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matches(record, pattern));
}

function matches(value: unknown, pattern: Pattern | readonly unknown[]): boolean {
  if (isValues(pattern)) return pattern.includes(value);
  if (typeof value !== "object" || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  return Object.entries(pattern).every(([name, wanted]) => matches(members.get(name), wanted));
}

function isValues(pattern: Pattern | readonly unknown[]): pattern is readonly unknown[] {
  return Array.isArray(pattern);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
