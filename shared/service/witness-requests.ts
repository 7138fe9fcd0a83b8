/**
 * The paths of a witness (C2SP tlog-witness), the same on one machine and in Lambda: `add-checkpoint`, the checkpoint of a
 * log by the hash of its origin, and the verifier key. Requests are attacker-controlled; answers hold no secret.
 */
import { hash } from "node:crypto";
import { AuditServiceError } from "#lib/errors.ts";
import type { WitnessService } from "#service/witness.ts";
import type { WitnessReply } from "#service/witness-ports.ts";

export interface WitnessRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const TEXT = "text/plain; charset=utf-8";
const CHECKPOINT_PATH = /^\/([0-9a-f]{64})\/checkpoint$/;

/** @returns answers 503 where store or signer fail, and `onFailure` hears why; rejects only for a defect */
export function createWitnessRequests(
  witness: WitnessService,
  onFailure: (error: AuditServiceError) => void,
): (request: WitnessRequest) => Promise<WitnessReply> {
  const originOf = new Map(witness.origins.map((origin) => [hash("sha256", origin), origin]));

  async function answer({ method, path, body }: WitnessRequest): Promise<WitnessReply> {
    if (path === "/add-checkpoint") {
      return method === "POST" ? witness.addCheckpoint(body) : text(405, "add-checkpoint takes POST\n");
    }
    const origin = originOf.get(CHECKPOINT_PATH.exec(path)?.[1] ?? "");
    if (path !== "/vkey" && origin === undefined) return text(404, "nothing is here\n");
    if (method !== "GET" && method !== "HEAD") return text(405, "this path takes GET\n");
    if (origin === undefined) return text(200, `${witness.verifierKey}\n`);
    const checkpoint = await witness.readCheckpoint(origin);
    return checkpoint === undefined ? text(404, "the log was not cosigned yet\n") : text(200, checkpoint);
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (!(error instanceof AuditServiceError)) throw error;
      onFailure(error);
      return text(503, "the witness cannot answer now; try again\n");
    }
  };
}

function text(status: number, body: string): WitnessReply {
  return { status, contentType: TEXT, body };
}
