import { expect, test } from "vitest";

test("there is an IndexedDB and a WebCrypto to test against", () => {
  expect(indexedDB).toBeDefined();
  expect(crypto.subtle).toBeDefined();
});
