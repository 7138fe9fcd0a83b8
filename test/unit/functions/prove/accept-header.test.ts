// Which form of a proof a header Accept asks for.
import { expect, it } from "vitest";
import { wantsJson } from "#functions/prove/accept-header.ts";

it.each([
  undefined,
  "",
  "*/*",
  "text/plain",
  "text/*, application/json;q=0.9",
  "application/json, text/plain",
  "application/json;q=0, */*",
  "application/*;q=0.2, */*;q=0.3",
  "image/png",
  "application/json;q=0.5,text/plain;q=0.6",
  "application/json;q=",
  ";;,,",
])("is text: %j", (accept) => {
  expect(wantsJson(accept)).toBe(false);
});

it.each([
  "application/json",
  "APPLICATION/JSON",
  "application/json, */*;q=0.1",
  "application/json, application/problem+json, */*;q=0.1",
  "text/plain;q=0.5, application/json",
  "text/html, application/*;q=0.4",
  "application/json ; charset=utf-8 ; q=0.9 , text/* ; q=0.8",
  "text/plain;q=0, */*",
  "application/json;q=2",
])("is JSON: %j", (accept) => {
  expect(wantsJson(accept)).toBe(true);
});
