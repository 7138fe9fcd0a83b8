// The prices that docs/cost.md quotes are those that everything is computed with, and so is what it says of the measured.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PRICES_AS_OF, PRICES_USD } from "#infra/aws/prices.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const COST_PAGE = readFileSync(join(ROOT, "docs/cost.md"), "utf8");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** Names and prices of the table, in US dollars. */
function quotedPrices(): Readonly<Record<string, number>> {
  const rows = [...COST_PAGE.matchAll(/^\| `(\w+)` \| [^|]+ \| ([\d.]+)( per million)? \|$/gm)];
  return Object.fromEntries(
    rows.map(([, name = "", price, perMillion]) => [
      name,
      Number(price) / (perMillion === undefined ? 1 : 1e6),
    ]),
  );
}

/** Sums of the row of the measured table, by column: batches full, batches mixed, single full, single mixed. */
function measured(row: string): readonly string[] {
  const line = COST_PAGE.split("\n").find((each) => each.startsWith(`| **${row}** |`)) ?? "";
  return [...line.matchAll(/\*\*(\$[\d.]+)\*\*/g)].map(([, sum = ""]) => sum);
}

describe("docs/cost.md", () => {
  it("quotes each price as it is, and no other", () => {
    const quoted = quotedPrices();

    expect(Object.keys(quoted).toSorted()).toEqual(Object.keys(PRICES_USD).toSorted());
    for (const [name, price] of Object.entries(PRICES_USD)) expect(quoted[name]).toBeCloseTo(price, 12);
  });

  it("says when the prices were looked up", () => {
    expect(COST_PAGE).toContain(`list prices as of ${PRICES_AS_OF}`);
  });
});

describe("README.md", () => {
  it("quotes the sums that were measured", () => {
    const [batches] = measured("on demand");
    const [provisioned] = measured("provisioned");
    const single = measured("on demand")[2];

    expect(README).toContain(
      `in batches of 100 are about ${batches} on demand, ${provisioned} on\nprovisioned capacity`,
    );
    expect(README).toContain(`a single request each, ${single}.`);
  });
});
