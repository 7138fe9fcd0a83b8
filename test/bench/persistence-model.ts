/**
 * `node test/bench/persistence-model.ts [seeds]`: runs the model of the persistence protocol, and each of its variants,
 * over many seeds, default 100,000, and prints in how many runs events were lost or sealed twice. Exits with 1 where the
 * protocol did either, or a variant did neither.
 */
import { runModel, VARIANTS } from "#test/support/persistence-model.ts";

const DEFAULT_SEEDS = 100_000;
const seeds = Number(process.argv[2] ?? DEFAULT_SEEDS);

console.log(`variant        runs     losing events  sealing twice`);
for (const variant of VARIANTS) {
  let [losing, doubling] = [0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const { lost, doubled } = runModel(variant, seed);
    if (lost > 0) losing++;
    if (doubled > 0) doubling++;
  }
  const isAsExpected = (losing + doubling === 0) === (variant === "protocol");
  if (!isAsExpected) process.exitCode = 1;
  console.log(
    `${variant.padEnd(14)} ${String(seeds).padEnd(8)} ${String(losing).padEnd(14)} ${doubling}${isAsExpected ? "" : "  UNEXPECTED"}`,
  );
}
