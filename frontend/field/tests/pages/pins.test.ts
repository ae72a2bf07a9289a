import { describe, expect, it } from "vitest";

import { isSimple } from "../../src/pages/pins";

describe("PINs that a stranger would try", () => {
  it.each(["123456", "654321", "111111", "121212", "123123", "890123", "199107", "200012"])("%s is refused", (pin) => {
    expect(isSimple(pin)).toBe(true);
  });
  it.each(["482915", "135790", "199113", "703188"])("%s is accepted", (pin) => {
    expect(isSimple(pin)).toBe(false);
  });
});
