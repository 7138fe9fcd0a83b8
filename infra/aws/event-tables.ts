/**
 * The two DynamoDB tables, built from the layout that the adapters read and write by: events, found by id, time, user and
 * resource; and the ledger of batches. On demand, recoverable to any second, and kept when their stack goes.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import type { Attribute, GlobalSecondaryIndexPropsV2 } from "aws-cdk-lib/aws-dynamodb";
import { AttributeType, Billing, ProjectionType, StreamViewType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import type { IndexDefinition, KeyAttribute, TableDefinition } from "#adapters/aws/keys.ts";
import { EVENT_TABLE, LEDGER_TABLE } from "#adapters/aws/keys.ts";
import type { Grantee } from "#infra/aws/grantee.ts";

export interface EventTablesProps {
  /** Whether the tables outlive their stack and refuse to be deleted. */
  readonly isProtected: boolean;
  /** Ceiling in units per second, for the events table and each of its indexes. @default none */
  readonly maxUnitsPerSecond?: { readonly write: number; readonly read: number } | undefined;
}

/** Marks, notes, lane epochs and probes are read by every function but ingest. */
const READ_ROW = "dynamodb:GetItem";
/** The mark of a table carries the id that DynamoDB gave it; whoever reads the mark compares them. */
const DESCRIBE = "dynamodb:DescribeTable";
/** An event is inserted, never replaced; one found in its place is read; a conflict is noted on the first. */
const STORE_EVENTS = ["dynamodb:PartiQLInsert", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"];

export class EventTables extends Construct {
  readonly events: TableV2;
  readonly ledger: TableV2;

  constructor(scope: Construct, id: string, props: EventTablesProps) {
    super(scope, id);
    this.events = createTable(this, "Events", { ...props, definition: EVENT_TABLE });
    this.ledger = createTable(this, "Ledger", {
      isProtected: props.isProtected,
      definition: LEDGER_TABLE,
      stream: StreamViewType.KEYS_ONLY,
    });
  }

  /** Reading events by id and by access path, the lanes that they stand in, and whether the tables belong together. */
  grantFind(to: Grantee): void {
    this.bindTables(to);
    to.allow([READ_ROW, "dynamodb:BatchGetItem", DESCRIBE], [this.events.tableArn]);
    to.allow(
      ["dynamodb:Query"],
      EVENT_TABLE.indexes.map(({ name }) => `${this.events.tableArn}/index/${name}`),
    );
    to.allow([READ_ROW, "dynamodb:Query", DESCRIBE], [this.ledger.tableArn]);
  }

  /** Storing batches of events and their ledger rows. */
  grantPersist(to: Grantee): void {
    this.bindTables(to);
    to.allow([...STORE_EVENTS, DESCRIBE, READ_ROW, "dynamodb:PutItem"], [this.events.tableArn]);
    to.allow(
      [READ_ROW, "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query", DESCRIBE],
      [this.ledger.tableArn],
    );
  }

  /** What `grantPersist` does, taking work off the ledger's lists, putting it back on them, and restoring rows. */
  grantMaintain(to: Grantee): void {
    this.grantPersist(to);
    to.allow(
      ["dynamodb:DeleteItem", "dynamodb:ConditionCheckItem", "dynamodb:UpdateItem"],
      [this.ledger.tableArn],
    );
  }

  /** Moving the head of the log on, and noting in the rows of batches where their lines stand in it. */
  grantSeal(to: Grantee): void {
    this.bindTables(to);
    to.allow([DESCRIBE, READ_ROW, "dynamodb:PutItem"], [this.events.tableArn]); // its mark alone
    to.allow(
      [
        DESCRIBE,
        READ_ROW,
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
      ],
      [this.ledger.tableArn],
    );
  }

  /** Being woken by batches that are new in the ledger. @returns ARN of its stream */
  grantFollowLedger(to: Grantee): string {
    const { tableStreamArn } = this.ledger;
    if (tableStreamArn === undefined) throw new Error("the ledger has no stream");
    to.allow(
      ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
      [tableStreamArn],
    );
    return tableStreamArn;
  }

  /** Finding the leaf of an event, and whether the tables belong together. */
  grantProve(to: Grantee): void {
    this.bindTables(to);
    to.allow([READ_ROW, DESCRIBE], [this.events.tableArn, this.ledger.tableArn]);
  }

  /** Seeing that both tables answer and belong together, and reading the last inventory and what waits for a seal. */
  grantProbe(to: Grantee): void {
    this.bindTables(to);
    to.allow([READ_ROW, DESCRIBE], [this.events.tableArn, this.ledger.tableArn]);
    to.allow(["dynamodb:Query", "dynamodb:BatchGetItem"], [this.ledger.tableArn]);
  }

  private bindTables(to: Grantee): void {
    to.bind({ AUDIT_TABLE_NAME: this.events.tableName, AUDIT_LEDGER_NAME: this.ledger.tableName });
  }
}

interface TableOptions extends EventTablesProps {
  readonly definition: TableDefinition;
  /** What a stream tells of each change. @default there is no stream */
  readonly stream?: StreamViewType;
}

function createTable(
  scope: Construct,
  id: string,
  { definition, isProtected, maxUnitsPerSecond, stream }: TableOptions,
): TableV2 {
  const { partitionKey, sortKey, indexes, expiryAttribute } = definition;
  return new TableV2(scope, id, {
    partitionKey: attribute(partitionKey),
    ...(sortKey === undefined ? {} : { sortKey: attribute(sortKey) }),
    ...(expiryAttribute === undefined ? {} : { timeToLiveAttribute: expiryAttribute }),
    ...(stream === undefined ? {} : { dynamoStream: stream }),
    globalSecondaryIndexes: indexes.map(index),
    billing:
      maxUnitsPerSecond === undefined
        ? Billing.onDemand()
        : Billing.onDemand({
            maxWriteRequestUnits: maxUnitsPerSecond.write,
            maxReadRequestUnits: maxUnitsPerSecond.read,
          }),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: isProtected,
    removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
}

function index({ name, partitionKey, sortKey, included }: IndexDefinition): GlobalSecondaryIndexPropsV2 {
  return {
    indexName: name,
    partitionKey: attribute(partitionKey),
    sortKey: attribute(sortKey),
    projectionType: ProjectionType.INCLUDE,
    nonKeyAttributes: [...included],
  };
}

function attribute({ name, type }: KeyAttribute): Attribute {
  return { name, type: type === "S" ? AttributeType.STRING : AttributeType.BINARY };
}
