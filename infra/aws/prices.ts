/**
 * What AWS charges, for the dashboard's cost estimate: us-east-1, on demand, without free tier, as of 2026-11. Other regions
 * differ by up to a half; the bill is the authority.
 */
export const PRICES_USD = {
  /** DynamoDB on demand, per unit. */
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  /** S3 standard, per PUT. */
  objectWrite: 5e-6,
  /** SQS standard queue, per request of up to 64 KB. */
  queueRequest: 0.4e-6,
  /** HTTP API, per request of up to 512 KB. */
  apiRequest: 1e-6,
  /** Lambda on arm64. */
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 13.3334e-6,
} as const;
