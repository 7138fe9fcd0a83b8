/** The verdict of a verification, for people and as JSON. What comes from the log is attacker-controlled and printed as text. */
import { formatCount, printable } from "#cli/terminal-text.ts";
import { toBase64 } from "#tlog/base64.ts";
import { toHex } from "#tlog/bytes.ts";
import type { Cosigner, SignedCheckpoint } from "#verify/checkpoint-check.ts";
import type { Finding } from "#verify/finding.ts";
import { leafRange } from "#verify/finding.ts";
import type { LineCounts, LinePlace } from "#verify/line-check.ts";
import type { Verdict } from "#verify/verify-log.ts";

const MORE_SHOWN = 9;
const LABEL_WIDTH = 12;
const MEGABYTE = 1_000_000;

export function verdictText(verdict: Verdict, nowMs: number): string {
  const { checkpoint, isVerified, findings, findingCount } = verdict;
  const of =
    checkpoint === undefined
      ? ""
      : `: ${printable(checkpoint.origin)}, ${formatCount(checkpoint.size)} leaves`;
  const head = isVerified ? `verified${isPartial(verdict) ? " in part" : ""}${of}` : `NOT VERIFIED${of}`;
  const [first, ...others] = findings;
  const parts = [`${head}\n`];
  if (first !== undefined) parts.push("  first difference: ", ...findingText(first));
  if (others.length > 0) {
    parts.push(`  and ${formatCount(findingCount - 1)} more:\n`);
    for (const finding of others.slice(0, MORE_SHOWN)) parts.push(`    ${shortText(finding)}\n`);
    if (findingCount - 1 > MORE_SHOWN) parts.push("    …\n");
  }
  if (checkpoint !== undefined) parts.push(...checkpointText(checkpoint, nowMs), ...coverageText(verdict));
  return parts.join("");
}

/** Whether lines of some leaves were not handed over. */
function isPartial({ lineRange, checkpoint }: Verdict): boolean {
  if (lineRange === undefined || checkpoint === undefined) return false;
  return lineRange.first > 0 || (lineRange.end ?? 0) < checkpoint.size;
}

/** Whether there is nothing to say but that all of it holds. */
export function isPlain(verdict: Verdict): boolean {
  return verdict.isVerified && !isPartial(verdict) && (verdict.lines?.erased ?? 0) === 0;
}

export function checkpointText(checkpoint: SignedCheckpoint, nowMs: number): readonly string[] {
  const { root, signers, freshness, others, witnesses } = checkpoint;
  const cosigned = [
    ...witnesses.map((witness) => `${printable(witness.name)}, ${seen(witness, nowMs)}`),
    ...others.map((other) => `${printable(other.name)}, ${seen(other, nowMs)}, not named by --witness`),
  ];
  return [
    row("root", toBase64(root)),
    row("signed by", signers.map(printable).join(", ")),
    row(
      "seen fresh",
      freshness === undefined
        ? "not known: no key of a freshness cosigner was given"
        : seen(freshness, nowMs),
    ),
    row("cosigned by", cosigned.length === 0 ? "no witness that is known" : cosigned.join("; ")),
  ];
}

function seen({ timeS }: Cosigner, nowMs: number): string {
  const ageS = Math.round(nowMs / 1000) - timeS;
  const age = ageS < 0 ? `${formatCount(-ageS)} s in the future` : `${formatCount(ageS)} s ago`;
  return `${age} (${isoTime(timeS)})`;
}

function isoTime(timeS: number): string {
  const time = new Date(timeS * 1000);
  return Number.isNaN(time.getTime()) ? `second ${timeS}` : time.toISOString();
}

function coverageText(verdict: Verdict): readonly string[] {
  const { lines, lineRange, linesUnchecked, isDuplicateTableFull, consistentWith } = verdict;
  const parts: string[] = [];
  if (lines === undefined || lineRange === undefined) {
    parts.push(row("lines", `not checked: ${linesUnchecked ?? "they are not at hand"}`));
  } else {
    const isPart = isPartial(verdict);
    if (isPart) {
      const which = leafRange(lineRange.first, lineRange.end ?? 0);
      parts.push(row("lines", `only those of ${which}: what was handed over holds no others`));
    }
    parts.push(row(isPart ? "" : "lines", linesText(lines)));
    if (lines.erased > 0) parts.push(row("erased", erasedText(lines)));
    if (lines.duplicates > 0 || isDuplicateTableFull)
      parts.push(row("duplicates", duplicatesText(lines, isDuplicateTableFull)));
    if (lines.outside > 0)
      parts.push(row("not checked", `${formatCount(lines.outside)} lines lie outside of this range`));
    if (lines.unsealed > 0)
      parts.push(row("not sealed", `${formatCount(lines.unsealed)} lines lie behind the checkpoint`));
  }
  for (const { name, size } of consistentWith) {
    parts.push(row("grew from", `${formatCount(size)} leaves, as ${printable(name)} says`));
  }
  return parts;
}

function linesText({ checked, quarantined, bytes }: LineCounts): string {
  const text = [`${formatCount(checked)} checked (${(bytes / MEGABYTE).toFixed(1)} MB)`];
  if (quarantined > 0) text.push(`${formatCount(quarantined)} in quarantine, intact`);
  return text.join(", ");
}

function erasedText({ erased, firstErased }: LineCounts): string {
  return `${formatCount(erased)} more, of which only hashes are left: who took them away is not shown${firstText(firstErased)}`;
}

function firstText(first: LinePlace | undefined): string {
  if (first === undefined) return "";
  return `; the first is leaf ${first.leaf}, line ${first.line} of ${printable(first.object)}`;
}

function duplicatesText({ duplicates, firstDuplicate }: LineCounts, isFull: boolean): string {
  const limit = isFull ? "at least " : "";
  return `${limit}${formatCount(duplicates)} lines have the ids of an earlier one${firstText(firstDuplicate)}`;
}

function findingText(finding: Finding): readonly string[] {
  const { expected, found, meaning } = finding;
  const parts = [`${placeText(finding)}\n`, `    ${printable(meaning)}\n`];
  if (expected !== undefined) parts.push(`    expected  ${printable(expected)}\n`);
  if (found !== undefined) parts.push(`    found     ${printable(found)}\n`);
  return parts;
}

function shortText(finding: Finding): string {
  return `${placeText(finding)}: ${printable(finding.meaning)}`;
}

function placeText({ object, line, byte, leaf, leaves }: Finding): string {
  const places = [
    line === undefined ? "" : `line ${formatCount(line)}`,
    byte === undefined ? "" : `byte ${formatCount(byte)}`,
    leaf === undefined ? "" : `leaf ${leaf}`,
    leaf !== undefined || leaves === undefined ? "" : leafRange(...leaves),
  ].filter((place) => place !== "");
  return [printable(object), ...places].join(", ");
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)} ${text}\n`;
}

export function verdictJson(verdict: Verdict): unknown {
  const { isVerified, checkpoint, findings, findingCount, lines, lineRange, linesUnchecked, consistentWith } =
    verdict;
  return {
    verified: isVerified,
    findings,
    finding_count: findingCount,
    checkpoint: checkpoint === undefined ? null : checkpointJson(checkpoint),
    lines:
      lines === undefined
        ? null
        : {
            first_leaf: lineRange?.first,
            end_leaf: lineRange?.end,
            checked: lines.checked,
            erased: lines.erased,
            first_erased_leaf: lines.firstErased?.leaf ?? null,
            quarantined: lines.quarantined,
            duplicates: lines.duplicates,
            unsealed: lines.unsealed,
            outside: lines.outside,
          },
    lines_unchecked: linesUnchecked ?? null,
    consistent_with: consistentWith,
  };
}

export function checkpointJson({
  origin,
  size,
  root,
  signers,
  freshness,
  others,
  witnesses,
  note,
}: SignedCheckpoint): unknown {
  const cosigner = ({ name, timeS }: Cosigner): unknown => ({ name, time: isoTime(timeS) });
  return {
    origin,
    size,
    root: toHex(root),
    signers,
    freshness: freshness === undefined ? null : cosigner(freshness),
    witnesses: witnesses.map(cosigner),
    other_cosigners: others.map(cosigner),
    note,
  };
}
