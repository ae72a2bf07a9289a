import { expect, it } from "vitest";

import { begin, commandOf, difference, listed, scanEach, take, turn, wanting } from "../../src/flows/handover/state";
import type { Handover } from "../../src/flows/handover/state";

const scan = (handover: Handover, ...codes: string[]): Handover =>
  codes.reduce((now, code) => take(now, code, (one) => one.startsWith("B")).handover, handover);

it("packs: the first scan is the box, the rest its tubes, each once", () => {
  const packed = scan(begin("pack", "三组", "sampler"), "B1", "T1", "T2", "T1");
  expect(packed).toMatchObject({ box: "B1", codes: ["T1", "T2"] });
  expect(commandOf({ ...packed, counted: 2 })).toEqual({
    kind: "pack_box",
    payload: { code: "B1", codes: ["T1", "T2"], counted: 2 },
  });
});
it("says by how many the count differs and lets it be handed over all the same", () => {
  const packed = { ...scan(begin("pack", "三组", "sampler"), "B1", "T1", "T2"), counted: 1 };
  expect(difference(packed, {})?.en).toContain("1 missing");
  expect(wanting(packed)).toBeNull();
});
it("hands boxes and tubes over with the counts of both sides", () => {
  const given = scan(begin("hand_over", "三组", "sampler"), "B1", "T9");
  expect(wanting(given)?.en).toContain("count");
  expect(listed(given, { B1: 12 })).toBe(13);
  expect(listed(given, {})).toBeNull();
  const done = { ...given, given: 13, counted: 12, taker: "转运员老李" };
  expect(difference(done, { B1: 12 })?.zh).toContain("少 1 支");
  expect(wanting(done)).toBeNull();
  expect(commandOf(done)).toEqual({
    kind: "hand_over_tubes",
    payload: {
      boxes: ["B1"],
      codes: ["T9"],
      giver: "三组",
      giver_kind: "site",
      taker: "转运员老李",
      taker_kind: "courier",
      tubes_given: 13,
      tubes_counted: 12,
    },
  });
});
it("takes over: who holds the phone is the taker, and what is scanned tube after tube names what lacks", () => {
  const taken = { ...scan(begin("take_over", "转运一组", "courier"), "B1"), giver: "新竹小学", counted: 1 };
  expect(taken).toMatchObject({ giverKind: "site", taker: "转运一组", takerKind: "courier" });
  const each = scan(scanEach(taken), "T1", "T1", "B1");
  expect(each).toMatchObject({ boxes: ["B1"], scanned: ["T1"], counted: 1 });
  expect(commandOf(each)).toMatchObject({ kind: "hand_over_tubes", payload: { scanned: ["T1"], tubes_counted: 1 } });
  expect(difference(each, { B1: 2 })?.zh).toContain("少 1 支");
});
it("compares with the giver where the load of a box is not known", () => {
  const given = { ...scan(begin("receive", "", "lab"), "B1"), given: 10, counted: 11 };
  expect(difference(given, {})?.en).toContain("1 too many");
});
it("turns a code that was no box", () => {
  expect(turn(scan(begin("receive", "", "lab"), "B1"), "B1")).toMatchObject({ boxes: [], codes: ["B1"] });
});
it("asks for the laboratory and for what became of a tube", () => {
  expect(wanting({ ...scan(begin("receive", "", "lab"), "B1"), counted: 3, giver: "老李" })?.en).toContain(
    "laboratory",
  );
  expect(wanting({ ...scan(begin("found", "", "courier"), "T1"), outcome: "lost" })?.en).toContain("broken");
});
