/**
 * Start: reads every file of the log and rebuilds the index. A line cut by a crash is moved aside, never deleted;
 * damage anywhere else costs that line alone and is reported. Sealed lines that are gone keep their numbers. Touches nothing
 * of a log that is not this service's.
 */
import { unlinkSync } from "node:fs";
import type { Damage, Finding } from "#adapters/file/damage.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import type { RecoveryProgress, Survey } from "#adapters/file/log-survey.ts";
import { surveyLog } from "#adapters/file/log-survey.ts";
import { markLost } from "#adapters/file/lost-lines.ts";
import { moveTornTail } from "#adapters/file/torn-tail.ts";

export interface Recovered extends Survey {
  readonly damages: readonly Damage[];
  /** Second lines of an id: not served, but nothing is lost with them. */
  readonly duplicateLines: number;
  /** Where a cut last line was moved to. */
  readonly tornPath: string | undefined;
}

/** So many damaged places are told one by one; behind them only lines are passed over. */
const MAX_DAMAGES = 10_000;

/** @throws AuditStorageError `foreign-log` where the log was written by something else, or by a newer release */
export async function recoverLog(
  paths: LogPaths,
  onProgress: (progress: RecoveryProgress) => void,
): Promise<Recovered> {
  const damages: Damage[] = [];
  let duplicateLines = 0;
  const onFinding = ({ path, offset, reason, kind }: Finding): void => {
    if (kind === "duplicate") duplicateLines++;
    if (damages.length < MAX_DAMAGES) damages.push({ path, offset, reason });
  };
  const survey = await surveyLog(paths, { onProgress, onFinding });
  const tornPath = tidyUp(paths, survey);
  if (survey.lost === undefined) return { ...survey, damages, duplicateLines, tornPath };
  markLost(paths, survey.live, survey.lost);
  survey.logs.close();
  const marked = await recoverLog(paths, onProgress); // what is there now is read, not believed
  return { ...marked, tornPath: tornPath ?? marked.tornPath };
}

/**
 * Removes what work that was cut off has left, and moves a cut last line aside. To be called only when the survey is
 * done: before that it is not certain that the log may be touched.
 * @returns where the cut line was moved to
 */
export function tidyUp(paths: LogPaths, { removable, torn }: Survey): string | undefined {
  for (const path of removable) unlinkSync(path);
  return torn === undefined ? undefined : moveTornTail(paths, torn);
}
