import { beforeEach, describe, expect, it } from "vitest";
import { placeWords, shareDoor } from "../../src/people/places";
import { prefs } from "../../src/prefs";

const at = (part: object) => ({ street: "", building: "", unit: "", room: "", address: "", ...part });

describe("a place in words", () => {
  beforeEach(() => {
    prefs.lang = "zh";
  });

  it("names the door outside in", () => {
    expect(placeWords(at({ street: "见龙大道", building: "3号楼", unit: "1", room: "201" }))).toBe("见龙大道 3号楼 1单元 201室");
  });

  it("adds unit and room to an address that only names the house", () => {
    expect(placeWords(at({ address: "新竹村 1 号", unit: "1", room: "101" }))).toBe("新竹村 1 号 1单元 101室");
  });

  it("says nothing twice when the address names the room", () => {
    expect(placeWords(at({ address: "中安村 12 号 101", unit: "1", room: "101" }))).toBe("中安村 12 号 101");
    expect(placeWords(at({ address: "中安村 12 号" }))).toBe("中安村 12 号");
  });
});

describe("one door", () => {
  const home = at({ address: "新竹村 1 号", unit: "1", room: "101" });

  it("is shared with what names the house alone, and with no other room", () => {
    expect(shareDoor(home, at({ address: "新竹村 1 号" }))).toBe(true);
    expect(shareDoor(home, at({ address: "新竹村 1 号", unit: "1", room: "102" }))).toBe(false);
    expect(shareDoor(home, at({ address: "新竹村 2 号" }))).toBe(false);
  });
});
