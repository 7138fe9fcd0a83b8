// Answers as Lambda lets them out: 6 MB of JSON around a body of up to 4 MiB.
import { expect, it } from "vitest";
import { answerAsLambda } from "#functions/lambda-answer.ts";
import type { HttpAnswer } from "#http/problem.ts";

/** Lambda's limit of a synchronous answer (AWS Lambda quotas, 2026). */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
const EVENT: Parameters<ReturnType<typeof answerAsLambda>>[0] = JSON.parse("{}");

function answered(body: string | Uint8Array): ReturnType<ReturnType<typeof answerAsLambda>> {
  const answer: HttpAnswer = { statusCode: 200, headers: {}, body };
  return answerAsLambda(async () => answer)(EVENT);
}

it("leaves a small answer as it is", async () => {
  expect(await answered('{"a":1}')).toEqual({
    statusCode: 200,
    headers: {},
    body: '{"a":1}',
    isBase64Encoded: false,
  });
});

it.each(['"', "\\", "\u0001", "é"])(
  "keeps a page of 4 MiB of %j within what Lambda lets out",
  async (text) => {
    const body = text.repeat((4 * 1024 * 1024) / Buffer.byteLength(text));

    const answer = await answered(body);

    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(MAX_PAYLOAD_BYTES);
    expect(Buffer.from(answer.body, "base64").toString()).toBe(body);
  },
);

it("encodes bytes, of the view that they are and not of all behind it", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

  const answer = await answered(bytes.subarray(100, 203));

  expect(answer.isBase64Encoded).toBe(true);
  expect([...Buffer.from(answer.body, "base64")]).toEqual([...bytes.subarray(100, 203)]);
});
