/**
 * Answers in the form in which they leave a Lambda function. Lambda puts an answer into JSON, where each quote of the body
 * takes two bytes, and lets out 6 MB of that: a page of 4 MiB can pass it. As base64 it takes a third more, whatever is in it.
 */
import type { HttpFunction } from "#functions/middleware.ts";
import type { HttpAnswer } from "#http/problem.ts";

export interface LambdaAnswer extends HttpAnswer {
  /** Whether the gateway is to decode the body. */
  readonly isBase64Encoded: boolean;
}

export type LambdaHttpFunction = (...given: Parameters<HttpFunction>) => Promise<LambdaAnswer>;

/** Even if every character took six bytes in JSON, it would fit. */
const MAX_PLAIN_CHARACTERS = 1_000_000;

export function answerAsLambda(handle: HttpFunction): LambdaHttpFunction {
  return async (event, context) => {
    const answer = await handle(event, context);
    if (answer.body.length <= MAX_PLAIN_CHARACTERS) return { ...answer, isBase64Encoded: false };
    return { ...answer, body: Buffer.from(answer.body).toString("base64"), isBase64Encoded: true };
  };
}
