/** Test projects, grouped by what they need. */
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

function project(name: string, timeout: number, parallel = true): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: "node",
      testTimeout: timeout,
      hookTimeout: timeout,
      fileParallelism: parallel,
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project("unit", 30_000),
      project("integration", 120_000),
      project("e2e", 120_000, false),
      project("electron", 120_000, false),
      project("webgpu", 120_000, false),
      project("parity", 300_000, false),
    ],
  },
});
