import { describe, expect, it } from "vitest";

import { classify, idFault, plateOf } from "../../src/scan/classify";

const TODAY = new Date("2022-07-14T00:00:00Z");
const CARD = `LF1:${"ABCDEFGHIJKLMNOPQRSTUVWX".replace(/[018]/g, "A")}`;
const PEOPLE = ["resident_code", "id_card", "tube"];
const found = (text: string, accept: string[] = PEOPLE): unknown => {
  const reading = classify(text, accept, TODAY);
  return "found" in reading ? reading.found : null;
};
const sentence = (text: string, accept: string[] = PEOPLE): string => {
  const reading = classify(text, accept, TODAY);
  return "fault" in reading ? reading.fault.en : "";
};

describe("what was scanned", () => {
  it("knows a person by the printed card, however it was typed", () => {
    expect(found(CARD)).toEqual({ kind: "resident_code", text: CARD });
    expect(found(` ${CARD.toLowerCase()}\r\n`)).toEqual({ kind: "resident_code", text: CARD });
  });
  it("refuses a card that was read in part", () => {
    expect(sentence("LF1:ABC")).toContain("in part");
  });
  it("knows an ID number by its check digit, with a small x and blanks", () => {
    expect(found("11010519491231002x")).toEqual({ kind: "id_card", text: "11010519491231002X" });
    expect(found("110105 19491231 002X", ["id_card"])).toEqual({ kind: "id_card", text: "11010519491231002X" });
  });
  it("says what is wrong with a number that was copied wrongly", () => {
    expect(sentence("110105194912310021", ["id_card"])).toContain("last character");
    expect(idFault("1101051949123100", TODAY)?.zh).toContain("16 位");
  });
  it("takes eighteen digits with the day of their making for a tube", () => {
    const made = "469021202207010018";
    expect(idFault(made, TODAY)?.en ?? "").not.toContain("date");
    expect(found(made)).toMatchObject({ kind: "tube" });
  });
  it("takes any other printed code for a tube, or for a box where boxes come first", () => {
    expect(found("QH0007")).toEqual({ kind: "tube", text: "QH0007" });
    expect(found("BOX-7", ["box", "tube"])).toEqual({ kind: "box", text: "BOX-7" });
  });
  it("never takes a person for a tube", () => {
    expect(found(CARD, ["tube"])).toBeNull();
    expect(sentence(CARD, ["tube"])).toContain("card of a person");
    expect(found("11010519491231002X", ["tube"])).toBeNull();
    expect(sentence("LFS1:AAAA", ["tube"])).toContain("paper sheet");
  });
  it("knows plates: ordinary, new energy, reserved endings", () => {
    expect(plateOf("琼A·12345")).toBe("琼A12345");
    expect(plateOf("琼AD12345")).toBe("琼AD12345");
    expect(plateOf("琼A1234警")).toBe("琼A1234警");
    expect(plateOf("琼O12345")).toBeNull();
    expect(found("琼a12345", ["plate", "id_card"])).toEqual({ kind: "plate", text: "琼A12345" });
  });
  it("reads an enrolment code as a hand writes it", () => {
    expect(found("7k2qf9xwod", ["device_code"])).toEqual({ kind: "device_code", text: "7K2QF-9XW0D" });
  });
  it("refuses nothing and Chinese text as a tube", () => {
    expect(sentence("  ")).toContain("scan again");
    expect(sentence("采样管")).toContain("tube code");
  });
});
