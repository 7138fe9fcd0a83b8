// Test runner settings, sized for a machine of two cores. Guarantees that tests see the sources of this repository
// (condition "source"), never a built dist/. Tests of the HTTP API run twice: against the server of one machine, and
// against the AWS deployment on stand-ins.
import { defineConfig } from "vitest/config";

const CONDITIONS = ["source", "node", "import", "default"];
const BUILT = ["**/node_modules/**", "dist/**", "cdk.out/**"];
const EMULATED = "test/e2e/emulated*.test.ts";
const ON_BOTH = [
  "http-events",
  "http-identity",
  "http-query",
  "http-export",
  "http-routes",
  "http-hostile",
  "http-log",
  "regressions.api",
];

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS, externalConditions: ["source"] } },
  test: {
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
    projects: [
      {
        extends: true,
        test: {
          name: "local",
          include: ["test/**/*.test.ts"],
          exclude: [...BUILT, EMULATED],
          provide: { target: "local" },
        },
      },
      {
        extends: true,
        test: {
          name: "emulated",
          include: [EMULATED, ...ON_BOTH.map((name) => `test/e2e/${name}.test.ts`)],
          exclude: BUILT,
          provide: { target: "emulated" },
          globalSetup: ["test/support/emulated-setup.ts"],
          testTimeout: 60_000, // the first test of a file starts its stack
        },
      },
    ],
  },
});
