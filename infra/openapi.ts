/** Writes docs/openapi.json from the route table: `npm run openapi`. A test holds the file in sync. */
import { writeFileSync } from "node:fs";
import { openApiDocument } from "#http/openapi.ts";

const target = new URL("docs/openapi.json", new URL("../", import.meta.url));
writeFileSync(target, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
