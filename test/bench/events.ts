/** Events of the benchmark: 575 bytes of JSON each, as a login service would send them. */

const EVENT_BYTES = 575;
/** Each makes one event in so many: a page of theirs is full at every size, and its lines lie as far apart. */
export const BUSY_USERS = 100;
/** Beside the busy ones, every second event is of one of these. */
export const RARE_USERS = 10_000;
export const SERVICES = 20;
/** One event in so many is an error. */
const ERROR_EVERY = 100;

/** The event with number `n` as JSON text of exactly 575 bytes; it has no id and no time, so the service gives both. */
export function eventJson(n: number): string {
  const event = {
    action: "user_login",
    service_name: `service-${n % SERVICES}`,
    user_id: n % 2 === 0 ? `busy-${(n / 2) % (BUSY_USERS / 2)}` : `rare-${n % RARE_USERS}`,
    session_id: `session-${String(n % 1_000_000).padStart(6, "0")}`,
    request_id: `request-${String(n % 1_000_000).padStart(6, "0")}`,
    level: n % ERROR_EVERY === 0 ? "ERROR" : "INFO",
    category: "AUTHENTICATION",
    resource_type: "account",
    resource_id: `account-${n % 1000}`,
    message: "",
    metadata: {
      ip: "10.0.0.1",
      browser: "Firefox",
      attempt: 1,
      geo: { country: "DE", city: "Berlin" },
      flags: ["a", "b"],
    },
    duration_ms: 12.5,
    source_ip: "10.1.2.3",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)",
  };
  const rest = EVENT_BYTES - JSON.stringify(event).length;
  event.message = "signed in from the web application with a second factor ".repeat(10).slice(0, rest);
  return JSON.stringify(event);
}

/** Body of `POST /events/batch` with events `from` … `from + count - 1`. */
export function batchJson(from: number, count: number): string {
  return `{"events":[${Array.from({ length: count }, (_, index) => eventJson(from + index)).join(",")}]}`;
}
