/**
 * Answers in the form in which they leave a Lambda function. Lambda puts an answer into JSON, where each quote of the body
 * takes two bytes, and lets out 6 MB of that: a page of 4 MiB can pass it. As base64 it takes a third more, whatever is in it, and
 * bytes that are no text go in no other form.
 */
import type { HttpFunction } from "#functions/middleware.ts";
import type { TextAnswer } from "#http/problem.ts";

export interface LambdaAnswer extends TextAnswer {
  /** Whether the gateway is to decode the body. */
  readonly isBase64Encoded: boolean;
}

export type LambdaHttpFunction = (...given: Parameters<HttpFunction>) => Promise<LambdaAnswer>;

/** Even if every character took six bytes in JSON, it would fit. */
const MAX_PLAIN_CHARACTERS = 1_000_000;

export function answerAsLambda(handle: HttpFunction): LambdaHttpFunction {
  return async (event, context) => {
    const answer = await handle(event, context);
    const { body } = answer;
    if (typeof body !== "string") return { ...answer, body: base64Of(body), isBase64Encoded: true };
    if (body.length <= MAX_PLAIN_CHARACTERS) return { ...answer, body, isBase64Encoded: false };
    return { ...answer, body: base64Of(Buffer.from(body)), isBase64Encoded: true };
  };
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
