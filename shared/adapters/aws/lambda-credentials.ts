/**
 * Credentials of the role that a Lambda function runs as, which the runtime puts into the environment. The bundles take
 * this in place of the SDK's chain of sources, of which a function needs no other.
 */
import { fromEnv } from "@aws-sdk/credential-provider-env";

/** Named as in the module whose place it takes. */
export function defaultProvider(): ReturnType<typeof fromEnv> {
  return fromEnv();
}
