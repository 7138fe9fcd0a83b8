/** Whether the events table really answers, for the health of a store and for who asks for nothing else. */
import { DescribeTableCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { ITEM, MARK_ITEM_KEY } from "#adapters/aws/keys.ts";
import type { StoreHealth } from "#service/ports.ts";

const PROBE_MS = 3_000;

/** Reads the table's condition and, consistently, one item of it. Never rejects. */
export async function probeTable(client: DynamoSender, tableName: string): Promise<StoreHealth> {
  const details = { type: "dynamodb", table: tableName };
  const deadline = { abortSignal: AbortSignal.timeout(PROBE_MS) };
  try {
    const [{ Table: table }] = await Promise.all([
      client.send(new DescribeTableCommand({ TableName: tableName }), deadline),
      client.send(
        new GetItemCommand({
          TableName: tableName,
          Key: { [ITEM.key]: { S: MARK_ITEM_KEY } },
          ConsistentRead: true,
        }),
        deadline,
      ),
    ]);
    const problems = (table?.GlobalSecondaryIndexes ?? []).flatMap(({ IndexName, IndexStatus }) =>
      IndexStatus === "ACTIVE" || IndexStatus === "UPDATING"
        ? []
        : [`index ${IndexName ?? ""} of table ${tableName} is ${IndexStatus ?? "of unknown status"}`],
    );
    return {
      status: problems.length === 0 ? "healthy" : "degraded",
      problems,
      details: { ...details, table_status: table?.TableStatus ?? "unknown" },
    };
  } catch (cause) {
    const { message } = storageError(`the probe of table ${tableName}`, cause);
    return { status: "unhealthy", problems: [message], details };
  }
}
