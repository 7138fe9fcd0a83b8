/** Tables, queues, buckets and keys of a template, created on the stand-ins with everything the template says of them. */
import type { CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateTableCommand, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import type { KMSClient } from "@aws-sdk/client-kms";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import type { S3Client } from "@aws-sdk/client-s3";
import { CreateBucketCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { CreateQueueCommand } from "@aws-sdk/client-sqs";
import { KEY_ID_TAG } from "#infra/emulated/kms-server.ts";
import type { PropertiesOf } from "#infra/emulated/template.ts";

/** A resource of a template with its values worked out. */
export interface Named<Properties> {
  /** Name on the stand-in. */
  readonly name: string;
  readonly properties: Properties;
}

export async function createTable(
  client: DynamoDBClient,
  { name, properties }: Named<PropertiesOf<"AWS::DynamoDB::GlobalTable">>,
): Promise<void> {
  const { TimeToLiveSpecification: expiry, GlobalSecondaryIndexes: indexes = [] } = properties;
  const { StreamSpecification: stream } = properties;
  const input: CreateTableCommandInput = {
    TableName: name,
    AttributeDefinitions: properties.AttributeDefinitions,
    KeySchema: properties.KeySchema,
    BillingMode: properties.BillingMode,
    ...(stream !== undefined && { StreamSpecification: { StreamEnabled: true, ...stream } }),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map(({ IndexName, KeySchema, Projection }) => ({
        IndexName,
        KeySchema,
        Projection: {
          ProjectionType: Projection.ProjectionType,
          ...(Projection.NonKeyAttributes && { NonKeyAttributes: Projection.NonKeyAttributes }),
        },
      })),
    }),
  };
  await client.send(new CreateTableCommand(input));
  if (expiry?.AttributeName === undefined) return;
  const TimeToLiveSpecification = { AttributeName: expiry.AttributeName, Enabled: expiry.Enabled };
  await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
}

/** @param visibilitySeconds in place of the template's, where a test must not wait that long */
export async function createQueue(
  client: SQSClient,
  { name, properties }: Named<PropertiesOf<"AWS::SQS::Queue">>,
  visibilitySeconds?: number,
): Promise<void> {
  const given = {
    VisibilityTimeout: visibilitySeconds ?? properties.VisibilityTimeout,
    MessageRetentionPeriod: properties.MessageRetentionPeriod,
    DelaySeconds: properties.DelaySeconds,
    MaximumMessageSize: properties.MaximumMessageSize,
    ReceiveMessageWaitTimeSeconds: properties.ReceiveMessageWaitTimeSeconds,
    RedrivePolicy: properties.RedrivePolicy && JSON.stringify(properties.RedrivePolicy),
  };
  const Attributes = Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
  await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
}

export async function createBucket(
  client: S3Client,
  { name, properties }: Named<PropertiesOf<"AWS::S3::Bucket">>,
): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: name }));
  if (properties.VersioningConfiguration === undefined) return;
  const { Status } = properties.VersioningConfiguration;
  await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status } }));
}

export async function createKey(
  client: KMSClient,
  { name, properties: { KeySpec, KeyUsage } }: Named<PropertiesOf<"AWS::KMS::Key">>,
): Promise<void> {
  const Tags = [{ TagKey: KEY_ID_TAG, TagValue: name }];
  await client.send(new CreateKeyCommand({ KeySpec, KeyUsage, Tags }));
}
