/** Seals what a program has written that opened the folder itself, before it gives it up: so it can be proven at once. */
import type { FileStore } from "#adapters/file/file-store.ts";
import { createSealPasses } from "#infra/local/seal-pass.ts";

/** What is not sealed then is sealed by the next that writes. */
const MAX_MS = 5000;
/** Some milliseconds of work at a time: the program may have other things to do. */
const MAX_LINES = 4096;

/** @throws AuditServiceError where it cannot be sealed; events are stored all the same */
export async function sealAtClose(store: FileStore, origin: string | undefined): Promise<void> {
  await store.flush();
  const passes = createSealPasses({
    path: store.paths.live,
    tail: store.tail.shared,
    uncertain: store.recovered.uncertain,
    origin,
    witnesses: undefined, // whoever serves the log asks them
    maxLines: MAX_LINES,
  });
  const untilMs = performance.now() + MAX_MS;
  try {
    await passes.run({ isOverdue: () => performance.now() >= untilMs });
  } finally {
    passes.close();
  }
}
