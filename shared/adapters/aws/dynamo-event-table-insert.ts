/**
 * One batch of inserts, until every entry is in the table or known to have been there: tries again what was throttled,
 * without index keys after a few times, and reads consistently what stood in the way.
 */
import type { BatchStatementRequest, BatchStatementResponse } from "@aws-sdk/client-dynamodb";
import { BatchExecuteStatementCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { getItems } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { createBackOff, isPassing } from "#adapters/aws/dynamo-client-retry.ts";
import type { Item, ItemPlace, ItemSettings } from "#adapters/aws/event-item.ts";
import { PLACE_ATTRIBUTES, readPlace, toItem, toUnindexedItem } from "#adapters/aws/event-item.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import type { InsertOutcome, TableEntry } from "#service/ports.ts";

export interface InserterDependencies {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly timing: Timing;
}

export interface InsertSettings extends ItemSettings {
  /** Milliseconds, as `timing.monotonicMs` counts them, from which nothing is tried again. */
  readonly untilMs: number;
}

/** At most 25 entries with different keys; one outcome per entry, in order. */
export type InsertBatch = (
  entries: readonly TableEntry[],
  settings: InsertSettings,
) => Promise<readonly InsertOutcome[]>;

/**
 * Throttled tries with index keys. A statement's error does not say whether table or index is throttled (the API's
 * BatchStatementError has a code and a text only); without index keys an insert takes 1 unit instead of 4, so it is the
 * right thing in either case.
 */
const INDEXED_TRIES = 3;
/** Of one batch: whatever is throttled for so long will be for longer. */
const DEADLINE_MS = 20_000;
const PASSING_CODES: ReadonlySet<string> = new Set([
  "InternalServerError",
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

interface Attempt {
  readonly entry: TableEntry;
  item: Item;
  throttledTries: number;
  isIndexed: boolean;
  outcome: InsertOutcome | undefined;
}

/** A statement's error as a throwable cause. */
class StatementError extends Error {
  constructor(code: string) {
    super(`a statement was answered by ${code}`);
    this.name = code;
  }
}

export function createInserter({ client, tableName, timing }: InserterDependencies): InsertBatch {
  return async (entries, settings) => {
    const what = `the insert of ${entries.length} events`;
    const deadlineMs = Math.min(DEADLINE_MS, settings.untilMs - timing.monotonicMs());
    const backOff = createBackOff({ what, deadlineMs, timing });
    const attempts = entries.map((entry): Attempt => {
      return { entry, item: toItem(entry, settings), throttledTries: 0, isIndexed: true, outcome: undefined };
    });
    for (;;) {
      const open = attempts.filter(({ outcome }) => outcome === undefined);
      if (open.length === 0) break;
      const passing = await tryAll(open, what);
      if (open.every(({ outcome }) => outcome !== undefined)) break;
      for (const attempt of open) {
        if (attempt.throttledTries < INDEXED_TRIES || !attempt.isIndexed) continue;
        attempt.isIndexed = false;
        attempt.item = toUnindexedItem(attempt.entry, settings);
      }
      await backOff(passing);
    }
    return attempts.flatMap(({ outcome }) => outcome ?? []);
  };

  /** Sends every attempt once; answers why some have no outcome yet. */
  async function tryAll(open: readonly Attempt[], what: string): Promise<unknown> {
    let responses: readonly BatchStatementResponse[];
    try {
      const request = new BatchExecuteStatementCommand({
        Statements: open.map(({ item }) => statementOf(item)),
      });
      responses = (await client.send(request)).Responses ?? [];
    } catch (cause) {
      if (!isPassing(cause)) throw storageError(what, cause);
      for (const attempt of open) attempt.throttledTries++;
      return cause;
    }
    let passing: StatementError | undefined;
    const taken: Attempt[] = [];
    for (const [at, attempt] of open.entries()) {
      const response = responses[at];
      const code = response === undefined ? "no response" : response.Error?.Code;
      if (response?.Error === undefined && response !== undefined) {
        attempt.outcome = { kind: "inserted", isIndexed: attempt.isIndexed };
      } else if (code === "DuplicateItem") taken.push(attempt);
      else if (code !== undefined && PASSING_CODES.has(code)) {
        attempt.throttledTries++;
        passing = new StatementError(code);
      } else throw storageError(what, new StatementError(code ?? "an error without a code"));
    }
    if (taken.length > 0) await readTaken(taken);
    return passing ?? new StatementError("DuplicateItem, but nothing stands there");
  }

  /** What expired between the insert and this read is inserted by the next try. */
  async function readTaken(taken: readonly Attempt[]): Promise<void> {
    const keys = taken.map(({ item }) => ({ [ITEM.key]: item[ITEM.key] ?? { S: "" } }));
    const options = { client, tableName, timing, attributes: PLACE_ATTRIBUTES, isConsistent: true };
    const { items } = await getItems(keys, options);
    const places = new Map<string | undefined, ItemPlace>(
      items.map((item) => [item[ITEM.key]?.S, readPlace(item)]),
    );
    for (const attempt of taken) {
      const place = places.get(attempt.item[ITEM.key]?.S);
      if (place !== undefined) attempt.outcome = { kind: "exists", ...place };
    }
  }

  function statementOf(item: Item): BatchStatementRequest {
    const names = Object.keys(item).map((name) => `'${name}':?`);
    return {
      Statement: `INSERT INTO "${tableName}" VALUE {${names.join(",")}}`,
      Parameters: Object.values(item),
    };
  }
}
