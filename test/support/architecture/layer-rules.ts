// House rule 8: which folder may import which, by # alias, without climbing and without cycles; and which folder
// may use which package. The matrix here is the table in docs/architecture.md, row by row.
import { resolveSpecifier } from "#test/support/architecture/modules.ts";
import type {
  Manifest,
  ModuleReference,
  ParsedFile,
  Target,
  Violation,
} from "#test/support/architecture/modules.ts";

const CORE = ["lib", "tlog", "event", "query"];
const EDGES = ["service", "http", "client", "functions", "adapters/aws", "adapters/file", "adapters/web"];

/** Layer → layers it may import beside itself. `root` is functions/<name>/index.ts. */
const MATRIX: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  tlog: [],
  event: ["lib"],
  query: ["lib", "event"],
  service: CORE,
  "adapters/aws": [...CORE, "service"],
  "adapters/file": [...CORE, "service"],
  "adapters/web": [...CORE, "service"],
  verify: ["tlog"],
  http: ["lib", "event", "query", "service"],
  client: CORE,
  cli: [...CORE, "client", "verify"],
  functions: [...CORE, "service", "http"],
  root: [...CORE, ...EDGES],
  infra: [...CORE, ...EDGES, "verify", "cli", "root"],
};

/** Packages that a layer may import; a layer that is not listed may import what no pattern below reserves. */
const ONLY_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  tlog: [],
  event: ["zod"],
  query: ["zod"],
};

const RESERVED: readonly { readonly pattern: RegExp; readonly layers: readonly string[] }[] = [
  { pattern: /^@(aws-sdk|smithy)\//, layers: ["adapters/aws", "infra"] },
  { pattern: /^(aws-cdk-lib|constructs|cdk-nag)$/, layers: ["infra"] },
  { pattern: /^@(middy|aws-lambda-powertools)\/|^aws-lambda$/, layers: ["functions", "root", "infra"] },
  { pattern: /^commander$/, layers: ["cli", "infra"] },
];

/** The layer of a path, or undefined where the table has no row for it. Tests and examples are `test`. */
export function layerOf(path: string): string | undefined {
  if (path.startsWith("test/") || path.startsWith("docs/examples/")) return "test";
  if (path.startsWith("infra/")) return "infra";
  if (/^functions\/[^/]+\/index\.ts$/.test(path)) return "root";
  if (path.startsWith("functions/")) return "functions";
  const layer = /^shared\/(adapters\/[^/]+|[^/]+)\//.exec(path)?.[1];
  return layer !== undefined && layer in MATRIX ? layer : undefined;
}

/** Whether a file of `layer` may import from `target`, another layer or itself. */
export function mayImport(layer: string, target: string): boolean {
  return target === layer || (MATRIX[layer]?.includes(target) ?? false);
}

export function checkLayers(files: readonly ParsedFile[], manifest: Manifest): Violation[] {
  const known = new Set(files.map((file) => file.path));
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [{ path: file.path, line: 1, message: "is in no layer of the table" }];
    return file.references.flatMap((reference) => {
      const problem = judgeReference(reference, { file, layer, manifest, known });
      return problem === undefined ? [] : [{ path: file.path, line: reference.line, message: problem }];
    });
  });
}

interface Place {
  readonly file: ParsedFile;
  readonly layer: string;
  readonly manifest: Manifest;
  readonly known: ReadonlySet<string>;
}

function judgeReference(reference: ModuleReference, place: Place): string | undefined {
  const { specifier } = reference;
  if (reference.kind === "list") return undefined;
  if (specifier === undefined) {
    return place.layer === "test" ? undefined : "imports something computed; name the module";
  }
  if (/^\.\.(\/|$)|\/\.\.(\/|$)/.test(specifier)) return `${specifier} climbs; use a # alias`;
  const target = resolveSpecifier(specifier, place.file.path, place.manifest);
  if (target.kind === "builtin") return place.layer === "tlog" ? `tlog imports ${specifier}` : undefined;
  if (target.kind === "file") return judgeFile(target.path, specifier, place);
  return judgePackage(target.name, place, reference.typeOnly);
}

function judgeFile(path: string, specifier: string, { layer, known }: Place): string | undefined {
  if (layer === "test") return undefined;
  if (!mayImport(layer, layerOf(path) ?? "")) return `${layer} imports ${specifier}`;
  if (specifier.startsWith("#") && /\.[mc]?[jt]s$/.test(path) && !known.has(path)) {
    return `${specifier} is no file of the project`;
  }
  return undefined;
}

function judgePackage(name: string, { layer, manifest }: Place, typeOnly: boolean): string | undefined {
  if (layer === "test") return undefined;
  if (name === manifest.name) return `imports its own package ${name}; use a # alias`;
  const only = ONLY_PACKAGES[layer];
  if (only !== undefined && !only.includes(name)) return `${layer} imports the package ${name}`;
  const reserved = RESERVED.find(({ pattern }) => pattern.test(name));
  if (reserved !== undefined && !reserved.layers.includes(layer))
    return `${layer} imports the package ${name}`;
  const shipped = name in manifest.dependencies || typeOnly || layer === "infra";
  return shipped ? undefined : `${name} is not in "dependencies"`;
}

/** Every import cycle once, named by its files. Type-only imports count: a cycle of ideas is a cycle. */
export function checkCycles(files: readonly ParsedFile[], manifest: Manifest): Violation[] {
  const edges = new Map(files.map((file) => [file.path, importedPaths(file, manifest)]));
  const finished = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const cycle = [...trail.slice(start), path].join(" -> ");
      found.push({ path, line: 1, message: `is in an import cycle: ${cycle}` });
      return;
    }
    if (finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const file of files) visit(file.path, []);
  return found;
}

function importedPaths(file: ParsedFile, manifest: Manifest): string[] {
  const targets: Target[] = file.references.flatMap(({ specifier }) =>
    specifier === undefined ? [] : [resolveSpecifier(specifier, file.path, manifest)],
  );
  return targets.flatMap((target) => (target.kind === "file" ? [target.path] : []));
}
