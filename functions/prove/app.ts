/** The prove function: the log as everybody may see it, proofs and lines of events, and the feed in the order of the log. */
import { wantsJson } from "#functions/prove/accept-header.ts";
import { eventProofJson } from "#functions/prove/event-proof-json.ts";
import type { ApiAnswer, ApiRequest, HttpFunction, RouteHandler } from "#functions/middleware.ts";
import { createHttpFunction } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { FeedParameters, LineParameters, NoParameters, ProofParameters } from "#http/parameters.ts";
import { parseQueryString, readParameters } from "#http/query-string.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { parseQuery, queryTenant } from "#query/audit-query.ts";
import type { Feed, FeedRequest } from "#service/feed.ts";
import { feedPageJson } from "#service/feed.ts";
import { CHECKPOINT_KEY, VERIFIER_KEY_KEY, VERIFIER_KEYS_KEY } from "#service/log-layout.ts";
import type { Prove } from "#service/prove.ts";
import { notSealed } from "#service/prove.ts";
import type { LogReader } from "#service/read-log.ts";
import { isTileOfSize, parseTilePath } from "#tlog/tile.ts";

export interface ProveFunctionDependencies {
  readonly prove: Prove;
  readonly feed: Feed;
  readonly log: LogReader;
  /** Seconds after which what is not sealed yet usually is; undefined where nothing seals. */
  readonly sealsAfterS: number | undefined;
  readonly telemetry: Telemetry;
}

/** Tenant of the caller's key: no keys are configured. */
const KEY_TENANT = undefined;
const TEXT_TYPE = "text/plain; charset=utf-8";
/** Checkpoint and keys: shorter than the log takes to grow. */
const SHORT_LIVED = { "content-type": TEXT_TYPE, "cache-control": "public, max-age=2" } as const;
/** C2SP tlog-tiles: the endpoint is immutable. */
const IMMUTABLE = {
  "content-type": "application/octet-stream",
  "cache-control": "public, max-age=31536000, immutable",
} as const;

export function createProveFunction(dependencies: ProveFunctionDependencies): HttpFunction {
  const { prove, feed, log, sealsAfterS, telemetry } = dependencies;

  const getProof = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { wait = 0, ...parameters } = readParameters(ProofParameters, pairsOf(request));
    const eventId = request.pathParameters?.["event_id"] ?? "";
    const proof = await prove.proof({ tenantId: tenantOf(parameters.tenant_id), eventId }, wait * 1000);
    if (wantsJson(request.headers["accept"]))
      return { statusCode: 200, body: eventProofJson(eventId, proof) };
    return { statusCode: 200, headers: { "content-type": TEXT_TYPE }, body: proof.text };
  };

  const getLine = async (request: ApiRequest): Promise<ApiAnswer> => {
    const parameters = readParameters(LineParameters, pairsOf(request));
    const eventId = request.pathParameters?.["event_id"] ?? "";
    const body = await prove.line({ tenantId: tenantOf(parameters.tenant_id), eventId });
    return { statusCode: 200, headers: { "content-type": "application/json; charset=utf-8" }, body };
  };

  const getFeed = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { after, limit, wait = 0, ...parameters } = readParameters(FeedParameters, pairsOf(request));
    const asked = { tenantId: tenantOf(parameters.tenant_id), after, limit, waitMs: wait * 1000 };
    const page = await feed(asked);
    const next = nextLink({ ...asked, after: page.next_after }, parameters.tenant_id);
    return { statusCode: 200, headers: page.has_more ? { link: next } : {}, body: feedPageJson(page) };
  };

  const getTile = async (request: ApiRequest): Promise<ApiAnswer> => {
    readParameters(NoParameters, pairsOf(request));
    const tile = parseTilePath(`tile/${request.pathParameters?.["path"] ?? ""}`);
    // A path has one spelling: under a second one a cache would keep a tile twice.
    const isPlain = !request.rawPath.includes("%");
    const { size } = (await log.checkpoint()) ?? { size: 0 };
    // What lies behind the published size may yet be sealed anew, with other lines, and caches would keep it.
    const isPublished = tile !== undefined && isPlain && isTileOfSize(tile, BigInt(size));
    const body = isPublished ? await log.tile(tile) : undefined;
    if (body !== undefined) return { statusCode: 200, headers: IMMUTABLE, body };
    throw new AuditServiceError("route-not-found", `no such tile; the log has ${size} leaves`);
  };

  const logObject =
    (key: string): RouteHandler =>
    async (request) => {
      readParameters(NoParameters, pairsOf(request));
      const body = await log.object(key);
      if (body !== undefined) return { statusCode: 200, headers: SHORT_LIVED, body: textOf(body) };
      throw notSealed("the log is not published yet", sealsAfterS);
    };

  return createHttpFunction<"prove">({
    handlers: {
      "GET /events/feed": getFeed,
      "GET /events/{event_id}/line": getLine,
      "GET /events/{event_id}/proof": getProof,
      "GET /log/checkpoint": logObject(CHECKPOINT_KEY),
      "GET /log/vkey": logObject(VERIFIER_KEY_KEY),
      "GET /log/vkeys": logObject(VERIFIER_KEYS_KEY),
      "GET /log/tile/{path+}": getTile,
    },
    telemetry,
  });
}

function pairsOf({ rawQueryString }: ApiRequest): ReturnType<typeof parseQueryString> {
  return parseQueryString(rawQueryString);
}

function tenantOf(asked: string | undefined): string {
  return queryTenant(parseQuery({ tenant_id: asked }), KEY_TENANT);
}

/** RFC 8288, with a path that leads on from wherever the service is reached. */
function nextLink({ after, limit }: FeedRequest, tenantId: string | undefined): string {
  const tenant = tenantId === undefined ? "" : `&tenant_id=${encodeURIComponent(tenantId)}`;
  return `</events/feed?after=${after}&limit=${limit}${tenant}>; rel="next"`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
