/** What a route takes and answers, as its entry in the table says. */
import type { SchemaName } from "#http/schemas.ts";

export interface RouteBody {
  readonly schema: SchemaName;
  /** As it arrives, and after decompression. */
  readonly maxWireBytes: number;
  readonly maxDecodedBytes: number;
  /** No body counts as `{}`. */
  readonly isOptional: boolean;
}

export interface RouteResponse {
  readonly description: string;
  readonly schema?: SchemaName;
  /** Those beside `application/json` are text. @default ["application/json"] */
  readonly types?: readonly string[];
  /** Name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}
