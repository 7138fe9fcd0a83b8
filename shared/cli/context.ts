/**
 * What the commands are given: streams, the way to an audit log, a clock and Ctrl-C. They reach the world
 * through this alone, so a test can run any of them.
 */
import type { LogAccess } from "#cli/log-access.ts";
import type { Operator, OperatorTarget } from "#cli/operator.ts";
import type { RepairReport, RepairRequest } from "#cli/repair-report.ts";
import type { AuditService } from "#client/audit-service.ts";

export interface Output {
  /** Resolves when the text is written, or dropped because nobody reads any more; fails where it cannot be written. */
  readonly write: (text: string) => Promise<void>;
  /** False once the reader has left: what only prints may stop, what stores goes on. */
  readonly hasReader: boolean;
  readonly isTty: boolean;
  /** Width of the terminal in characters; undefined where there is none. */
  readonly columns: number | undefined;
  /** Whether to use colours. */
  readonly hasColor: boolean;
}

export interface Input {
  /** Whether a human types there. */
  readonly isTty: boolean;
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

/** Which audit log a command is about. Without both, the configuration says. */
export interface Target {
  /** Address of a running service. */
  readonly url?: string | undefined;
  /** Live file of an embedded log. */
  readonly file?: string | undefined;
}

/** How a witness of logs runs on this machine. */
export interface WitnessRun {
  /** Verifier keys of the logs that it watches. */
  readonly logKeys: readonly string[];
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly folder: string;
  /** Name in its cosignatures; undefined: the one that it has, or a new one. */
  readonly name: string | undefined;
}

export interface CliContext {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Fills in no service name: what is sent from a file or a pipe must name it. */
  readonly openAudit: (target: Target) => Promise<AuditService>;
  /** Repairs the log of a folder that nothing else has open. */
  readonly repair: (request: RepairRequest) => Promise<RepairReport>;
  /** Opens a deployment on AWS for who operates it. */
  readonly openOperator: (target: OperatorTarget) => Promise<Operator>;
  /** For commands that check a log by themselves. */
  readonly log: LogAccess;
  /** Runs the service until it is told to stop; answers the exit code. */
  readonly serve: () => Promise<number>;
  /** Runs a witness until it is told to stop; answers the exit code. */
  readonly witness: (run: WitnessRun) => Promise<number>;
  /** For a command that ends in good order: from this call on the first Ctrl-C aborts the signal. */
  readonly stopSignal: () => AbortSignal;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** `service_name` of an event that is given by flags without one. */
  readonly defaultService: () => string;
  /** Version of the package. */
  readonly version: string;
}

/** Exit codes beside 0. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** By the convention of shells: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;
