// The end of an exhaustive switch names the case that the types said cannot happen.
import { expect, it } from "vitest";

import { assertNever } from "#lib/assert-never.ts";

it("throws with the unexpected case", () => {
  expect(() => assertNever({ kind: "surprise" } as never)).toThrow(
    new TypeError('unexpected case: {"kind":"surprise"}'),
  );
});
