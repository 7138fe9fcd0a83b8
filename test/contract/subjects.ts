// What the contract suites are run against: a port, opened for one run, and what a test needs beside it.
import type { PreparedLine } from "#event/prepare-event.ts";
import type { EventKey, EventQueue, EventStore } from "#service/ports.ts";

/** A store, opened for one run of the suite. */
export interface StoreUnderTest {
  readonly store: EventStore;
  /** Stores lines in the order given; resolves when every read sees them. */
  readonly put: (lines: readonly PreparedLine[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A queue, opened for one run of the suite, with a way to see what became of the lines. */
export interface QueueUnderTest {
  readonly queue: EventQueue;
  /** The stored line of an event, once everything sent before is stored. */
  readonly stored: (key: EventKey) => Promise<string | undefined>;
  /** All stored lines of a tenant, each as often as it is stored, in the order of the log. */
  readonly storedOf: (tenantId: string) => Promise<readonly string[]>;
  /** Whether it says at once that a line is a duplicate or a conflict. */
  readonly knowsAtOnce: boolean;
  /** Goes on with what a crash at this moment would leave behind. */
  readonly crash: () => Promise<void>;
  /** Makes the storage refuse every write until the function it answers is called. */
  readonly breakStorage: () => () => void;
  readonly close: () => Promise<void>;
}

/** How the groups of a suite reach what they test, which is opened only when tests run. */
export type StoreSubject = () => StoreUnderTest;
export type QueueSubject = () => QueueUnderTest;
