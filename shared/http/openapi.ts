/** The OpenAPI 3.1 document, generated from the route table and the schemas: it cannot say what the service does not do. */
import * as z from "zod";
import { EXAMPLES } from "#http/examples.ts";
import type { ProblemCode } from "#http/problem.ts";
import { PROBLEM_TYPE, PROBLEMS } from "#http/problem.ts";
import type { RouteResponse } from "#http/route-parts.ts";
import type { RouteDocs } from "#http/route-docs.ts";
import { ROUTE_DOCS } from "#http/route-docs.ts";
import type { Route, RouteKey } from "#http/route-table.ts";
import { ROUTES } from "#http/route-table.ts";
import { PARAMETERS, SCHEMAS } from "#http/schemas.ts";

/** Version of the HTTP API, not of the software. */
const API_VERSION = "1.0.0";
/** What every route can answer. */
const GENERAL_PROBLEMS = [
  "validation-failed",
  "forbidden",
  "request-timeout",
  "rate-limited",
  "headers-too-large",
  "internal",
  "overloaded",
] as const satisfies readonly ProblemCode[];
const RETRY_STATUSES: ReadonlySet<number> = new Set([429, 503]);

const REQUEST_SCHEMAS: ReadonlySet<string> = new Set(["NewEvent", "Batch", "Query", "FlushRequest"]);

/** By name. */
const PATH_PARAMETERS: Readonly<Record<string, Json>> = {
  event_id: {
    schema: { type: "string" },
    description: "also ids derived for conflicts, `<id>!<32 hexadecimal digits>`",
  },
  path: {
    schema: {
      type: "string",
      pattern: "^(entries|[0-9]{1,2})(/x[0-9]{3})*/[0-9]{3}(\\.p/[0-9]{1,3})?$",
    },
    description:
      "the rest of the path, slashes included: `<level>/<index>[.p/<width>]` or `entries/<index>[.p/<width>]`",
  },
};

type Json = Readonly<Record<string, unknown>>;
type DocumentedRoute = Route & RouteDocs;

let text: string | undefined;

/** The document as JSON text, made at the first call. */
export function openApiJson(): string {
  text ??= JSON.stringify(openApiDocument());
  return text;
}

export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const entry of ROUTES) {
    // cast: the type of the text pairs every method with every path; these are the two of one entry.
    const key = `${entry.method} ${entry.path}` as RouteKey;
    const route: DocumentedRoute = { ...entry, ...ROUTE_DOCS[key] };
    const path = route.path.replace("+}", "}"); // OpenAPI has no parameter for more than one segment
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Audit Service",
      version: API_VERSION,
      description:
        "An audit log. Events that are answered with 2xx are durable; the same event sent again is " +
        "stored once. Errors are problem documents (RFC 9457) with a stable `code`. Unknown members and parameters " +
        "are refused by name. While no keys are configured the service listens on loopback only and needs none.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: componentSchemas(), responses: problemResponses() },
  };
}

function operation(route: DocumentedRoute): Json {
  const codes = [...new Set<ProblemCode>([...route.problems, ...GENERAL_PROBLEMS, ...accessProblems(route)])];
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  const successes = Object.entries<RouteResponse>(route.responses).map(
    ([status, response]) => [status, responseOf(route, status, response)] as const,
  );
  const taken = new Set(successes.map(([status]) => Number(status)));
  const problems = statuses
    .filter((status) => !taken.has(status))
    .map((status) => {
      const ofStatus = codes.filter((code) => PROBLEMS[code].status === status);
      return [String(status), problemReference(ofStatus)] as const;
    });
  return {
    operationId: route.operationId,
    summary: route.summary,
    "x-scope": route.scope,
    ...(parametersOf(route).length > 0 ? { parameters: parametersOf(route) } : {}),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route) }),
    responses: Object.fromEntries([...successes, ...problems]),
  };
}

function accessProblems({ scope }: Route): readonly ProblemCode[] {
  return scope === "public" ? [] : ["unauthenticated"];
}

function parametersOf(route: DocumentedRoute): readonly Json[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\+?\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    ...PATH_PARAMETERS[name],
  }));
  const schema = jsonSchema(PARAMETERS[route.parameters], "output");
  const inQuery = Object.entries(membersOf(schema["properties"])).map(([name, member]) => {
    const { description, ...rest } = membersOf(member);
    const isList = rest["type"] === "array";
    return {
      name,
      in: "query",
      ...(description === undefined ? {} : { description }),
      ...(isList
        ? { description: "repeated, each is one value; given once, it is split at commas", explode: true }
        : {}),
      schema: rest,
    };
  });
  const inHeader = Object.entries(route.headers ?? {}).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function requestBody({ body, operationId }: Route): Json {
  if (body === undefined) return {};
  const { schema, maxWireBytes, maxDecodedBytes, isOptional } = body;
  return {
    required: !isOptional,
    description: `At most ${maxWireBytes} bytes as sent and ${maxDecodedBytes} after decompression; gzip is taken.`,
    content: {
      "application/json": {
        schema: { $ref: `#/components/schemas/${schema}` },
        ...exampleOf(`${operationId} request`),
      },
    },
  };
}

function responseOf({ operationId }: Route, status: string, response: RouteResponse): Json {
  const { description, schema, types = ["application/json"], headers = {} } = response;
  const ofSchema = schema === undefined ? {} : { schema: { $ref: `#/components/schemas/${schema}` } };
  return {
    description,
    headers: headersOf({ "x-request-id": "id of this request, as in the log of the service", ...headers }),
    content: Object.fromEntries(
      types.map((type) => [
        type,
        {
          ...(type === "application/json" ? ofSchema : { schema: { type: "string" } }),
          ...exampleOf(`${operationId} ${status} ${type}`),
        },
      ]),
    ),
  };
}

function headersOf(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );
}

function exampleOf(key: string): Json {
  const example = EXAMPLES[key];
  return example === undefined ? {} : { example };
}

/** One code has its component; several of a status are listed. */
function problemReference(codes: readonly ProblemCode[]): Json {
  const [only] = codes;
  if (only !== undefined && codes.length === 1) return { $ref: `#/components/responses/${only}` };
  const status = only === undefined ? 500 : PROBLEMS[only].status;
  return problemResponse(status, codes);
}

function problemResponses(): Json {
  // cast: Object.keys forgets that the keys of a record are its key type.
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  return Object.fromEntries(codes.map((code) => [code, problemResponse(PROBLEMS[code].status, [code])]));
}

function problemResponse(status: number, codes: readonly ProblemCode[]): Json {
  const examples = codes.map((code) => {
    const { title } = PROBLEMS[code];
    const value = {
      type: `/docs#${code}`,
      title,
      status,
      code,
      request_id: "c0f9f6a2-3a0e-4a57-8f0e-2d1f1c9f7a11",
    };
    return [code, { summary: title, value }] as const;
  });
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join(". "),
    headers: headersOf({
      "x-request-id": "id of this request, as in the log of the service",
      ...(RETRY_STATUSES.has(status) || codes.includes("not-yet-sealed")
        ? { "Retry-After": "seconds after which a retry makes sense" }
        : {}),
      ...(status === 405 ? { Allow: "methods that the route takes" } : {}),
    }),
    content: {
      [PROBLEM_TYPE]: {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

/** Requests as they are sent, answers as they come; each refers to the others of its kind. */
function componentSchemas(): Json {
  const requests = z.registry<{ id: string }>();
  const answers = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) {
    (REQUEST_SCHEMAS.has(id) ? requests : answers).add(schema, { id });
  }
  const uri = (id: string): string => `#/components/schemas/${id}`;
  const options = { uri, unrepresentable: "any" } as const;
  const schemas = {
    ...z.toJSONSchema(requests, { ...options, io: "input" }).schemas,
    ...z.toJSONSchema(answers, { ...options, io: "output" }).schemas,
  };
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...rest }]) => [id, rest]),
  );
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function membersOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
