/**
 * Stands in the bundles for `@aws-sdk/endpoint-cache`, where the DynamoDB client would keep endpoints that it has asked the
 * service for. It does so only where AWS_ENABLE_ENDPOINT_DISCOVERY is set, which the stack does not.
 */

export class EndpointCache {
  getEndpoint(): never {
    throw absent();
  }

  get(): never {
    throw absent();
  }

  set(): never {
    throw absent();
  }
}

function absent(): Error {
  return new Error("endpoint discovery is not in this bundle; see infra/aws/bundle.ts");
}
