/**
 * The bucket that is the source of truth: batches, outcomes, quarantine. Versioned and locked, so that nothing in it can be
 * replaced or removed before its time, by the service neither.
 */
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  StorageClass,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Grantee } from "#infra/aws/grantee.ts";
import type { ArchiveLock } from "#infra/aws/stages.ts";

export interface ArchiveBucketProps {
  /** Whether the bucket outlives its stack. */
  readonly isProtected: boolean;
  /** Retention that every new object gets. @default none */
  readonly lock?: ArchiveLock | undefined;
}

/** Batches are read by the janitor while young, by a rebuild and by Athena later. */
const COOL_AFTER_DAYS = 30;
/** Glacier Instant Retrieval bills at least 90 days, and is read in milliseconds like the others. */
const COLD_AFTER_DAYS = 120;
/** Only what somebody replaced by hand has noncurrent versions: the service writes each key once. */
const KEEP_REPLACED_DAYS = 365;
const ABORT_UPLOADS_AFTER_DAYS = 3;
const OBJECTS = ["batches/*", "quarantine/*", "deployment.json"] as const;

export class ArchiveBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { isProtected, lock }: ArchiveBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, "Bucket", {
      versioned: true,
      objectLockEnabled: true,
      ...(lock === undefined ? {} : { objectLockDefaultRetention: retention(lock) }),
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(ABORT_UPLOADS_AFTER_DAYS),
          noncurrentVersionExpiration: Duration.days(KEEP_REPLACED_DAYS),
        },
        {
          prefix: "batches/",
          transitions: [
            { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(COOL_AFTER_DAYS) },
            {
              storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL,
              transitionAfter: Duration.days(COLD_AFTER_DAYS),
            },
          ],
        },
      ],
    });
  }

  /** Storing batches and what was refused, and reading batches back to complete them. */
  grantArchive(to: Grantee): void {
    this.bindBucket(to);
    to.allow(
      ["s3:PutObject", "s3:GetObject"],
      OBJECTS.map((pattern) => this.bucket.arnForObjects(pattern)),
    );
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
}

function retention({ mode, retentionDays }: ArchiveLock): ObjectLockRetention {
  const duration = Duration.days(retentionDays);
  return mode === "GOVERNANCE"
    ? ObjectLockRetention.governance(duration)
    : ObjectLockRetention.compliance(duration);
}
