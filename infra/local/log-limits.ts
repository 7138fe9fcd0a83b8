/** How the log of one machine is read. */

/** Sealing runs every 2 seconds unless it is told otherwise. */
export const SEALS_AFTER_S = 2;
/** Leaves that a page of the feed looks at: some 100 ms of work. */
export const MAX_FEED_LEAVES = 20_000;
