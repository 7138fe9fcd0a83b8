/**
 * What the commands for operators of a deployment on AWS are given: its dead letters, the rebuild of its tables, the
 * comparison of what it holds, its lanes. The parts behind it are loaded only when one of these commands runs.
 */
import type { FieldError } from "#lib/errors.ts";

/** Where the names of the deployment's resources come from: a file, or else the environment. */
export interface OperatorTarget {
  /** File that `cdk deploy --outputs-file` wrote. */
  readonly outputs: string | undefined;
}

/** The queue that a dead letter was sent to. */
export type LetterQueue = "lines" | "intake";

export interface LettersOfQueue {
  readonly queue: LetterQueue;
  /** About, as the queue says. */
  readonly waiting: number;
  /** Taken by somebody at the moment, about. */
  readonly taken: number;
}

/** A dead letter as the release that looks at it reads it. */
export interface ShownLetter {
  readonly queue: LetterQueue;
  readonly messageId: string;
  readonly senderId: string;
  readonly sentAtMs: number;
  readonly receiveCount: number;
  readonly bytes: number;
  /** Format of a newer release, which this one cannot read; then nothing more is known. */
  readonly newerFormat: string | undefined;
  /** What can be stored. */
  readonly events: readonly ShownEvent[];
  /** What never can. */
  readonly refused: readonly ShownRefusal[];
}

export interface ShownEvent {
  readonly eventId: string;
  readonly tenantId: string;
  readonly action: string;
  readonly service: string;
  /** The stored line. */
  readonly text: string;
}

export interface ShownRefusal {
  readonly index: number;
  readonly reason: string;
  readonly errors: readonly FieldError[];
  /** What was sent. */
  readonly text: string;
}

export interface RedriveReport {
  /** Letters of which some event was sent again. */
  readonly messages: number;
  readonly events: number;
  /** Entries put into quarantine; a message that cannot be read is one. */
  readonly quarantined: number;
  /** Letters that held nothing but such entries. */
  readonly quarantinedMessages: number;
  readonly left: readonly {
    readonly queue: LetterQueue;
    readonly messageId: string;
    readonly reason: string;
  }[];
  readonly isFinished: boolean;
}

export interface RedriveRequest {
  readonly maxMessages: number | undefined;
  readonly isDryRun: boolean;
  readonly stop: AbortSignal;
  readonly onProgress: (report: RedriveReport) => Promise<void>;
}

export interface RebuildReport {
  readonly logSize: number;
  readonly unpublished: number;
  readonly batches: number;
  readonly lines: number;
  readonly expired: number;
  readonly conflicts: number;
  readonly overlaps: number;
  readonly damaged: readonly { readonly key: string; readonly reason: string }[];
  readonly isFinished: boolean;
}

export interface RebuildProgress {
  readonly phase: string;
  readonly batches: number;
  readonly key: string;
}

export interface RebuildRequest {
  readonly isResumed: boolean;
  readonly isWithoutDamaged: boolean;
  readonly stop: AbortSignal;
  readonly onProgress: (progress: RebuildProgress) => Promise<void>;
}

/** Members as they are printed. */
export interface ReconcileReport {
  readonly begun_at: string;
  readonly finished_at: string;
  readonly log_size: number;
  readonly row_leaves: number;
  readonly segment_lines: number;
  readonly log_size_difference: number;
  readonly reconciled_leaves: number;
  readonly missing_items: number;
  readonly missing_rows: number;
  readonly wrong_rows: number;
  readonly missing_segments: number;
  readonly late_duplicates: number;
  readonly problems: readonly string[];
}

export interface ReconcileRequest {
  /** Whether rows that are missing are written anew. */
  readonly isRestoring: boolean;
  readonly stop: AbortSignal;
  readonly onProgress: (leaf: number, size: number) => Promise<void>;
}

export interface LaneSetting {
  readonly lanes: number;
  readonly spread: number;
}

export interface LaneEpoch extends LaneSetting {
  readonly number: number;
  readonly activeFromMs: number;
}

export interface LaneLoad {
  readonly lane: string;
  /** Events of the window, by their own times. */
  readonly events: number;
  /** Whether there are more, uncounted. */
  readonly isMore: boolean;
}

export interface LaneReport {
  /** Oldest first. */
  readonly epochs: readonly LaneEpoch[];
  readonly loads: readonly LaneLoad[];
  /** The loads are of so long, until now. */
  readonly windowMs: number;
}

/** All methods throw AuditServiceError: `invalid-configuration` where a name is missing, else as AWS answers. */
export interface Operator extends AsyncDisposable {
  readonly countLetters: () => Promise<readonly LettersOfQueue[]>;
  /** Looks at up to `max` letters of each queue and leaves them. */
  readonly readLetters: (max: number) => Promise<readonly ShownLetter[]>;
  readonly redrive: (request: RedriveRequest) => Promise<RedriveReport>;
  readonly rebuild: (request: RebuildRequest) => Promise<RebuildReport>;
  /** undefined where it was stopped, or there is no log yet. */
  readonly reconcile: (request: ReconcileRequest) => Promise<ReconcileReport | undefined>;
  readonly readLanes: (tenantId: string) => Promise<LaneReport>;
  readonly growLanes: (wanted: LaneSetting) => Promise<LaneEpoch>;
}
