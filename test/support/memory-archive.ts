// The port Archive kept by a map: the oracle of property tests, and the archive of tests that need no stand-in.
import type { Archive, ArchivedObject } from "#service/ports.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

export class MemoryArchive implements Archive {
  readonly objects = new Map<string, Stored>();
  private readonly nowMs: () => number;

  constructor(nowMs: () => number = () => 0) {
    this.nowMs = nowMs;
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<"created" | "exists"> {
    if (this.objects.has(key)) return "exists";
    this.objects.set(key, { bytes: Uint8Array.from(bytes), modifiedMs: this.nowMs() });
    return "created";
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const stored = this.objects.get(key);
    return stored === undefined ? undefined : Uint8Array.from(stored.bytes);
  }

  async *list(prefix: string, after = ""): AsyncIterable<ArchivedObject> {
    const keys = [...this.objects.keys()].filter(
      (key) => key.startsWith(prefix) && compareUtf8(key, after) > 0,
    );
    for (const key of keys.sort(compareUtf8)) {
      const stored = this.objects.get(key);
      if (stored !== undefined) yield { key, bytes: stored.bytes.byteLength, modifiedMs: stored.modifiedMs };
    }
  }
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
