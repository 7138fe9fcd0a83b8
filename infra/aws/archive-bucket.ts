/**
 * The bucket that is the source of truth: batches until they are sealed, then segments and the log; quarantine. Versioned, so
 * that nothing in it is replaced or removed without trace. What is for ever is locked object by object by who writes it.
 */
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { LifecycleRule } from "aws-cdk-lib/aws-s3";
import { BlockPublicAccess, Bucket, BucketEncryption, StorageClass } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Grantee } from "#infra/aws/grantee.ts";
import type { ArchiveLock } from "#infra/aws/stages.ts";
import { LOG_PREFIX, MANIFEST_PREFIX, SEGMENT_PREFIX, STAGING_PREFIX } from "#service/log-layout.ts";

export interface ArchiveBucketProps {
  /** Whether the bucket outlives its stack. */
  readonly isProtected: boolean;
  /** Retention that the sealer gives to what is for ever. @default none */
  readonly lock?: ArchiveLock | undefined;
}

/** Segments are read by proofs and the feed while young, by verification and by Athena later. */
const COOL_AFTER_DAYS = 30;
/** Glacier Instant Retrieval bills at least 90 days, and is read in milliseconds like the others. */
const COLD_AFTER_DAYS = 120;
/** Only what somebody replaced by hand has noncurrent versions where the service writes each key once. */
const KEEP_REPLACED_DAYS = 365;
/** Former checkpoints, and batches whose lines are in segments: time to look into what went wrong. */
const KEEP_OUTGROWN_DAYS = 30;
/** Never sooner: between a seal and its replay the staging object is the only copy of what was sealed. */
const KEEP_STAGING_DAYS = 30;
const ABORT_UPLOADS_AFTER_DAYS = 3;
const BATCHES = "batches/";
const OBJECTS = [`${BATCHES}*`, "quarantine/*", "deployment.json"] as const;
const LOG_OBJECTS = [LOG_PREFIX, SEGMENT_PREFIX, MANIFEST_PREFIX].map((prefix) => `${prefix}*`);
/** Full tiles and partial ones; the published checkpoint and the keys are never locked. */
const LOCKED_OBJECTS = [`${LOG_PREFIX}tile/`, SEGMENT_PREFIX, MANIFEST_PREFIX].map((prefix) => `${prefix}*`);

export class ArchiveBucket extends Construct {
  readonly bucket: Bucket;
  private readonly lock: ArchiveLock | undefined;

  constructor(scope: Construct, id: string, { isProtected, lock }: ArchiveBucketProps) {
    super(scope, id);
    this.lock = lock;
    this.bucket = new Bucket(this, "Bucket", {
      versioned: true,
      objectLockEnabled: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      lifecycleRules: LIFECYCLE,
    });
  }

  /** Storing batches and what was refused, and reading batches back to complete them. */
  grantArchive(to: Grantee): void {
    this.bindBucket(to);
    to.allow(["s3:PutObject", "s3:GetObject"], this.arnsOf(OBJECTS));
    this.allowList(to);
  }

  /** Publishing the log and its segments, and removing what they take the place of. Nobody else removes anything. */
  grantSeal(to: Grantee): void {
    this.bindBucket(to);
    to.allow(["s3:GetObject"], this.arnsOf([`${BATCHES}*`]));
    to.allow(
      ["s3:PutObject", "s3:GetObject"],
      this.arnsOf([...LOG_OBJECTS, `${STAGING_PREFIX}*`, "deployment.json"]),
    );
    to.allow(["s3:DeleteObject"], this.arnsOf([`${BATCHES}*`]));
    this.allowList(to);
    if (this.lock === undefined) return;
    const { mode, retentionDays: days } = this.lock;
    to.allow(["s3:PutObjectRetention"], this.arnsOf(LOCKED_OBJECTS));
    to.bind({ AUDIT_ARCHIVE_LOCK: JSON.stringify({ mode, days }) });
  }

  /** Reading the log and its segments, to prove or to check. */
  grantReadLog(to: Grantee): void {
    this.bindBucket(to);
    to.allow(["s3:GetObject"], this.arnsOf(LOG_OBJECTS));
    this.allowList(to);
  }

  /** Seeing that the bucket answers. */
  grantProbe(to: Grantee): void {
    this.bindBucket(to);
    this.allowList(to);
  }

  /** With it a missing object is 404 and not 403; HEAD on the bucket needs it too. */
  private allowList(to: Grantee): void {
    to.allow(["s3:ListBucket"], [this.bucket.bucketArn]);
  }

  private bindBucket(to: Grantee): void {
    to.bind({ AUDIT_ARCHIVE_BUCKET: this.bucket.bucketName });
  }

  private arnsOf(patterns: readonly string[]): readonly string[] {
    return patterns.map((pattern) => this.bucket.arnForObjects(pattern));
  }
}

/** Where several rules say when a version goes, the sooner counts; none removes a version whose lock has not ended. */
const LIFECYCLE: LifecycleRule[] = [
  {
    abortIncompleteMultipartUploadAfter: Duration.days(ABORT_UPLOADS_AFTER_DAYS),
    noncurrentVersionExpiration: Duration.days(KEEP_REPLACED_DAYS),
  },
  // Removing a batch leaves a marker and the version below it: the version goes first, the marker when it is all there is.
  ...[BATCHES, LOG_PREFIX].map((prefix) => ({
    prefix,
    noncurrentVersionExpiration: Duration.days(KEEP_OUTGROWN_DAYS),
    expiredObjectDeleteMarker: true,
  })),
  {
    prefix: STAGING_PREFIX,
    expiration: Duration.days(KEEP_STAGING_DAYS),
    noncurrentVersionExpiration: Duration.days(1),
  },
  {
    prefix: SEGMENT_PREFIX,
    transitions: [
      { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(COOL_AFTER_DAYS) },
      {
        storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL,
        transitionAfter: Duration.days(COLD_AFTER_DAYS),
      },
    ],
  },
];
