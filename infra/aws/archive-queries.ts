/**
 * Reading the archive by SQL with Athena: a table over the batch objects whose partitions are computed from the key (no
 * crawler), a workgroup with its own place for results, and a query that takes each event once.
 */
import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { CfnNamedQuery, CfnWorkGroup } from "aws-cdk-lib/aws-athena";
import { CfnDatabase, CfnTable } from "aws-cdk-lib/aws-glue";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { ARCHIVE_COLUMNS, eachEventOnce, FIRST_DAY } from "#infra/aws/archive-columns.ts";

export interface ArchiveQueriesProps {
  readonly bucket: Bucket;
  readonly stageName: string;
}

const RESULTS_KEPT_DAYS = 7;
const TABLE_NAME = "batches";
/** A query that would read more is stopped: 100 GB of gzip are $0.50. */
const MAX_SCANNED_BYTES = 100 * 1024 ** 3;

export class ArchiveQueries extends Construct {
  readonly results: Bucket;

  constructor(scope: Construct, id: string, { bucket, stageName }: ArchiveQueriesProps) {
    super(scope, id);
    const databaseName = `audit_${stageName}`;
    const database = new CfnDatabase(this, "Database", {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: databaseName, description: "Archive of the audit log" },
    });
    const table = new CfnTable(this, "Batches", {
      catalogId: Aws.ACCOUNT_ID,
      databaseName,
      tableInput: tableInput(bucket),
    });
    table.addResourceDependency(database);
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
    const query = new CfnNamedQuery(this, "EachEventOnce", {
      name: "each-event-once",
      description: "Events of one day, each content under an id once, however often it was sent",
      database: databaseName,
      queryString: eachEventOnce(databaseName, TABLE_NAME),
      workGroup: workGroup.name,
    });
    query.addResourceDependency(workGroup);
    query.addResourceDependency(table);
  }
}

function tableInput(bucket: Bucket): CfnTable.TableInputProperty {
  const location = `s3://${bucket.bucketName}/batches/`;
  return {
    name: TABLE_NAME,
    description: "Stored lines as they were archived; a line that was sent twice may stand twice",
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
