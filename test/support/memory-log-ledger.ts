// The port LogLedger kept by one variable.
import type { LogHead, LogLedger } from "#service/log-ports.ts";

export class MemoryLogLedger implements LogLedger {
  head: LogHead | undefined;

  async readHead(): Promise<LogHead | undefined> {
    return this.head;
  }

  async swapHead(expected: LogHead | undefined, next: LogHead): Promise<"swapped" | "lost"> {
    if (this.head?.checkpoint !== expected?.checkpoint) return "lost";
    this.head = { ...next };
    return "swapped";
  }
}
