/**
 * Buckets and objects in memory, as much of S3 as this service uses and no laxer: conditional writes are decided and
 * done in one step, so of racing creates exactly one wins; a versioned bucket keeps what is overwritten or deleted.
 */
import { createHash, randomUUID } from "node:crypto";

export interface StoredObject {
  readonly bytes: Buffer;
  /** Hex MD5 in double quotes. */
  readonly etag: string;
  readonly versionId: string;
  readonly modifiedMs: number;
  /** Headers that were sent with it and are given back: content type, checksums, metadata. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What S3 answers instead of what was asked for. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface WriteCondition {
  /** `*`: only where no object is. */
  readonly ifNoneMatch: string | undefined;
  /** Only over the object with this ETag. */
  readonly ifMatch: string | undefined;
  /** `deletionsOf` when the request began. */
  readonly deletionsAtStart: number;
}

/** A version of an object, or the marker that it was deleted. */
export type ObjectVersion = StoredObject | { readonly versionId: string; readonly modifiedMs: number };

export interface ObjectPage {
  readonly objects: readonly { readonly key: string; readonly object: StoredObject }[];
  readonly isTruncated: boolean;
}

export class Bucket {
  isVersioned = false;
  /** Newest version first. */
  private readonly versions = new Map<string, ObjectVersion[]>();
  private readonly deletions = new Map<string, number>();
  /** Keys in ascending order of UTF-8 bytes; undefined after a key was added or removed. */
  private sorted: readonly string[] | undefined;

  /** How often the object was deleted: S3 answers 409 where that happens while a conditional write is under way. */
  deletionsOf(key: string): number {
    return this.deletions.get(key) ?? 0;
  }

  put(
    key: string,
    content: Pick<StoredObject, "bytes" | "headers">,
    condition: WriteCondition,
  ): StoredObject | Refusal {
    const refused = this.refuse(key, condition);
    if (refused !== undefined) return refused;
    const object: StoredObject = {
      ...content,
      etag: `"${createHash("md5").update(content.bytes).digest("hex")}"`,
      versionId: randomUUID(),
      modifiedMs: Date.now(),
    };
    this.add(key, object);
    return object;
  }

  find(key: string, versionId?: string): StoredObject | Refusal {
    const versions = this.versions.get(key) ?? [];
    const version =
      versionId === undefined ? versions[0] : versions.find((candidate) => candidate.versionId === versionId);
    if (version !== undefined && isObject(version)) return version;
    return versionId === undefined
      ? refusal(404, "NoSuchKey", "The specified key does not exist.")
      : refusal(404, "NoSuchVersion", "The specified version does not exist.");
  }

  /** Hides the object behind a marker where the bucket is versioned; with a version id, removes that version, unless it is locked. */
  delete(key: string, versionId?: string): Refusal | undefined {
    const versions = this.versions.get(key);
    const named = versions?.find((version) => version.versionId === versionId);
    if (named !== undefined && isLocked(named))
      return refusal(403, "AccessDenied", "Access Denied because object protected by object lock.");
    this.deletions.set(key, this.deletionsOf(key) + 1);
    if (versions === undefined) return undefined;
    if (versionId === undefined && this.isVersioned) {
      versions.unshift({ versionId: randomUUID(), modifiedMs: Date.now() });
      return undefined;
    }
    const kept = versionId === undefined ? [] : versions.filter((version) => version.versionId !== versionId);
    if (kept.length > 0) this.versions.set(key, kept);
    else this.versions.delete(key);
    this.sorted = undefined;
    return undefined;
  }

  /** Objects by key, each greater than `after`. */
  list(prefix: string, after: string, maxKeys: number): ObjectPage {
    this.sorted ??= [...this.versions.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const afterBytes = Buffer.from(after);
    const objects: { readonly key: string; readonly object: StoredObject }[] = [];
    for (const key of this.sorted) {
      if (!key.startsWith(prefix) || Buffer.compare(Buffer.from(key), afterBytes) <= 0) continue;
      const [object] = this.versions.get(key) ?? [];
      if (object === undefined || !isObject(object)) continue;
      if (objects.length === maxKeys) return { objects, isTruncated: maxKeys > 0 };
      objects.push({ key, object });
    }
    return { objects, isTruncated: false };
  }

  /** Every version under a prefix, newest first per key. */
  listVersions(prefix: string): readonly { readonly key: string; readonly version: ObjectVersion }[] {
    const keys = [...this.versions.keys()].filter((key) => key.startsWith(prefix)).sort();
    return keys.flatMap((key) => (this.versions.get(key) ?? []).map((version) => ({ key, version })));
  }

  private refuse(
    key: string,
    { ifNoneMatch, ifMatch, deletionsAtStart }: WriteCondition,
  ): Refusal | undefined {
    if (ifNoneMatch === undefined && ifMatch === undefined) return undefined;
    if (this.deletionsOf(key) !== deletionsAtStart) {
      const message = "A conflicting operation occurred during the request; try again.";
      return refusal(409, "ConditionalRequestConflict", message);
    }
    const current = this.find(key);
    const exists = isStored(current);
    if (ifMatch !== undefined && !exists) return current;
    const holds = ifMatch === undefined ? !exists : exists && current.etag === ifMatch;
    if (holds) return undefined;
    return refusal(
      412,
      "PreconditionFailed",
      "At least one of the preconditions you specified did not hold.",
    );
  }

  private add(key: string, object: StoredObject): void {
    const versions = this.versions.get(key);
    if (versions === undefined) {
      this.versions.set(key, [object]);
      this.sorted = undefined;
    } else if (this.isVersioned) versions.unshift(object);
    else versions.splice(0, versions.length, object);
  }
}

/** Nobody here may bypass governance. */
function isLocked(version: ObjectVersion): boolean {
  const until = isObject(version) ? version.headers["x-amz-object-lock-retain-until-date"] : undefined;
  return until !== undefined && Date.parse(until) > Date.now();
}

export function refusal(status: number, code: string, message: string): Refusal {
  return { kind: "refused", status, code, message };
}

export function isStored(found: StoredObject | Refusal): found is StoredObject {
  return "bytes" in found;
}

export function isObject(version: ObjectVersion): version is StoredObject {
  return "bytes" in version;
}
