/**
 * Points in time as RFC 3339 writes them, compared as the instant in nanoseconds. Held as two numbers,
 * because a number cannot hold nanoseconds since 1970 exactly and a bigint is slow where every event passes.
 */

/** Seconds since 1970-01-01T00:00:00Z and the nanoseconds (0–999,999,999) after them. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DIGIT_0 = 48;
const MAX_FRACTION_DIGITS = 9;

export function compareInstants(a: Instant, b: Instant): number {
  return a.seconds === b.seconds ? a.nanos - b.nanos : a.seconds - b.seconds;
}

export function instantFromMs(epochMs: number): Instant {
  const seconds = Math.floor(epochMs / 1000);
  return { seconds, nanos: (epochMs - seconds * 1000) * 1_000_000 };
}

/**
 * Reads an RFC 3339 date-time with zone, 1970-01-01T00:00:00Z or later, ≤ 9 fractional digits, no leap second.
 * Answers a sentence on what is wrong where `text` is none.
 */
export function parseInstant(text: string): Instant | string {
  const shape = "is not an RFC 3339 date-time with zone, such as 2026-01-31T09:30:00.123Z";
  const length = text.length;
  if (length < 20 || length > 35) return shape;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return shape;
  const separator = text[10];
  if (text[4] !== "-" || text[7] !== "-" || (separator !== "T" && separator !== "t")) return shape;
  if (text[13] !== ":" || text[16] !== ":") return shape;

  let at = 19;
  let nanos = 0;
  if (text[at] === ".") {
    const from = ++at;
    while (at < length && isDigit(text.charCodeAt(at))) at++;
    const count = at - from;
    if (count === 0) return shape;
    if (count > MAX_FRACTION_DIGITS)
      return `has ${count} fractional digits; the limit is ${MAX_FRACTION_DIGITS}`;
    nanos = digits(text, from, count) * 10 ** (MAX_FRACTION_DIGITS - count);
  }
  const offsetMinutes = zoneOffset(text, at);
  if (offsetMinutes === undefined) return shape;

  if (second === 60) return "is a leap second, which is not supported; send second 59";
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
    return "is not a date of the calendar";
  if (hour > 23 || minute > 59 || second > 59) return "is not a time of day";
  const seconds =
    daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + (minute - offsetMinutes) * 60 + second;
  if (seconds < 0) return "is before 1970-01-01T00:00:00Z";
  return { seconds, nanos };
}

/** Minutes east of UTC of the zone that ends `text` at `at`, or undefined. */
function zoneOffset(text: string, at: number): number | undefined {
  const sign = text[at];
  if (sign === "Z" || sign === "z") return at + 1 === text.length ? 0 : undefined;
  if ((sign !== "+" && sign !== "-") || at + 6 !== text.length || text[at + 3] !== ":") return undefined;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || minutes < 0 || hours > 23 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
}

/** The number in `count` digits at `from`, or -1 where one is no digit. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) return -1;
    value = value * 10 + (code - DIGIT_0);
  }
  return value;
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_0 + 9;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const january1 = 365 * before + leapDays - 719_162; // 719,162 days from 0001-01-01 to 1970-01-01
  const leapDayPassed = month > 2 && isLeapYear(year) ? 1 : 0;
  return january1 + (DAYS_BEFORE_MONTH[month - 1] ?? 0) + leapDayPassed + day - 1;
}
