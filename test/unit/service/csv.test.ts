// Rows of CSV: columns of the event table, quoting, and cells that no spreadsheet runs.
import { describe, expect, it } from "vitest";
import { decodeLine, readEvent } from "#event/stored-line.ts";
import { CSV_COLUMNS, CSV_HEADER, csvRow } from "#service/csv.ts";
import { accepted } from "#test/support/event-fixtures.ts";

/** The fields of the contract's event table, in its order. */
const TABLE = [
  ..."event_id timestamp level category action service_name user_id session_id request_id".split(" "),
  ..."resource_type resource_id message metadata error_code error_message stack_trace duration_ms".split(" "),
  ..."tenant_id received_at source_ip user_agent trace_id span_id on_behalf_of changes".split(" "),
  "content_hash",
];

describe("CSV_HEADER", () => {
  it("names the fields of the contract in its order, and the content hash", () => {
    expect(CSV_HEADER).toBe(`${TABLE.join(",")}\r\n`);
    expect(CSV_COLUMNS).toEqual(TABLE);
  });
});

describe("csvRow", () => {
  it("leaves absent fields empty and writes objects as JSON", () => {
    const cells = cellsOf({ metadata: { a: 1 }, on_behalf_of: [{ type: "job", id: "7" }], duration_ms: 0.5 });

    expect(cells).toMatchObject({
      user_id: "",
      metadata: '"{""a"":1}"',
      on_behalf_of: '"[{""id"":""7"",""type"":""job""}]"',
      duration_ms: "0.5",
      message: "",
    });
  });

  it.each([
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@a", "'@a"],
    ["\ta", "'\ta"],
    ["\ra", '"\'\ra"'],
    ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
    ["a=1", "a=1"],
  ])("writes the message %j as %j", (message, cell) => {
    expect(rowOf({ message })).toContain(`,${cell},`);
  });
});

function rowOf(members: Readonly<Record<string, unknown>>): string {
  return csvRow(readEvent(decodeLine(accepted(members).text).json));
}

/** Cells by column, for rows without line ends in cells. */
function cellsOf(members: Readonly<Record<string, unknown>>): Record<string, string> {
  const cells = [...`,${rowOf(members).trimEnd()}`.matchAll(/,("(?:[^"]|"")*"|[^,]*)/g)];
  return Object.fromEntries(CSV_COLUMNS.map((column, index) => [column, cells[index]?.[1] ?? ""]));
}
