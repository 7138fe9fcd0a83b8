/**
 * The lines behind index entries, read with eventual consistency at half the price; what is not there yet is asked for
 * again consistently, and then taken for expired. Callers read them in waves, so that few are in memory at once.
 */
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { getItems } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import type { IndexEntry } from "#adapters/aws/dynamo-page-lanes.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LINE_ATTRIBUTES } from "#adapters/aws/event-item.ts";
import { ITEM } from "#adapters/aws/keys.ts";

export interface BodySource {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly timing: Timing;
}

/** Lines of a wave before it is known how large they are. */
const FIRST_WAVE = 200;
const MAX_WAVE = 800;
/** Of bodies, going by the mean of those read before. */
const MAX_WAVE_BYTES = 16 * 1024 * 1024;

export class BodyReader {
  lines = 0;
  units = 0;
  roundTrips = 0;
  private bytes = 0;
  private readonly source: BodySource;

  constructor(source: BodySource) {
    this.source = source;
  }

  /** How many lines to read at once now. */
  get waveSize(): number {
    if (this.lines === 0) return FIRST_WAVE;
    const fitting = Math.floor(MAX_WAVE_BYTES / (this.bytes / this.lines));
    return Math.max(1, Math.min(MAX_WAVE, fitting));
  }

  /**
   * Items by key; those of expired events are missing.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  async read(entries: readonly IndexEntry[]): Promise<ReadonlyMap<string, Item>> {
    const found = new Map<string, Item>();
    await this.add(entries, found, false);
    const missing = entries.filter(({ key }) => !found.has(key));
    if (missing.length > 0) await this.add(missing, found, true);
    this.lines += found.size;
    return found;
  }

  private async add(
    entries: readonly IndexEntry[],
    found: Map<string, Item>,
    isConsistent: boolean,
  ): Promise<void> {
    const keys = entries.map(({ key }) => ({ [ITEM.key]: { S: key } }));
    const options = { ...this.source, attributes: LINE_ATTRIBUTES, isConsistent };
    const { items, units, roundTrips } = await getItems(keys, options);
    this.units += units;
    this.roundTrips += roundTrips;
    for (const item of items) {
      found.set(item[ITEM.key]?.S ?? "", item);
      this.bytes += item[ITEM.body]?.B?.length ?? 0;
    }
  }
}
