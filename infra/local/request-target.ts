/** Whom and what a request is for: the checks of Host and the parts of the request target. Both are attacker-controlled. */
import type { IncomingMessage } from "node:http";
import { isLoopback } from "#functions/config.ts";
import type { AuditServiceError } from "#lib/errors.ts";
import { AuditAccessError, AuditValidationError } from "#lib/errors.ts";

export interface TargetParts {
  /** Still percent-encoded. */
  readonly path: string;
  /** Behind "?", or empty. */
  readonly queryString: string;
}

const MAX_SHOWN_CHARACTERS = 128;

/** Takes the absolute form of proxies as well (RFC 9112 section 3.2.2). */
export function splitTarget(target: string): TargetParts {
  const local = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?#]*/i, "") || "/";
  const question = local.indexOf("?");
  return question === -1
    ? { path: local, queryString: "" }
    : { path: local.slice(0, question), queryString: local.slice(question + 1) };
}

/**
 * Why a request is not for this server, or undefined. A web page can make a browser ask this machine under a name of
 * the page's own (DNS rebinding); names of this machine alone tell that nobody did.
 */
export function hostProblem(
  request: IncomingMessage,
  isLoopbackOnly: boolean,
): AuditServiceError | undefined {
  const host = request.headers.host;
  if (host === undefined) {
    if (request.httpVersion === "1.0") return undefined;
    return new AuditValidationError("validation-failed", "the header Host is missing");
  }
  if (!isLoopbackOnly || isLoopbackName(host)) return undefined;
  const shown = JSON.stringify(host.slice(0, MAX_SHOWN_CHARACTERS));
  const message = `the host ${shown} is not this machine; while no keys are configured only localhost is answered`;
  return new AuditAccessError("forbidden", message);
}

function isLoopbackName(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "[::1]" || name.endsWith(".localhost") || isLoopback(name);
}
