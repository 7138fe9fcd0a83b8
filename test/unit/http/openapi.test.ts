// The OpenAPI document: in sync with the file, complete, and its examples true.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openApiDocument, openApiJson } from "#http/openapi.ts";
import { PROBLEMS } from "#http/problem.ts";
import { ROUTES } from "#http/route-table.ts";
import { SCHEMAS } from "#http/schemas.ts";
import type { Json } from "#test/support/http-service.ts";

const FILE = join(import.meta.dirname, "../../../docs/openapi.json");
const document: Json = openApiDocument();
const operations: Json[] = Object.values(document.paths).flatMap((path) => Object.values(path as Json));

describe("the OpenAPI document", () => {
  it("is the one in docs; write it with `npm run openapi`", async () => {
    expect(JSON.parse(await readFile(FILE, "utf8"))).toEqual(JSON.parse(openApiJson()));
  });

  it("describes every route", () => {
    expect(operations.map(({ operationId }): string => operationId).toSorted()).toEqual(
      ROUTES.map(({ operationId }) => operationId).toSorted(),
    );
  });

  it("documents every code", () => {
    expect(Object.keys(document.components.responses).toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
  });

  it("refers to nothing that it does not hold", () => {
    const references = [...openApiJson().matchAll(/"\$ref":"#\/components\/(\w+)\/([\w-]+)"/g)];

    const missing = references.filter(
      ([, kind = "", name = ""]) => document.components[kind]?.[name] === undefined,
    );

    expect(references.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
    expect(references).toHaveLength(openApiJson().split('"$ref"').length - 1);
  });

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    "gives %s a response for each status with a description, and the request id",
    (_, operation) => {
      const responses = Object.entries<Json>(operation.responses);
      const resolved = responses.map(([, response]) => {
        const name = response.$ref?.split("/").at(-1);
        return name === undefined ? response : document.components.responses[name];
      });

      expect(responses.map(([status]) => status)).toContain("500");
      expect(
        resolved.every(({ description, headers }) => description !== "" && "x-request-id" in headers),
      ).toBe(true);
    },
  );

  it("shows examples that its schemas accept", () => {
    const shown = operations.flatMap(({ requestBody, responses }) => [
      ...Object.values<Json>(requestBody?.content ?? {}),
      ...Object.values<Json>(responses).flatMap((response) => Object.values<Json>(response.content ?? {})),
    ]);
    const examples = shown.filter(
      ({ example, schema }) => example !== undefined && schema.$ref !== undefined,
    );

    const wrong = examples.filter(({ example, schema }) => {
      const name = schema.$ref.split("/").at(-1) as keyof typeof SCHEMAS;
      return !SCHEMAS[name].safeParse(example).success;
    });

    expect(examples.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it("is OpenAPI 3.1 by its outline", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    for (const operation of operations) {
      const names = (operation.parameters ?? []).map(
        (parameter: Json) => `${parameter.in} ${parameter.name}`,
      );
      expect(new Set(names).size).toBe(names.length);
    }
  });
});
