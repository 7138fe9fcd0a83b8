// Checkpoints as a stranger reads them: by the text of the specifications and node:crypto alone.
import { createPublicKey, verify } from "node:crypto";

interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

/** C2SP tlog-checkpoint: three lines, and signatures behind an empty one. */
export function readCheckpoint(note: string): Checkpoint {
  const [origin = "", size = "", root = ""] = note.split("\n");
  return { origin, size: Number(size), root };
}

/** C2SP signed-note: whether a line of the log's own key signs the text above the signatures. */
export function isSigned(note: string, verifierKey: string): boolean {
  const [name = "", keyId = "", ...rest] = verifierKey.trim().split("+");
  const publicKey = Buffer.from(rest.join("+"), "base64").subarray(1);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]); // RFC 8410
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const bodyEnd = note.indexOf("\n\n") + 1;
  const lines = note.slice(bodyEnd + 1).split("\n");
  return lines.some((line) => {
    const [, signer = "", text = ""] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const signature = Buffer.from(text, "base64");
    if (signer !== name || signature.subarray(0, 4).toString("hex") !== keyId) return false;
    return verify(null, Buffer.from(note.slice(0, bodyEnd)), key, signature.subarray(4));
  });
}
