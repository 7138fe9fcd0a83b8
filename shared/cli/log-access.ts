/** What the commands about proofs are given: the bytes of a log wherever it lies, and a place to remember. */
import type { LogSource } from "#verify/log-source.ts";

export interface OpenedLog {
  readonly source: LogSource;
  /** Name of the live file without `.jsonl`, where one was named. */
  readonly stem: string | undefined;
}

/** As the options `--url` and `--file` name it. */
export interface LogTarget {
  readonly url?: string | undefined;
  readonly file?: string | undefined;
}

export interface LogAccess {
  /**
   * The place of a log: as given, or that of a target: the address of a service, or a live file.
   * @throws AuditServiceError `invalid-configuration`
   */
  readonly placeOf: (given: string | undefined, target: LogTarget) => string;
  /**
   * @param place `s3://bucket/prefix`, an http or https address, a folder, or a live file
   * @throws AuditServiceError `invalid-configuration`
   */
  readonly open: (place: string) => Promise<OpenedLog>;
  /** Where checkpoints are remembered, by default. */
  readonly stateFolder: () => string;
}
