// One normalised template per stage and stack. Whoever changes one on purpose updates it, with
// `npx vitest run test/infra/snapshot.test.ts --update`.
import { describe, expect, it, vi } from "vitest";

import { STAGES } from "#infra/aws/stages.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesise, synthesiseWitness } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

describe.each(STAGES.map(({ name }) => name))("stage %s", (stageName) => {
  it("has the templates that were agreed on", async () => {
    const { storageTemplate, serviceTemplate } = synthesise(stageName);

    await expect(normalised(storageTemplate.toJSON())).toMatchFileSnapshot(
      `templates/storage-${stageName}.template.txt`,
    );
    await expect(normalised(serviceTemplate.toJSON())).toMatchFileSnapshot(
      `templates/service-${stageName}.template.txt`,
    );
    await expect(normalised(synthesiseWitness(stageName, ["<log key>"]).toJSON())).toMatchFileSnapshot(
      `templates/witness-${stageName}.template.txt`,
    );
  });
});

/** Names of assets are hashes of their content, which changes with every line of code. */
function normalised(template: unknown): string {
  const text = JSON.stringify(template, null, 1);
  return `${text.replaceAll(/[0-9a-f]{64}/g, "<asset>")}\n`;
}
