/**
 * From method and path to a route of the table, as API Gateway chooses: a fixed path goes before one with a parameter, and
 * that before one whose parameter takes the whole rest, `{name+}`. HEAD is taken wherever GET is.
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

/** Path segments → what lies there; `{name}` stands under `parameter`, `{name+}` under `rest`. */
interface Node {
  readonly fixed: Map<string, Node>;
  parameter: Parameter | undefined;
  rest: Parameter | undefined;
  readonly routes: Map<string, Route>;
}

interface Parameter {
  readonly name: string;
  readonly node: Node;
}

const ROOT = buildTree(ROUTES);
const MAX_SHOWN_CHARACTERS = 128;

/** @param path as sent, still percent-encoded, without query; attacker-controlled */
export function resolveRoute(method: string, path: string): RouteMatch {
  if (!path.startsWith("/")) return { kind: "not-found" };
  const found = findNode(ROOT, path === "/" ? [] : path.slice(1).split("/"));
  if (found === undefined) return { kind: "not-found" };
  const { node, parameters } = found;
  const route = node.routes.get(method);
  if (route === undefined) return { kind: "method-not-allowed", allow: [...node.routes.keys()].join(", ") };
  const pathParameters = Object.keys(parameters).length === 0 ? undefined : parameters;
  return { kind: "found", route, routeKey: `${method} ${route.path}`, pathParameters };
}

interface FoundNode {
  readonly node: Node;
  /** Decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The node with routes that the segments lead to, decided by the first of them that leads to one. */
function findNode(node: Node, segments: readonly string[]): FoundNode | undefined {
  const [segment, ...others] = segments;
  if (segment === undefined) return node.routes.size === 0 ? undefined : { node, parameters: {} };
  const fixed = node.fixed.get(segment);
  return (
    (fixed && findNode(fixed, others)) ??
    findBehind(node.parameter, segment, others) ??
    findBehind(node.rest, segments.join("/"), [])
  );
}

function findBehind(
  parameter: Parameter | undefined,
  part: string,
  others: readonly string[],
): FoundNode | undefined {
  const value = decode(part);
  if (parameter === undefined || value === undefined || value === "") return undefined;
  const found = findNode(parameter.node, others);
  return found && { ...found, parameters: { ...found.parameters, [parameter.name]: value } };
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

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
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
  const [, name, plus] = /^\{(\w+)(\+?)\}$/.exec(segment) ?? [];
  if (name !== undefined) {
    const parameter = { name, node: emptyNode() };
    if (plus === "+") return (node.rest ??= parameter).node;
    return (node.parameter ??= parameter).node;
  }
  const known = node.fixed.get(segment);
  if (known !== undefined) return known;
  const child = emptyNode();
  node.fixed.set(segment, child);
  return child;
}

function emptyNode(): Node {
  return { fixed: new Map(), parameter: undefined, rest: undefined, routes: new Map() };
}
