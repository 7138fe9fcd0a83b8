// Intrinsic functions of templates, as the CDK writes them.
import { describe, expect, it } from "vitest";
import type { Scope } from "#infra/emulated/intrinsics.ts";
import { resolveValue } from "#infra/emulated/intrinsics.ts";

const SCOPE: Scope = {
  reference: (name) => `<${name}>`,
  attribute: (logicalId, name) => `<${logicalId}.${name}>`,
  imported: (name) => `<imported ${name}>`,
};

describe("a value of a template", () => {
  it.each([
    ["a Ref", { Ref: "Queue" }, "<Queue>"],
    ["an attribute", { "Fn::GetAtt": ["Queue", "Arn"] }, "<Queue.Arn>"],
    ["an attribute in one text", { "Fn::GetAtt": "Queue.Arn" }, "<Queue.Arn>"],
    ["texts joined", { "Fn::Join": ["-", ["a", { Ref: "B" }]] }, "a-<B>"],
    ["a text with names", { "Fn::Sub": "${A}/${B.Arn}/${!C}" }, "<A>/<B.Arn>/${C}"],
    ["a text with names of its own", { "Fn::Sub": ["${A}/${B}", { A: { Ref: "X" } }] }, "<X>/<B>"],
    ["an import", { "Fn::ImportValue": "Storage:Table" }, "<imported Storage:Table>"],
    ["a part of a text", { "Fn::Select": [1, { "Fn::Split": [":", "a:b:c"] }] }, "b"],
    ["an object with members", { Ref: "A", Other: { Ref: "B" } }, { Ref: "A", Other: "<B>" }],
    ["plain values", [1, true, null, "text"], [1, true, null, "text"]],
  ])("may be %s", (_, value, resolved) => {
    expect(resolveValue(value, SCOPE)).toEqual(resolved);
  });

  it("is refused by name where its function is not known", () => {
    const value = { Environment: { Zone: { "Fn::FindInMap": ["Zones", "a", "b"] } } };

    expect(() => resolveValue(value, SCOPE)).toThrow(/Fn::FindInMap/);
  });
});
