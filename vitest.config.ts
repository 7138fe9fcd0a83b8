// Test runner settings, sized for a machine of two cores. Guarantees that tests see the
// sources of this repository (condition "source"), never a built dist/.
import { defineConfig } from "vitest/config";

const CONDITIONS = ["source", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS, externalConditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**", "cdk.out/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    execArgv: ["--conditions=source"],
    coverage: {
      provider: "v8",
      include: ["shared/**/*.ts", "functions/**/*.ts", "infra/**/*.ts"],
      reporter: ["text-summary", "html"],
    },
  },
});
