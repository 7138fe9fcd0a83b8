// The ports Archive and LogStore kept by a map: the oracle of property tests, and the archive of tests that need no stand-in.
import type { VersionedObject, LogStore } from "#service/log-ports.ts";
import type { ArchivedObject } from "#service/ports.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
  /** Absent where a test puts an object past the methods. */
  readonly version?: string;
}

export class MemoryArchive implements LogStore {
  readonly objects = new Map<string, Stored>();
  private readonly nowMs: () => number;
  private writes = 0;

  constructor(nowMs: () => number = () => 0) {
    this.nowMs = nowMs;
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<"created" | "exists"> {
    if (this.objects.has(key)) return "exists";
    this.write(key, bytes);
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

  async readVersion(key: string): Promise<VersionedObject | undefined> {
    const stored = this.objects.get(key);
    return stored && { bytes: Uint8Array.from(stored.bytes), version: versionOf(stored) };
  }

  async replace(
    key: string,
    bytes: Uint8Array,
    version: string | undefined,
  ): Promise<"replaced" | "changed"> {
    const stored = this.objects.get(key);
    if ((stored && versionOf(stored)) !== version) return "changed";
    this.write(key, bytes);
    return "replaced";
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key);
  }

  private write(key: string, bytes: Uint8Array): void {
    const version = `v${++this.writes}`;
    this.objects.set(key, { bytes: Uint8Array.from(bytes), modifiedMs: this.nowMs(), version });
  }
}

function versionOf({ version = "v0" }: Stored): string {
  return version;
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
