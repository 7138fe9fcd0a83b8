// A service in memory that persists and seals, with the real parts over shared ports, and what becomes of its tables: lost,
// and rebuilt from the archive alone.
import { randomBytes, randomUUID } from "node:crypto";

import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import { openDeployment } from "#service/deployment.ts";
import { createPersist } from "#service/persist.ts";
import type { Clock } from "#service/ports.ts";
import type { RebuildDeps } from "#service/rebuild.ts";
import type { SealReport } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import type { TableMark } from "#service/table-mark.ts";
import { memoryMark } from "#test/support/memory-mark.ts";
import { findSealingProblems } from "#test/support/sealing-checks.ts";
import type { SealerPorts, SharedPorts } from "#test/support/sealing-ports.ts";
import { openSharedPorts, splitLedger } from "#test/support/sealing-ports.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";
import { seededRandom } from "#test/support/seeded-random.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const DAY_MS = 86_400_000;
/** What the hot store of these services keeps. */
export const HOT_RETENTION_MS = 90 * DAY_MS;

export interface SealedService {
  readonly ports: SharedPorts;
  readonly clock: Clock;
  readonly pass: (ms: number) => void;
  readonly conflictKey: Uint8Array;
  /** @returns the id of the batch */
  readonly persist: (lines: readonly PreparedLine[]) => Promise<string>;
  /** @param through puts ports of the sealer behind others */
  readonly seal: (through?: (ports: SealerPorts) => SealerPorts) => Promise<SealReport>;
  readonly rebuildDeps: () => RebuildDeps;
  /** The same archive with empty tables. */
  readonly loseTables: () => SealedService;
  /** What is not as it should be once all is sealed. */
  readonly problems: () => Promise<readonly string[]>;
}

export async function startSealedService(): Promise<SealedService> {
  const time = virtualTime();
  const ports = openSharedPorts(seededRandom(1), time.clock);
  const { conflictKey } = await openDeployment({
    archive: ports.archive,
    marks: [],
    newIncarnation: randomUUID,
    fillRandom: (bytes) => bytes.set(randomBytes(bytes.length)),
  });
  const state = { ...time, conflictKey, sent: [] };
  return assemble(state, ports, [memoryMark("events"), memoryMark("ledger")]);
}

interface State extends Pick<SealedService, "clock" | "pass" | "conflictKey"> {
  /** Every line that was ever persisted. */
  readonly sent: PreparedLine[];
}

function assemble(
  state: State,
  ports: SharedPorts,
  [eventMark, ledgerMark]: readonly [TableMark, TableMark],
): SealedService {
  const { clock, conflictKey, sent } = state;
  const { archive, table, ledger, log } = ports;
  const { newEventId } = createIdentifiers({
    nowMs: clock.nowMs,
    fillRandom: (bytes) => bytes.set(randomBytes(bytes.length)),
  });
  return {
    ...state,
    ports,
    persist: async (lines) => {
      sent.push(...lines);
      const persist = createPersist({ archive, table, ledger, conflictKey, newBatchId: newEventId });
      return (await persist(lines)).batchId ?? "";
    },
    seal: (through = (own) => own) => {
      const own = through({ log, store: archive, sealing: splitLedger(ports.sealing) });
      const source = createBatchSealSource({ archive: own.store, ledger: own.sealing, conflictKey, clock });
      const { log: logLedger, store } = own;
      return createSealer({ ...TEST_KEYS, ledger: logLedger, store, source, witnesses: [], clock }).run();
    },
    rebuildDeps: () => ({
      archive,
      table,
      ledger,
      sealing: ledger,
      logLedger: log,
      eventMark,
      ledgerMark,
      holdsEvents: async () => table.items.size > 0,
      holdsRows: async () => ledger.rows.size + ledger.notes.size > 0,
      clock,
      hotRetentionMs: HOT_RETENTION_MS,
    }),
    loseTables: () => {
      const fresh = openSharedPorts(seededRandom(1), clock);
      const { published, batchPuts } = ports;
      const kept = { archive, published, batchPuts };
      return assemble(state, { ...fresh, ...kept }, [memoryMark("events"), memoryMark("ledger")]);
    },
    problems: () => findSealingProblems(ports, sent, conflictKey),
  };
}
