/**
 * The CloudFormation templates that the emulated run understands: resource types that it makes real, member by member, and
 * types that it passes over, each with the reason. A type or a member that is in neither list is a problem, by name, so
 * that nothing of a deployment is silently missing here.
 */
import * as z from "zod";
import { FilterPattern } from "#infra/emulated/event-filter.ts";

const Any = z.unknown();
const Text = z.string();
const Count = z.coerce.number();
/** Given to every resource by tag policies of an account; they change nothing. */
const TAGS = { Tags: Any.optional() };

const KeySchema = z.array(z.strictObject({ AttributeName: Text, KeyType: z.enum(["HASH", "RANGE"]) }));

const Table = z.strictObject({
  TableName: Text.optional(),
  AttributeDefinitions: z.array(
    z.strictObject({ AttributeName: Text, AttributeType: z.enum(["S", "N", "B"]) }),
  ),
  KeySchema,
  BillingMode: z.literal("PAY_PER_REQUEST"),
  GlobalSecondaryIndexes: z
    .array(
      z.strictObject({
        IndexName: Text,
        KeySchema,
        Projection: z.strictObject({
          ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]),
          NonKeyAttributes: z.array(Text).optional(),
        }),
        WriteOnDemandThroughputSettings: Any.optional(), // a ceiling of what it costs: nothing, here
      }),
    )
    .optional(),
  TimeToLiveSpecification: z
    .strictObject({ AttributeName: Text.optional(), Enabled: z.coerce.boolean() })
    .optional(),
  StreamSpecification: z
    .strictObject({ StreamViewType: z.enum(["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]) })
    .optional(),
  Replicas: Any, // recovery, protection and throughput of the one region
  WriteOnDemandThroughputSettings: Any.optional(),
  SSESpecification: Any.optional(), // everything is in memory
});

const Queue = z.strictObject({
  QueueName: Text.optional(),
  VisibilityTimeout: Count.optional(),
  MessageRetentionPeriod: Count.optional(),
  DelaySeconds: Count.optional(),
  MaximumMessageSize: Count.optional(),
  ReceiveMessageWaitTimeSeconds: Count.optional(),
  RedrivePolicy: z.strictObject({ deadLetterTargetArn: Text, maxReceiveCount: Count }).optional(),
  RedriveAllowPolicy: Any.optional(), // who may use it as a queue of dead letters: rights
  SqsManagedSseEnabled: Any.optional(),
  ...TAGS,
});

const Bucket = z.strictObject({
  BucketName: Text.optional(),
  VersioningConfiguration: z.strictObject({ Status: z.enum(["Enabled", "Suspended"]) }).optional(),
  ObjectLockEnabled: Any.optional(), // the stand-in takes locks in every bucket
  ObjectLockConfiguration: Any.optional(), // of objects that name no lock: the stand-in lets them go
  BucketEncryption: Any.optional(),
  PublicAccessBlockConfiguration: Any.optional(),
  OwnershipControls: Any.optional(),
  LifecycleConfiguration: Any.optional(), // takes days
  ...TAGS,
});

const Lambda = z.strictObject({
  FunctionName: Text.optional(),
  Code: z.strictObject({ S3Bucket: Any, S3Key: Text }),
  Handler: Text,
  Runtime: z.literal("nodejs24.x"),
  Timeout: Count.default(3),
  MemorySize: Count.default(128),
  Environment: z.strictObject({ Variables: z.record(z.string(), Text) }).optional(),
  Role: Any, // stand-ins check no rights
  Architectures: Any.optional(), // JavaScript runs on each
  Description: Any.optional(),
  LoggingConfig: Any.optional(),
  TracingConfig: Any.optional(),
  ...TAGS,
});

const QueueSource = z.strictObject({
  StartingPosition: z.undefined().optional(),
  EventSourceArn: Text,
  FunctionName: Text,
  BatchSize: Count.default(10),
  MaximumBatchingWindowInSeconds: Count.default(0),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  ScalingConfig: z.strictObject({ MaximumConcurrency: Count }).optional(),
  Enabled: z.literal(true).optional(),
  ...TAGS,
});

const StreamSource = z.strictObject({
  EventSourceArn: Text,
  FunctionName: Text,
  StartingPosition: z.enum(["LATEST", "TRIM_HORIZON"]),
  BatchSize: Count.default(100),
  MaximumBatchingWindowInSeconds: Count.default(0),
  MaximumRetryAttempts: Count, // without it for a day
  MaximumRecordAgeInSeconds: Any.optional(), // nothing is tried again for that long
  FilterCriteria: z.strictObject({ Filters: z.array(z.strictObject({ Pattern: FilterPattern })) }).optional(),
  ParallelizationFactor: z.literal(1).optional(),
  BisectBatchOnFunctionError: z.literal(false).optional(),
  Enabled: z.literal(true).optional(),
  ...TAGS,
});

/** A stream has a position to begin at, a queue has none. */
const EventSource = z.discriminatedUnion("StartingPosition", [QueueSource, StreamSource]);

const SigningKey = z.strictObject({
  KeySpec: z.literal("ECC_NIST_EDWARDS25519"),
  KeyUsage: z.literal("SIGN_VERIFY"),
  KeyPolicy: Any.optional(), // rights
  Description: Any.optional(),
  PendingWindowInDays: Any.optional(),
  ...TAGS,
});

const HttpApi = z.strictObject({
  ProtocolType: z.literal("HTTP"),
  Name: Any.optional(),
  Description: Any.optional(),
  ...TAGS,
});

const Integration = z.strictObject({
  ApiId: Text,
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: Text,
  PayloadFormatVersion: z.literal("2.0"),
});

const Route = z.strictObject({
  ApiId: Text,
  RouteKey: Text,
  Target: Text,
  AuthorizationType: z.enum(["NONE", "AWS_IAM"]).optional(), // rights
});

const Stage = z.strictObject({
  ApiId: Text,
  StageName: z.literal("$default"),
  AutoDeploy: z.literal(true),
  DefaultRouteSettings: Any.optional(), // how many requests a second
  AccessLogSettings: Any.optional(),
  ...TAGS,
});

const ScheduleRule = z.strictObject({
  ScheduleExpression: z.string().regex(/^rate\(\d+ (minute|hour|day)s?\)$/),
  State: z.literal("ENABLED").optional(),
  Targets: z
    .array(z.strictObject({ Arn: Text, Id: Text, Input: Text.optional(), RetryPolicy: Any.optional() }))
    .length(1),
  Name: Any.optional(),
  Description: Any.optional(),
  ...TAGS,
});

/** Resource types that become real, with the members that are used or, as `Any`, passed over. */
export const USED_TYPES = {
  "AWS::DynamoDB::GlobalTable": Table,
  "AWS::SQS::Queue": Queue,
  "AWS::S3::Bucket": Bucket,
  "AWS::Lambda::Function": Lambda,
  "AWS::Lambda::EventSourceMapping": EventSource,
  "AWS::KMS::Key": SigningKey,
  "AWS::ApiGatewayV2::Api": HttpApi,
  "AWS::ApiGatewayV2::Integration": Integration,
  "AWS::ApiGatewayV2::Route": Route,
  "AWS::ApiGatewayV2::Stage": Stage,
  "AWS::Events::Rule": ScheduleRule,
} as const;

export type UsedType = keyof typeof USED_TYPES;
export type PropertiesOf<Type extends UsedType> = z.output<(typeof USED_TYPES)[Type]>;

const RIGHTS = "stand-ins check no rights";
const WATCHING = "nobody is woken by a run on one machine";
const SQL = "there is no Athena here";

/** Resource types that are passed over, with the reason. */
export const IGNORED_TYPES: Readonly<Record<string, string>> = {
  "AWS::IAM::Role": RIGHTS,
  "AWS::IAM::Policy": RIGHTS,
  "AWS::IAM::ManagedPolicy": RIGHTS,
  "AWS::KMS::Alias": "functions are told the keys themselves",
  "AWS::Lambda::Permission": RIGHTS,
  "AWS::Lambda::EventInvokeConfig": "schedules here try nothing again",
  "AWS::SQS::QueuePolicy": RIGHTS,
  "AWS::S3::BucketPolicy": RIGHTS,
  "AWS::SNS::TopicPolicy": RIGHTS,
  "AWS::SNS::Topic": WATCHING,
  "AWS::SNS::Subscription": WATCHING,
  "AWS::CloudWatch::Alarm": WATCHING,
  "AWS::CloudWatch::CompositeAlarm": WATCHING,
  "AWS::CloudWatch::Dashboard": WATCHING,
  "AWS::Logs::LogGroup": "what functions write is handed on as it comes",
  "AWS::Glue::Database": SQL,
  "AWS::Glue::Table": SQL,
  "AWS::Athena::WorkGroup": SQL,
  "AWS::Athena::NamedQuery": SQL,
  "AWS::CDK::Metadata": "it describes the app",
};

const Resource = z.strictObject({
  Type: Text,
  Properties: z.record(z.string(), Any).default({}),
  DependsOn: Any.optional(), // everything is made in an order that fits
  DeletionPolicy: Any.optional(), // nothing outlives the run
  UpdateReplacePolicy: Any.optional(),
  Metadata: Any.optional(),
});

/** A template whose resources are not yet looked into. `Parameters` and `Rules` are of the CDK's bootstrap. */
export const Template = z.strictObject({
  Resources: z.record(z.string(), Resource),
  Outputs: z
    .record(
      z.string(),
      z.strictObject({
        Value: Any,
        Description: Any.optional(),
        Export: z.strictObject({ Name: Any }).optional(),
      }),
    )
    .default({}),
  Parameters: z.strictObject({ BootstrapVersion: Any }).optional(),
  Rules: z.strictObject({ CheckBootstrapVersion: Any }).optional(),
  Description: Any.optional(),
});
export type Template = z.output<typeof Template>;

export function isUsedType(type: string): type is UsedType {
  return type in USED_TYPES;
}
