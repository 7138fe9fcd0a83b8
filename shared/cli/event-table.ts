/** Events as an aligned table for people: one line each, cut to the width of the terminal, coloured by level. */
import { fitText, printable, textWidth } from "#cli/terminal-text.ts";
import type { Level, StoredAuditEvent } from "#event/audit-event.ts";

interface Column {
  readonly title: string;
  readonly read: (event: StoredAuditEvent) => string;
  /** Which side of a long value goes. The end of an ARN or path tells more than its beginning. */
  readonly cut: "start" | "end";
  /** Worth nothing when cut: others shrink first. */
  readonly isRigid?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "TIME", read: ({ timestamp }) => timestamp, cut: "end", isRigid: true },
  { title: "LEVEL", read: ({ level }) => level, cut: "end", isRigid: true },
  { title: "SERVICE", read: ({ service_name }) => service_name, cut: "end" },
  { title: "ACTION", read: ({ action }) => action, cut: "end" },
  { title: "USER", read: ({ user_id = "" }) => user_id, cut: "start" },
  { title: "RESOURCE", read: resourceOf, cut: "start" },
  { title: "MESSAGE", read: ({ message }) => message, cut: "end" },
];

const LEVEL_COLUMN = 1;
const GAP = "  ";
const MIN_WIDTH = 5;
/** No column is padded wider for the sake of one long value, not even where nothing bounds the table. */
const MAX_PADDED_WIDTH = 60;

/** SGR colours: dim, none, yellow, red, bold red. */
const LEVEL_COLORS: Readonly<Record<Level, string>> = {
  DEBUG: "2",
  INFO: "",
  WARN: "33",
  ERROR: "31",
  CRITICAL: "1;31",
};

export interface TableOptions {
  /** Width of the terminal; undefined: nothing is cut. */
  readonly columns: number | undefined;
  readonly hasColor: boolean;
}

export interface EventTable {
  /** The lines of some events, each with its newline. The first call sets the widths and begins with the titles. */
  readonly rows: (events: readonly StoredAuditEvent[]) => string;
}

export function createEventTable({ columns, hasColor }: TableOptions): EventTable {
  let widths: readonly number[] | undefined;
  const paint = (text: string, color: string): string =>
    hasColor && color !== "" ? `\u001b[${color}m${text}\u001b[0m` : text;

  const layOut = (cells: readonly string[], color: string): string => {
    const isCut = columns !== undefined;
    const texts = cells.map((cell, index) => {
      const width = widths?.[index] ?? 0;
      const fitted = isCut || textWidth(cell) <= width ? fitText(cell, width, COLUMNS[index]?.cut) : cell;
      return index === LEVEL_COLUMN ? paint(fitted, color) : fitted;
    });
    return `${texts.join(GAP).trimEnd()}\n`;
  };

  const rows: EventTable["rows"] = (events) => {
    const table = events.map((event) => COLUMNS.map(({ read }) => printable(read(event))));
    let text = "";
    if (widths === undefined) {
      const titles = COLUMNS.map(({ title }) => title);
      widths = chooseWidths([titles, ...table], columns);
      text = paint(layOut(titles, "").trimEnd(), "1");
      text += "\n";
    }
    table.forEach((cells, index) => {
      text += layOut(cells, LEVEL_COLORS[events[index]?.level ?? "INFO"]);
    });
    return text;
  };

  return { rows };
}

/** Natural widths, of which the widest shrink first until the table fits. */
function chooseWidths(table: readonly (readonly string[])[], columns: number | undefined): readonly number[] {
  const widths = COLUMNS.map((_, index) => Math.max(...table.map((cells) => textWidth(cells[index] ?? ""))));
  if (columns === undefined) return widths.map((width) => Math.min(width, MAX_PADDED_WIDTH));
  const room = columns - GAP.length * (COLUMNS.length - 1);
  const supple = COLUMNS.flatMap(({ isRigid = false }, index) => (isRigid ? [] : [index]));
  return shrink(shrink(widths, supple, room), [...widths.keys()], room);
}

/** Takes from the widest of the columns `from` until all fit into `room`, or these are as narrow as may be. */
function shrink(widths: readonly number[], from: readonly number[], room: number): readonly number[] {
  const shrunk = [...widths];
  const widthAt = (index: number): number => shrunk[index] ?? 0;
  let excess = shrunk.reduce((sum, width) => sum + width, 0) - room;
  for (; excess > 0; excess--) {
    const widest = from.reduce(
      (best, index) => (widthAt(index) > widthAt(best) ? index : best),
      from[0] ?? 0,
    );
    if (widthAt(widest) <= MIN_WIDTH) break;
    shrunk[widest] = widthAt(widest) - 1;
  }
  return shrunk;
}

function resourceOf({ resource_type = "", resource_id = "" }: StoredAuditEvent): string {
  return resource_type === "" || resource_id === ""
    ? resource_type + resource_id
    : `${resource_type}/${resource_id}`;
}
