/**
 * What a construct grants to: something with a policy and an environment. Each grant adds the statement and the variables
 * that go with it in one call, so that no function knows a resource that it may not use.
 */

export interface Grantee {
  /** Allows exactly these actions on exactly these resources. */
  allow(actions: readonly string[], resourceArns: readonly string[]): void;
  /** Adds environment variables. */
  bind(variables: Readonly<Record<string, string>>): void;
}
