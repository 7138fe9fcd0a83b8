/** The port ItemPlaces in DynamoDB: a few attributes of many items, read by key. */
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { getItems } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import { PLACE_ATTRIBUTES, readPlace } from "#adapters/aws/event-item.ts";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import type { ItemPlaces } from "#service/ports.ts";

export interface DynamoItemCheckOptions {
  readonly client: DynamoSender;
  /** Of the events table. */
  readonly tableName: string;
  readonly timing?: Timing;
}

export function createDynamoItemCheck(options: DynamoItemCheckOptions): ItemPlaces {
  const { client, tableName, timing = SYSTEM_TIMING } = options;
  return {
    placesOf: async (keys) => {
      const texts = keys.map(({ tenantId, eventId }) => itemKey(tenantId, eventId));
      const { items } = await getItems(
        texts.map((text) => ({ [ITEM.key]: { S: text } })),
        { client, tableName, timing, attributes: PLACE_ATTRIBUTES, isConsistent: true },
      );
      const found = new Map(items.map((item) => [item[ITEM.key]?.S, readPlace(item).at]));
      return texts.map((text) => found.get(text));
    },
  };
}
