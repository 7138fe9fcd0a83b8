/** Which of two forms of a proof a request prefers, by its header Accept (RFC 9110 section 12.5.1). */

const JSON_RANGES = ["application/json", "application/*", "*/*"];
const TEXT_RANGES = ["text/plain", "text/*", "*/*"];

/** @param accept attacker-controlled; text goes before JSON where neither is preferred */
export function wantsJson(accept: string | undefined): boolean {
  const qualities = new Map((accept ?? "*/*").split(",").map(rangeOf));
  return qualityOf(JSON_RANGES, qualities) > qualityOf(TEXT_RANGES, qualities);
}

/** Of a range without a quality that can be read, the highest. */
function rangeOf(part: string): readonly [range: string, quality: number] {
  const [range = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = Number(weight?.slice(2) ?? 1);
  return [range, quality >= 0 && quality <= 1 ? quality : 1];
}

/** @param ranges the most specific first: it alone counts */
function qualityOf(ranges: readonly string[], qualities: ReadonlyMap<string, number>): number {
  const range = ranges.find((name) => qualities.has(name));
  return range === undefined ? 0 : (qualities.get(range) ?? 0);
}
