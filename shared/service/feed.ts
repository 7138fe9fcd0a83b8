/**
 * All events in the order of the log, page by page: what a SIEM pulls. Only leaves that the published checkpoint covers
 * are shown, so a page never changes and nothing is ever added in front of a reader.
 */
import { readLineMembers } from "#event/read-line.ts";
import { AuditStorageError, AuditValidationError } from "#lib/errors.ts";
import { foundJson } from "#service/found-json.ts";
import type { LeafPage, LeafStore } from "#service/log-ports.ts";
import type { LogReader } from "#service/read-log.ts";
import type { Sleep } from "#service/waiting.ts";
import { pollUntil } from "#service/waiting.ts";

export interface FeedRequest {
  readonly tenantId: string;
  /** The leaf behind which the page begins; -1 for the beginning of the log. */
  readonly after: number;
  /** Events at most. */
  readonly limit: number;
  /** How long to wait for leaves at the end of the log. */
  readonly waitMs: number;
}

/** Members as on the wire, events as JSON text with their leaf as `leaf_index`. */
export interface FeedPage {
  readonly events: readonly string[];
  /** Leaves that the page has passed and whose line cannot be read, whose event it may be, ascending. */
  readonly unreadable_leaves: readonly number[];
  /** The last leaf that the page has passed. */
  readonly next_after: number;
  /** Only false is the end of the published log: a page may hold fewer events than `limit`, even none. */
  readonly has_more: boolean;
  readonly log_size: number;
}

export type Feed = (request: FeedRequest) => Promise<FeedPage>;

export interface FeedDependencies {
  readonly leaves: LeafStore;
  readonly log: LogReader;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
  /** Leaves that a page looks at in search of the tenant's events. */
  readonly maxLeaves: number;
}

export const DEFAULT_FEED_LIMIT = 100;
export const MAX_FEED_LIMIT = 1000;
/** A Lambda function answers at most 6 MB. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * @returns a function that throws AuditValidationError `validation-failed` where the log has no leaf `after`, and
 *   AuditStorageError `storage-unavailable`
 */
export function createFeed({ leaves, log, monotonicMs, sleep, maxLeaves }: FeedDependencies): Feed {
  const sizeOf = async (): Promise<number> => (await log.checkpoint())?.size ?? 0;

  return async ({ tenantId, after, limit, waitMs }) => {
    const first = after + 1;
    const logSize = await pollUntil(sizeOf, (size) => size !== first, { waitMs, monotonicMs, sleep });
    if (first > logSize) throw beyondEnd(after, logSize);
    const page = new Page(tenantId, first, limit);
    const end = Math.min(logSize, first + maxLeaves);
    // Of a log of one tenant, the leaves that are asked for first are all that it takes.
    let asked = limit;
    while (page.next < end && !page.isFull) {
      page.addAll(await leaves.readLeaves(page.next, Math.min(end, page.next + asked)));
      asked = maxLeaves;
    }
    return {
      events: page.events,
      unreadable_leaves: page.unreadable.filter((leaf) => leaf < page.next).toSorted((a, b) => a - b),
      next_after: page.next - 1,
      has_more: page.next < logSize,
      log_size: logSize,
    };
  };
}

/** The page as the body of an answer. */
export function feedPageJson({ events, ...rest }: FeedPage): string {
  const members = JSON.stringify(rest);
  return `{"events":[${events.join(",")}],${members.slice(1)}`;
}

/** A page while it is filled. */
class Page {
  readonly events: string[] = [];
  /** In no order; those from `next` on are not passed yet. */
  readonly unreadable: number[] = [];
  /** The leaf that comes next. */
  next: number;
  isFull = false;
  private readonly tenantId: string;
  private readonly limit: number;
  private bytes = 0;

  constructor(tenantId: string, first: number, limit: number) {
    this.tenantId = tenantId;
    this.next = first;
    this.limit = limit;
  }

  /** Adds the tenant's events while they fit. */
  addAll({ lines, unreadable, next }: LeafPage): void {
    this.unreadable.push(...unreadable);
    for (const line of lines) {
      const tenantId = tenantOf(line.text);
      if (tenantId === undefined) this.unreadable.push(line.leaf);
      if (tenantId !== this.tenantId) continue;
      const json = `{"leaf_index":${line.leaf},${foundJson(line).slice(1)}`;
      const bytes = Buffer.byteLength(json);
      const isTooLarge = this.events.length > 0 && this.bytes + bytes > MAX_PAGE_BYTES;
      if (this.events.length === this.limit || isTooLarge) {
        this.isFull = true;
        this.next = line.leaf;
        return;
      }
      this.events.push(json);
      this.bytes += bytes;
    }
    this.next = next;
    this.isFull = this.events.length === this.limit;
  }
}

/** Whose event a line is; undefined of a line that is damaged. Every line is read: what is no event may be anybody's. */
function tenantOf(text: string): string | undefined {
  const read = readLineMembers(text);
  if (read.kind === "members") return read.event.tenant_id;
  if (read.kind === "damaged") return undefined;
  const message = `a line of the log is in format ${read.version}, which a newer release writes and this one does not read`;
  throw new AuditStorageError("storage-unavailable", message);
}

function beyondEnd(after: number, logSize: number): AuditValidationError {
  const message = `is ${after}, but the published log has ${logSize} leaves: this is not the log that it comes from`;
  return new AuditValidationError("validation-failed", `the query parameter after ${message}`, {
    errors: [{ path: "/after", message }],
  });
}
