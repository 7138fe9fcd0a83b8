/**
 * From method and path to a route of the table, as API Gateway chooses: a fixed path goes before one with a parameter.
 * HEAD is taken wherever GET is.
 */
import type { Route } from "#http/route-table.ts";
import { ROUTES } from "#http/route-table.ts";
import { AuditServiceError } from "#lib/errors.ts";

export type RouteMatch =
  | {
      readonly kind: "found";
      readonly route: Route;
      /** `METHOD /path` with the method asked for: the route key of API Gateway. */
      readonly routeKey: string;
      /** Decoded; undefined where the path has no parameter. */
      readonly pathParameters: Readonly<Record<string, string>> | undefined;
    }
  | { readonly kind: "not-found" }
  | { readonly kind: "method-not-allowed"; readonly allow: string };

/** Path segments → what lies there; `{name}` stands under `parameter`. */
interface Node {
  readonly fixed: Map<string, Node>;
  parameter: { readonly name: string; readonly node: Node } | undefined;
  readonly routes: Map<string, Route>;
}

const ROOT = buildTree(ROUTES);
const MAX_SHOWN_CHARACTERS = 128;

/** @param path as sent, still percent-encoded, without query; attacker-controlled */
export function resolveRoute(method: string, path: string): RouteMatch {
  const parameters: Record<string, string> = {};
  let node = ROOT;
  if (!path.startsWith("/")) return { kind: "not-found" };
  for (const segment of path === "/" ? [] : path.slice(1).split("/")) {
    const fixed = node.fixed.get(segment);
    if (fixed !== undefined) {
      node = fixed;
      continue;
    }
    const value = decodeSegment(segment);
    if (node.parameter === undefined || value === undefined || value === "") return { kind: "not-found" };
    parameters[node.parameter.name] = value;
    node = node.parameter.node;
  }
  if (node.routes.size === 0) return { kind: "not-found" };
  const route = node.routes.get(method);
  if (route === undefined) return { kind: "method-not-allowed", allow: [...node.routes.keys()].join(", ") };
  const pathParameters = Object.keys(parameters).length === 0 ? undefined : parameters;
  return { kind: "found", route, routeKey: `${method} ${route.path}`, pathParameters };
}

/** What the answer is where no route is found. */
export function unmatchedError(
  match: Exclude<RouteMatch, { kind: "found" }>,
  { method, path }: { readonly method: string; readonly path: string },
): AuditServiceError {
  const shown = path.slice(0, MAX_SHOWN_CHARACTERS);
  if (match.kind === "not-found") {
    return new AuditServiceError("route-not-found", `there is no route ${shown}; /openapi.json lists them`);
  }
  const message = `${shown} does not take ${method.slice(0, MAX_SHOWN_CHARACTERS)}, but ${match.allow}`;
  return new AuditServiceError("method-not-allowed", message, { details: { allow: match.allow } });
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // no route has such a path
  }
}

function buildTree(routes: readonly Route[]): Node {
  const root = emptyNode();
  for (const route of routes) {
    let node = root;
    for (const segment of route.path.slice(1).split("/")) node = childOf(node, segment);
    node.routes.set(route.method, route);
    if (route.method === "GET") node.routes.set("HEAD", route);
  }
  return root;
}

function childOf(node: Node, segment: string): Node {
  const name = /^\{(\w+)\}$/.exec(segment)?.[1];
  if (name !== undefined) {
    node.parameter ??= { name, node: emptyNode() };
    return node.parameter.node;
  }
  const known = node.fixed.get(segment);
  if (known !== undefined) return known;
  const child = emptyNode();
  node.fixed.set(segment, child);
  return child;
}

function emptyNode(): Node {
  return { fixed: new Map(), parameter: undefined, routes: new Map() };
}
