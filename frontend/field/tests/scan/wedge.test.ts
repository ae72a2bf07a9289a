import { expect, it } from "vitest";

import { Wedge, character } from "../../src/scan/wedge";

const key = (text: string): { key: string; code: string; shiftKey: boolean } => ({
  key: text,
  code: "",
  shiftKey: false,
});

function type(text: string, gap: number): string | null {
  const wedge = new Wedge();
  let at = 1000;
  for (const letter of text) wedge.take(key(letter), (at += gap));
  return wedge.take(key("Enter"), at + gap);
}

it("takes what came as fast as a scanner types", () => {
  expect(type("QH0007", 12)).toBe("QH0007");
});
it("leaves what a hand typed to the field it was typed in", () => {
  expect(type("QH0007", 140)).toBeNull();
});
it("takes a code with a hiccup, and any code where no field could have been meant", () => {
  const wedge = new Wedge();
  [0, 10, 20, 280, 290, 300].forEach((at, place) => wedge.take(key("QH0007"[place]!), 1000 + at));
  expect(wedge.take(key("Enter"), 1310)).toBe("QH0007");
  [0, 140, 280, 700, 900, 1100].forEach((at, place) => wedge.take(key("QH0007"[place]!), 5000 + at, true));
  expect(wedge.take(key("Enter"), 6300, true)).toBe("QH0007");
});
it("takes no Enter for a code", () => {
  expect(type("", 10)).toBeNull();
  expect(type("ab", 10)).toBeNull();
});
it("begins anew after a pause", () => {
  const wedge = new Wedge();
  wedge.take(key("x"), 0);
  let at = 2000;
  for (const letter of "QH0008") wedge.take(key(letter), (at += 10));
  expect(wedge.take(key("Enter"), at + 10)).toBe("QH0008");
});
it("reads keys that an input method hides", () => {
  expect(character({ key: "Process", code: "KeyQ", shiftKey: true })).toBe("Q");
  expect(character({ key: "Unidentified", code: "Digit7", shiftKey: false })).toBe("7");
  expect(character({ key: "Process", code: "Semicolon", shiftKey: true })).toBe(":");
});
