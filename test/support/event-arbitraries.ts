/** Random events, valid by construction and hostile in content, for property tests. */
import * as fc from "fast-check";

import { CATEGORIES, LEVELS } from "#event/audit-event.ts";

/** Characters that break careless writers, and text that reads like parts of a line. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: "binary", maxLength: 8 }).filter((text) => !text.includes("\0")),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ',"received_at":"',
      ',"timestamp":"',
      '{"_defaulted":[',
      "\\ud800",
      "\\u0000",
      "\\",
      '"',
      '","',
      "\u2028",
      "\x01\x1f\x7f",
      "__proto__",
      "😀",
      "  ",
      ",",
    ),
  },
);

const text = fc
  .array(piece, { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.join("").toWellFormed())
  .filter((joined) => joined !== "");
const short = text.filter((joined) => Buffer.byteLength(joined) <= 64);
/** `action` and `service_name` are trimmed, so a name must not be blank. */
const name = short.map((joined) => (joined.trim() === "" ? "n" : joined));
const id = fc.string({ unit: fc.constantFrom(..."aZ09._:-".split("")), minLength: 3, maxLength: 40 });
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(..."0123456789abcdefABCDEF".split("")),
    minLength: digits,
    maxLength: digits,
  });

const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((double) => !isUnsafe(double)),
  fc.constantFrom(0, -0, 1e21, 5e-324, 1.7976931348623157e308, 0.1),
);

/** Any JSON value within the limits of depth, with -0 and names such as __proto__. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.constant("")),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constant("")), tie("value"), { maxKeys: 4 }),
  ),
}));

const instantMs = fc.integer({ min: 0, max: Date.parse("2026-03-01T12:00:00.000Z") });
const timestamp = fc
  .tuple(instantMs, fc.constantFrom("Z", "z", "000Z", "123456Z", "5+00:00", "-00:00"))
  .map(([ms, end]) => `${new Date(ms).toISOString().slice(0, 23)}${end}`);

const change = fc.record(
  {
    path: fc
      .array(text, { maxLength: 3 })
      .map((keys) => keys.map((key) => `/${key.replaceAll("~", "~0")}`).join("")),
    before: value,
    after: value,
  },
  { requiredKeys: ["path"] },
);

/** What a client may send; every optional field may be missing, null or empty. */
export const anyEvent: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    action: name,
    service_name: name,
    event_id: orNothing(id.filter((text_) => !["...", "batch"].includes(text_))),
    timestamp: orNothing(timestamp),
    level: orNothing(fc.constantFrom(...LEVELS, "warning", "info")),
    category: orNothing(fc.constantFrom(...CATEGORIES, "security")),
    user_id: orNothing(short),
    session_id: orNothing(short),
    request_id: orNothing(short),
    resource_type: orNothing(short),
    resource_id: orNothing(short),
    message: orNothing(text),
    metadata: fc.option(fc.dictionary(text, value, { maxKeys: 5 })),
    error_code: orNothing(short),
    error_message: orNothing(text),
    stack_trace: orNothing(text),
    duration_ms: fc.option(number.map(Math.abs)),
    tenant_id: orNothing(id.map((text_) => `t${text_}`)),
    source_ip: orNothing(short),
    user_agent: orNothing(short),
    trace_id: orNothing(hex(32)),
    span_id: orNothing(hex(16)),
    on_behalf_of: fc.option(fc.array(fc.record({ type: short, id: short }), { maxLength: 8 })),
    changes: fc.option(fc.array(change, { maxLength: 4 })),
  },
  { requiredKeys: ["action", "service_name"] },
);

function orNothing<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null | ""> {
  return fc.oneof({ weight: 8, arbitrary }, { weight: 1, arbitrary: fc.constantFrom(null, "" as const) });
}

function isUnsafe(double: number): boolean {
  return Math.abs(double) > Number.MAX_SAFE_INTEGER && Math.abs(double) < 1e21;
}
