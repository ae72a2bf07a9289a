import { afterEach, expect, test, vi } from "vitest";

const { queueMicrotask } = globalThis;
const { allSettled } = Promise;
afterEach(() => {
  Object.assign(globalThis, { queueMicrotask });
  Promise.allSettled = allSettled;
});

test("a browser of 2018 gets what the libraries call", async () => {
  for (const [holder, name] of [[globalThis, "queueMicrotask"], [Promise, "allSettled"]] as const) {
    Reflect.set(holder, name, undefined);
  }
  vi.resetModules();
  await import("../../src/older.ts");
  expect(await new Promise((done) => globalThis.queueMicrotask(() => done("ran")))).toBe("ran");
  const settled = await Promise.allSettled([1, Promise.reject(new Error("no"))]);
  expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
});
