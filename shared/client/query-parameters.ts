/** A query as URL parameters, the way the service reads them back. */

type Parameter = string | number | boolean | readonly string[] | null | undefined;

/** Lists are repeated; a lone value with a comma is given twice, because one that is given once is split at commas. */
export function queryParameters(query: Readonly<Record<string, Parameter>>): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const text of textsOf(value)) parameters.append(name, text);
  }
  return parameters;
}

/** The same behind a question mark, or nothing where there is none. */
export function search(query: Readonly<Record<string, Parameter>>): string {
  const parameters = queryParameters(query);
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}

function textsOf(value: Parameter): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object") return [String(value)];
  const [first = ""] = value;
  return value.length === 1 && first.includes(",") ? [first, first] : value;
}
