/**
 * A deployment on AWS for who operates it: the use cases of shared/service on the real queues, tables and bucket. Loaded
 * by the commands that need it alone, so that no other pays for the AWS SDK.
 */
import { randomFillSync } from "node:crypto";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { publishLanes } from "#adapters/aws/dynamo-directory-publish.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { createDynamoItemCheck } from "#adapters/aws/dynamo-item-check.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import { createEventTableMark, createLedgerMark } from "#adapters/aws/dynamo-mark.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import { readLaneLoads } from "#adapters/aws/lane-load.ts";
import { createS3Archive } from "#adapters/aws/s3-archive.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { createS3LogStore } from "#adapters/aws/s3-log-store.ts";
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { createSqsDeadLetters } from "#adapters/aws/sqs-dead-letters.ts";
import { createSqsEventQueue } from "#adapters/aws/sqs-event-queue.ts";
import { createHoldsEvents, createHoldsRows } from "#adapters/aws/table-contents.ts";
import type { Operator, OperatorTarget } from "#cli/operator.ts";
import type { AwsConfig } from "#functions/aws-variables.ts";
import { explained } from "#infra/local/aws-failures.ts";
import { readDeploymentConfig } from "#infra/local/config.ts";
import { readOutputs } from "#infra/local/outputs.ts";
import { showLetter } from "#infra/local/shown-letter.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { DeadLetters } from "#service/dead-letters.ts";
import { peekLetters } from "#service/dead-letters.ts";
import { stampIntake } from "#service/intake.ts";
import { createQuarantine } from "#service/quarantine.ts";
import type { StampMessage } from "#service/read-message.ts";
import { createRebuild } from "#service/rebuild.ts";
import { createFullReconcile } from "#service/reconcile.ts";
import { createRedrive } from "#service/redrive.ts";

const DAY_MS = 86_400_000;
/** Long enough that a busy lane stands out, short enough to be of now. */
const LOAD_WINDOW_MS = 5 * 60_000;
const clock = { nowMs: Date.now };

/** @throws AuditServiceError `invalid-configuration` where the file of outputs is none */
export async function openOperator({ outputs }: OperatorTarget): Promise<Operator> {
  const given = outputs === undefined ? {} : await readOutputs(outputs);
  const read = <Member extends keyof AwsConfig>(...members: readonly Member[]): Pick<AwsConfig, Member> =>
    readDeploymentConfig(members, given);
  const sqs = createSqsClient();
  const s3 = createS3Client();
  const dynamo = createDynamoClient();

  const letters = (): readonly DeadLetters[] => {
    const { queueDlqUrl, intakeDlqUrl } = read("queueDlqUrl", "intakeDlqUrl");
    return [
      createSqsDeadLetters({ client: sqs, queueUrl: queueDlqUrl, queue: "lines" }),
      createSqsDeadLetters({ client: sqs, queueUrl: intakeDlqUrl, queue: "intake" }),
    ];
  };
  const stamp = (): StampMessage => {
    const { intakeTenants: tenants } = read("intakeTenants");
    const identifiers = createIdentifiers({ ...clock, fillRandom: randomFillSync });
    return (letter) => stampIntake(letter, { tenants, identifiers });
  };

  return {
    countLetters: () =>
      explained(async () =>
        Promise.all(letters().map(async ({ queue, count }) => ({ queue, ...(await count()) }))),
      ),
    readLetters: (max) =>
      explained(async () => {
        const stampLetter = stamp();
        const peeked = await Promise.all(
          letters().map(async (source) =>
            (await peekLetters(source, max)).map((letter) => showLetter(source.queue, letter, stampLetter)),
          ),
        );
        return peeked.flat();
      }),
    redrive: (request) =>
      explained(async () => {
        const { queueUrl, archiveBucket: bucket } = read("queueUrl", "archiveBucket");
        const redrive = createRedrive({
          sources: letters(),
          queue: createSqsEventQueue({ client: sqs, queueUrl }),
          stamp: stamp(),
          quarantine: createQuarantine(createS3Archive({ client: s3, bucket })),
          clock,
        });
        return redrive(request);
      }),
    rebuild: (request) =>
      explained(async () => {
        const config = read("tableName", "ledgerName", "archiveBucket", "hotRetentionDays");
        const archive = createS3LogStore({
          client: s3,
          bucket: config.archiveBucket,
          clock,
          lock: undefined,
        });
        return createRebuild({ ...tablesOf(dynamo, config), archive, clock })(request);
      }),
    reconcile: (request) =>
      explained(async () => {
        const config = read("tableName", "ledgerName", "archiveBucket", "hotRetentionDays");
        const { ledger, sealing, hotRetentionMs } = tablesOf(dynamo, config);
        const compare = createFullReconcile({
          archive: createS3Archive({ client: s3, bucket: config.archiveBucket }),
          ledger,
          items: createDynamoItemCheck({ client: dynamo, tableName: config.tableName }),
          restore: request.isRestoring ? { ledger, sealing } : undefined,
          clock,
          hotRetentionMs,
        });
        return compare(request);
      }),
    readLanes: (tenantId) =>
      explained(async () => {
        const { tableName, ledgerName } = read("tableName", "ledgerName");
        const epochs = await createDynamoDirectory({ client: dynamo, ledgerName }).epochs();
        const fromMs = clock.nowMs() - LOAD_WINDOW_MS;
        const loads = await readLaneLoads({ client: dynamo, tableName, tenantId, epochs, fromMs });
        return { epochs, loads, windowMs: LOAD_WINDOW_MS };
      }),
    growLanes: (wanted) =>
      explained(async () => {
        const { ledgerName } = read("ledgerName");
        return publishLanes({ client: dynamo, ledgerName }, wanted);
      }),
    [Symbol.asyncDispose]: async () => {
      for (const client of [sqs, s3, dynamo]) client.destroy();
    },
  };
}

function tablesOf(
  client: DynamoSender,
  {
    tableName,
    ledgerName,
    hotRetentionDays,
  }: Pick<AwsConfig, "tableName" | "ledgerName" | "hotRetentionDays">,
): Omit<Parameters<typeof createRebuild>[0], "archive" | "clock"> {
  const directory = createDynamoDirectory({ client, ledgerName });
  const events = { client, tableName };
  const ledger = { client, tableName: ledgerName };
  return {
    table: createDynamoEventTable({ ...events, directory, retentionDays: hotRetentionDays }),
    ledger: createDynamoLedger(ledger),
    sealing: createDynamoSealLedger(ledger),
    logLedger: createDynamoLogLedger(ledger),
    eventMark: createEventTableMark(events),
    ledgerMark: createLedgerMark(ledger),
    holdsEvents: createHoldsEvents(events),
    holdsRows: createHoldsRows(ledger),
    hotRetentionMs: hotRetentionDays * DAY_MS,
  };
}
