/**
 * Memory and time of each function, with the reasons. Memory buys CPU: 1,769 MB is one core, and the price is per GB and
 * millisecond, so for work that is all CPU more memory costs about the same and answers sooner.
 */
import type { LambdaName } from "#infra/aws/bundle.ts";

export interface FunctionSettings {
  readonly description: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
}

/** 5,000 lines take some seconds; a batch of 6 MB that meets a throttled table takes many. */
export const CONSUME_TIMEOUT_SECONDS = 120;
/** API Gateway gives up after 30 s: a longer answer would reach nobody. */
const ANSWER_TIMEOUT_SECONDS = 29;
/** Longer than the janitor works, shorter than the schedule of five minutes, so that no two runs overlap. */
const MAINTAIN_TIMEOUT_SECONDS = 290;
/** A backlog is sealed within one run, in pieces; a run that is cut off has lost nothing, and the next one goes on. */
const SEAL_TIMEOUT_SECONDS = 290;

export const FUNCTION_SETTINGS: Readonly<Record<LambdaName, FunctionSettings>> = {
  ingest: {
    description: "Takes events over HTTP and answers when they are on the queue",
    memoryMb: 1024, // a batch of 1,000 events is validated and hashed: CPU
    timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
  },
  query: {
    description: "Finds and exports events",
    memoryMb: 1024, // pages of 4 MiB are inflated and filtered: CPU
    timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
  },
  health: {
    description: "Probes what the service depends on",
    memoryMb: 512, // it mostly waits; less would double its cold start
    timeoutSeconds: 10, // each probe has 2 s
  },
  consume: {
    description: "Archives and stores events from the queues",
    memoryMb: 1769, // one core: 5,000 lines with objects and items at once, and the SDK's work per call
    timeoutSeconds: CONSUME_TIMEOUT_SECONDS,
  },
  maintain: {
    description: "Completes what was cut off, takes the inventory",
    memoryMb: 1024, // reads a whole batch object at a time
    timeoutSeconds: MAINTAIN_TIMEOUT_SECONDS,
  },
  seal: {
    description: "Seals what was stored into the transparency log",
    memoryMb: 1769, // one core: lines are inflated, hashed and compressed again; less would be no cheaper, only later
    timeoutSeconds: SEAL_TIMEOUT_SECONDS,
  },
  prove: {
    description: "Serves the transparency log, proofs and the feed of events",
    memoryMb: 1024, // inflates whole segments, hashes tiles
    timeoutSeconds: ANSWER_TIMEOUT_SECONDS,
  },
  witness: {
    description: "Cosigns checkpoints of transparency logs that only grew",
    memoryMb: 512, // it mostly waits for table and key; less would double its cold start
    timeoutSeconds: 10, // logs give a witness 2 s
  },
};
