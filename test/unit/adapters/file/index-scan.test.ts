// A hash is only a hint: an event of another tenant is not answered though all its hashes are the same.
import { describe, expect, it } from "vitest";
import { IndexScan } from "#adapters/file/index-scan.ts";
import { LineIndex } from "#adapters/file/line-index.ts";
import { instantFromMs } from "#lib/instant.ts";
import type { QueryPlan } from "#query/plan.ts";

const EVENT = { level: "INFO", category: "SYSTEM_EVENT", action: "a" } as const;

/** A service name of one tenant and one of another whose keys are equal in this index. */
function findCollision(index: LineIndex, [a, b]: readonly [number, number]): [string, string] {
  const names = new Map<number, number>();
  for (let n = 0; n < 400_000; n++) names.set(index.memberHash("service", a, `a${n}`), n);
  for (let n = 0; n < 10_000_000; n++) {
    const other = names.get(index.memberHash("service", b, `b${n}`));
    if (other !== undefined) return [`a${other}`, `b${n}`];
  }
  throw new Error("no two names collide");
}

describe("a scan", () => {
  it("passes over another tenant's row whose hash is the same", () => {
    const index = new LineIndex();
    const add = (tenant_id: string, service_name: string, event_id: string): void => {
      index.add(index.entryOf({ ...EVENT, tenant_id, service_name, event_id }, instantFromMs(1000)), 0);
    };
    add("a", "s", "1");
    add("b", "s", "2");
    const [ofA, ofB] = findCollision(index, [index.knownTenant("a") ?? 0, index.knownTenant("b") ?? 0]);
    add("a", ofA, "3");
    add("b", ofB, "4");

    const plan: QueryPlan = {
      tenantId: "a",
      access: { kind: "service", values: [ofA] },
      filter: { service_names: [ofA] },
      residual: [],
      from: undefined,
      to: undefined,
      isDescending: false,
      limit: 10,
      after: undefined,
      skip: 0,
    };
    const scan = new IndexScan(index, plan);

    expect(scan.next(100)).toBe(2);
    expect(scan.next(100)).toBe(-1);
    expect(scan.entries).toBe(2);
  });
});
