import { expect, it } from "vitest";

import { advice, begin, commandOf, forbidden, heard, lookOf, wanting } from "../../src/flows/checkpoint/state";

const AT = "2022-07-14T08:00:00+08:00";

it("turns no patient, nobody going home, no emergency and no essential freight back", () => {
  for (const purpose of ["emergency", "medical", "going_home", "essential_freight"] as const)
    expect(forbidden({ ...begin("c", "in"), purpose }, "advised_back")).not.toBeNull();
  expect(forbidden({ ...begin("c", "in"), purpose: "leisure" }, "advised_back")).toBeNull();
  expect(forbidden({ ...begin("c", "in"), purpose: "leisure", temperature: 37.3 }, "advised_back")).not.toBeNull();
});
it("lets an emergency through whatever was measured or listed", () => {
  expect(advice({ ...begin("c", "in"), purpose: "emergency", temperature: 39, listHit: true })).toBeNull();
  expect(wanting({ ...begin("c", "in"), purpose: "emergency" }, "let_through")).toBeNull();
});
it("advises to hand over whoever is feverish or on a list", () => {
  expect(advice({ ...begin("c", "in"), temperature: 37.3 })?.destination.en).toBe("fever clinic");
  expect(advice({ ...begin("c", "in"), listHit: true })?.outcome).toBe("handed_over");
  expect(advice({ ...begin("c", "in"), temperature: 37.2 })).toBeNull();
});
it("tells whoever is stopped why and where to", () => {
  expect(wanting(begin("c", "in"), "advised_back")).not.toBeNull();
  expect(wanting({ ...begin("c", "in"), reason: "游玩", destination: "原路返回" }, "advised_back")).toBeNull();
});
it("keeps a plate only of whoever is on a list or handed over", () => {
  const passage = { ...begin("c", "in"), identifier: "琼A12345" };
  expect(JSON.stringify(commandOf(passage, "let_through", "i", AT))).not.toContain("琼A12345");
  expect(JSON.stringify(commandOf({ ...passage, listHit: true }, "let_through", "i", AT))).toContain("琼A12345");
});
it("marks a hit by the house's answer and keeps a number that is on no list from the record", () => {
  const asked = { ...begin("c", "in"), identifier: "11010519491231002X" };
  const hit = heard(asked, asked.identifier, lookOf({ on_list: true }));
  expect(advice(hit)?.outcome).toBe("handed_over");
  const clear = heard(asked, asked.identifier, lookOf({ on_list: false }));
  expect(clear).toMatchObject({ listHit: false, identifier: "" });
  expect(heard(asked, asked.identifier, "clear", { wanted: true }).identifier, "for the hand-over").toBe(asked.identifier);
  expect(JSON.stringify(commandOf(asked, "let_through", "i", AT))).not.toContain(asked.identifier);
});
it("holds nobody because the list could not be asked", () => {
  const asked = { ...begin("c", "in"), identifier: "11010519491231002X" };
  expect(lookOf(null)).toBe("not_asked");
  expect(heard(asked, asked.identifier, lookOf(null))).toEqual(asked);
});
it("hears no answer about somebody who has gone on", () => {
  const next = begin("c", "in");
  expect(heard(next, "11010519491231002X", "hit")).toEqual(next);
});
it("keeps the number of whoever is on the list when somebody else of the car is not", () => {
  const second = { ...begin("c", "in"), identifier: "second", listHit: true };
  expect(heard(second, "second", "clear", { hit: "first" })).toMatchObject({ identifier: "first", listHit: true });
  expect(heard(second, "second", "not_asked").identifier).toBe("second");
});
