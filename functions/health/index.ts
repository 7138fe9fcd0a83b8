/** The health function on AWS: environment → probes of tables, queues and bucket → handler. */
import { createLedgerHealth } from "#adapters/aws/aws-parts-ledger-health.ts";
import { createArchiveProbe, createQueueProbe } from "#adapters/aws/aws-parts.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { readableMarks } from "#adapters/aws/dynamo-mark-reader.ts";
import { probeTable } from "#adapters/aws/dynamo-table-probe.ts";
import { readAwsConfig } from "#functions/config.ts";
import { createHealthFunction } from "#functions/health/app.ts";
import type { HttpFunction } from "#functions/middleware.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createPartsHealth } from "#service/health.ts";
import { withMarks } from "#service/mark-check.ts";

const TABLES = ["tableName", "ledgerName"] as const;
const QUEUES = ["queueUrl", "intakeUrl", "queueDlqUrl", "intakeDlqUrl"] as const;
const PLACES = ["archiveEndpoint", "queueEndpoint", "region"] as const;
const config = readAwsConfig([...TABLES, ...QUEUES, ...PLACES, "archiveBucket", "version"]);
const { clock, monotonicMs, sleep, telemetry } = createRuntime(config);
const { tableName, ledgerName, region, version, serviceName: name } = config;
const client = createDynamoClient();
const { log, readInventory } = createLedgerHealth({ client, ledgerName }, clock);
const health = createPartsHealth({
  parts: {
    storage: withMarks(() => probeTable(client, tableName), readableMarks(client, config)),
    queue: createQueueProbe(config, { region, endpoint: config.queueEndpoint }),
    archive: createArchiveProbe(config.archiveBucket, { region, endpoint: config.archiveEndpoint }),
    log,
  },
  readInventory,
  service: { name, version, started_at: new Date(clock.nowMs()).toISOString() },
  clock,
  monotonicMs,
  sleep,
});

export const handler: HttpFunction = createHealthFunction({ health, telemetry });
