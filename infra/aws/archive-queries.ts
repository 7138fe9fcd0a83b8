/**
 * Reading the archive by SQL with Athena: tables over segments, and over batches that are not sealed yet, whose partitions are
 * computed from the keys (no crawler); a workgroup with its own place for results; and queries that take each event once.
 */
import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { CfnNamedQuery, CfnWorkGroup } from "aws-cdk-lib/aws-athena";
import { CfnDatabase, CfnTable } from "aws-cdk-lib/aws-glue";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { ARCHIVE_COLUMNS, eachEventOnce, FIRST_DAY, sealedEvents } from "#infra/aws/archive-columns.ts";
import { SEGMENT_PREFIX } from "#service/log-layout.ts";

export interface ArchiveQueriesProps {
  readonly bucket: Bucket;
  readonly stageName: string;
}

interface ArchiveTable {
  readonly name: string;
  readonly description: string;
  /** Folder in the bucket, below which partitions lie. */
  readonly prefix: string;
}

const RESULTS_KEPT_DAYS = 7;
/** A query that would read more is stopped: 100 GB of gzip are $0.50. */
const MAX_SCANNED_BYTES = 100 * 1024 ** 3;
const SEGMENTS: ArchiveTable = {
  name: "segments",
  description: "Sealed lines in the order of the log, each event once; dt and hh are when they were sealed",
  prefix: SEGMENT_PREFIX,
};
const BATCHES: ArchiveTable = {
  name: "batches",
  description: "Lines that are not sealed yet; a line that was sent twice may stand twice",
  prefix: "batches/",
};

export class ArchiveQueries extends Construct {
  readonly results: Bucket;

  constructor(scope: Construct, id: string, { bucket, stageName }: ArchiveQueriesProps) {
    super(scope, id);
    const databaseName = `audit_${stageName}`;
    const database = new CfnDatabase(this, "Database", {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: databaseName, description: "Archive of the audit log" },
    });
    const createTable = (tableId: string, table: ArchiveTable): CfnTable => {
      const created = new CfnTable(this, tableId, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName,
        tableInput: tableInput(bucket, table),
      });
      created.addResourceDependency(database);
      return created;
    };
    const tables = [createTable("Segments", SEGMENTS), createTable("Batches", BATCHES)];
    this.results = new Bucket(this, "Results", {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
      lifecycleRules: [{ expiration: Duration.days(RESULTS_KEPT_DAYS) }],
    });
    const workGroup = new CfnWorkGroup(this, "WorkGroup", {
      name: `audit-${stageName}`,
      description: "Queries of the audit log's archive",
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: false,
        bytesScannedCutoffPerQuery: MAX_SCANNED_BYTES,
        resultConfiguration: {
          outputLocation: `s3://${this.results.bucketName}/`,
          encryptionConfiguration: { encryptionOption: "SSE_S3" },
        },
      },
    });
    const createQuery = (queryId: string, query: SavedQuery): void => {
      const created = new CfnNamedQuery(this, queryId, {
        ...query,
        database: databaseName,
        workGroup: workGroup.name,
      });
      for (const needed of [workGroup, ...tables]) created.addResourceDependency(needed);
    };
    createQuery("SealedEvents", {
      name: "sealed-events",
      description: "Events that were sealed on one day, in the order of the log",
      queryString: sealedEvents(databaseName, SEGMENTS.name),
    });
    createQuery("EachEventOnce", {
      name: "each-event-once",
      description:
        "Events of one day, sealed or not, each content under an id once, however often it was sent",
      queryString: eachEventOnce(databaseName, [SEGMENTS.name, BATCHES.name]),
    });
  }
}

interface SavedQuery {
  readonly name: string;
  readonly description: string;
  readonly queryString: string;
}

function tableInput(
  bucket: Bucket,
  { name, description, prefix }: ArchiveTable,
): CfnTable.TableInputProperty {
  const location = `s3://${bucket.bucketName}/${prefix}`;
  return {
    name,
    description,
    tableType: "EXTERNAL_TABLE",
    partitionKeys: [
      { name: "dt", type: "string" },
      { name: "hh", type: "string" },
    ],
    parameters: {
      EXTERNAL: "TRUE",
      "projection.enabled": "true",
      "projection.dt.type": "date",
      "projection.dt.format": "yyyy-MM-dd",
      "projection.dt.range": `${FIRST_DAY},NOW`,
      "projection.hh.type": "integer",
      "projection.hh.range": "0,23",
      "projection.hh.digits": "2",
      "storage.location.template": `${location}dt=\${dt}/hh=\${hh}/`,
    },
    storageDescriptor: {
      location,
      columns: ARCHIVE_COLUMNS.map((column) => ({ ...column })),
      inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
      outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
      serdeInfo: {
        serializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
        parameters: { "ignore.malformed.json": "true", "case.insensitive": "true" },
      },
    },
  };
}
