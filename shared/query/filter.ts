/**
 * Whether a stored event matches the filters of a query. Called for up to 20,000 lines a page, so filters are
 * compiled once per page. Time bounds are not looked at here: the access path answers them.
 */
import type { EventFilter } from "#query/plan.ts";

/** The members that filters look at, as found in a line; unknown, because a damaged line must not throw. */
export interface FilterableEvent {
  readonly service_name?: unknown;
  readonly user_id?: unknown;
  readonly level?: unknown;
  readonly category?: unknown;
  readonly action?: unknown;
  readonly resource_type?: unknown;
  readonly resource_id?: unknown;
  readonly request_id?: unknown;
  readonly session_id?: unknown;
  readonly error_code?: unknown;
  readonly trace_id?: unknown;
  readonly message?: unknown;
}

type Predicate = (event: FilterableEvent) => boolean;
type ValueTest = (value: unknown) => boolean;

/** A predicate that is true where the event matches every filter. Values compare exactly, messages in lower case. */
export function compileFilter(filter: EventFilter): Predicate {
  const checks: Predicate[] = [];
  const check = (values: readonly string[] | undefined, bind: (isWanted: ValueTest) => Predicate): void => {
    if (values !== undefined) checks.push(bind(oneOf(values)));
  };
  check(filter.resource_ids, (isWanted) => (event) => isWanted(event.resource_id));
  check(filter.user_ids, (isWanted) => (event) => isWanted(event.user_id));
  check(filter.request_ids, (isWanted) => (event) => isWanted(event.request_id));
  check(filter.session_ids, (isWanted) => (event) => isWanted(event.session_id));
  check(filter.trace_ids, (isWanted) => (event) => isWanted(event.trace_id));
  check(filter.service_names, (isWanted) => (event) => isWanted(event.service_name));
  check(filter.actions, (isWanted) => (event) => isWanted(event.action));
  check(filter.levels, (isWanted) => (event) => isWanted(event.level));
  check(filter.categories, (isWanted) => (event) => isWanted(event.category));
  check(filter.resource_types, (isWanted) => (event) => isWanted(event.resource_type));
  check(filter.error_codes, (isWanted) => (event) => isWanted(event.error_code));
  const part = filter.message_contains; // dearest, so last
  if (part !== undefined) checks.push(({ message }) => contains(message, part));

  const [only] = checks;
  if (only === undefined) return () => true;
  return checks.length === 1 ? only : (event) => checks.every((matches) => matches(event));
}

function oneOf(values: readonly string[]): ValueTest {
  const [only] = values;
  if (values.length === 1) return (value) => value === only;
  const wanted = new Set<unknown>(values);
  return (value) => wanted.has(value);
}

function contains(message: unknown, part: string): boolean {
  return typeof message === "string" && message.toLowerCase().includes(part);
}
