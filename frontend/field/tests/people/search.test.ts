import { describe, expect, it } from "vitest";
import { found, indexed, type Home, type Person } from "../../src/people/search";

const homes: Home[] = [
  { id: "h1", number: 10, street: "新竹街", building: "3号楼", unit: "2单元", room: "301", address: "" },
  { id: "h2", number: 11, street: "新竹街", building: "3号楼", unit: "1单元", room: "1001", address: "" },
  { id: "h3", number: 12, street: "新竹街", building: "", unit: "", room: "", address: "三组12号" },
];
const people: Person[] = [
  person("p1", 10, "王海明", "wang hai ming", "13800008817"),
  person("p2", 11, "吴秀兰", "wu xiu lan", null),
  person("p3", 12, "王秀", "wang xiu", "13900001234"),
];

function person(id: string, household: number | null, name: string, pinyin: string, phone: string | null): Person {
  return { id, household, name, pinyin, sex: "female", birth_year: 1970, phone, relation: "head" };
}

function names(question: string): string[] {
  return found(indexed(people, homes), question).map((entry) => entry.person.name);
}

describe("finding somebody", () => {
  it.each([
    ["王", ["王海明", "王秀"]],
    ["wang", ["王海明", "王秀"]],
    ["wang h", ["王海明"]],
    ["whm", ["王海明"]],
    ["xiulan", ["吴秀兰"]],
    ["301", ["王海明"]],
    ["3-301", ["王海明"]],
    ["3-2-301", ["王海明"]],
    ["3-1-301", []],
    ["8817", ["王海明"]],
    ["12", ["王秀"]],
    ["三组", ["王秀"]],
    ["王 3-301", ["王海明"]],
    ["nobody", []],
  ])("%s", (question, expected) => {
    expect(names(question).sort()).toEqual([...expected].sort());
  });

  it("lists everybody in the order of doors when nothing is asked", () => {
    expect(names("")).toEqual(["吴秀兰", "王海明", "王秀"]);
  });

  it("searches a community within a frame or two", () => {
    const many = Array.from({ length: 5055 }, (_, i) => person(`q${i}`, 10, `陈${i}`, `chen d${i}`, String(13_000_000_000 + i)));
    const entries = indexed(many, homes);
    const begun = performance.now();
    expect(found(entries, "5054").length).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(60);
  });
});
