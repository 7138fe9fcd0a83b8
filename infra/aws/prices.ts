/**
 * What AWS charges, in US dollars: the one source of the dashboard's estimate, `npm run cost` and docs/cost.md. us-east-1,
 * without free tier, list prices as of PRICES_AS_OF; each line names the page that has it. Other regions differ by up to a half;
 * the bill is the authority.
 */

export const PRICES_AS_OF = "2026-11";

export const PRICES_USD = {
  /** DynamoDB on demand, per unit (aws.amazon.com/dynamodb/pricing/on-demand). */
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  /** DynamoDB provisioned, per unit per second kept for an hour (…/pricing/provisioned). */
  provisionedWriteUnitHour: 0.000_65,
  /** DynamoDB storage per GB-month, table and indexes alike; recovery to any second is billed on the table. */
  tableGbMonth: 0.25,
  tableRecoveryGbMonth: 0.2,
  /** S3 standard, per PUT or LIST, per GET, and per GB-month (aws.amazon.com/s3/pricing). */
  objectWrite: 5e-6,
  objectRead: 0.4e-6,
  objectGbMonth: 0.023,
  /** SQS standard queue, per request of up to 64 KB (aws.amazon.com/sqs/pricing). */
  queueRequest: 0.4e-6,
  /** HTTP API, per request of up to 512 KB (aws.amazon.com/api-gateway/pricing). */
  apiRequest: 1e-6,
  /** KMS, per key and month, and per signature by one of elliptic curves (aws.amazon.com/kms/pricing). */
  keyMonth: 1,
  signature: 15e-6,
  /** Lambda on arm64 (aws.amazon.com/lambda/pricing). */
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 13.3334e-6,
  /** CloudWatch (aws.amazon.com/cloudwatch/pricing): logs taken in per GB; metric, alarmed metric, dashboard per month. */
  logGb: 0.5,
  metricMonth: 0.3,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
} as const;

/** What a seal takes beside its writes to the ledger and its function's time, whatever it covers; `npm run cost` counts it. */
export const PER_SEAL = { objectWrites: 7, signatures: 2 } as const;
