import { describe, expect, it } from "vitest";
import { blocks, counts } from "../../src/today/groups";
import { standing } from "../../src/today/duty";
import { draw } from "../../src/today/map";
import { duty, NOW } from "./scene";

const nobody: ReadonlySet<number> = new Set();

describe("the blocks of today", () => {
  it("puts danger first, then overdue, due and what is not yet open", () => {
    const later = duty(4, 9, { opens_at: new Date(NOW + 3_600_000).toISOString() });
    const shown = blocks(
      [later, duty(3, 2, { building: "2号楼" }), duty(2, -1), duty(1, -1, { rank: 1 })],
      "open",
      NOW,
      nobody,
      null,
    );
    expect(shown.map((block) => block.code)).toEqual(["urgent", "overdue", "due", "later"]);
    expect(shown[0]!.flat.map((one) => one.duty.id)).toEqual([1]);
  });

  it("shows every open duty exactly once", () => {
    const all = Array.from({ length: 60 }, (_, i) =>
      duty(i, (i % 7) - 3, { rank: i % 20, building: `${i % 5}号楼`, unit: `${i % 2}单元`, room: String(i) }),
    );
    const seen = blocks(all, "open", NOW, nobody, null).flatMap((block) =>
      [...block.flat, ...block.buildings.flatMap((b) => b.units.flatMap((u) => u.duties))].map((one) => one.duty.id),
    );
    expect(seen.sort((a, b) => a - b)).toEqual(all.map((one) => one.id));
  });

  it("groups by building and unit, doors in the order of the stairs", () => {
    const [block] = blocks(
      [
        duty(1, 1, { unit: "2单元", room: "201" }),
        duty(2, 1, { unit: "1单元", room: "1001" }),
        duty(3, 1, { unit: "1单元", room: "301" }),
      ],
      "open",
      NOW,
      nobody,
      null,
    );
    expect(block!.buildings).toHaveLength(1);
    expect(block!.buildings[0]!.units.map((u) => [u.unit, u.duties.map((one) => one.duty.room)])).toEqual([
      ["1单元", ["301", "1001"]],
      ["2单元", ["201"]],
    ]);
  });

  it("moves what this phone finished out of the open ones before the server has said so", () => {
    const all = [duty(1, -1), duty(2, 1), duty(3, 1, { state: "done" })];
    const finished = new Set([1]);
    expect(standing(all[0]!, NOW, finished)).toBe("sent");
    expect(counts(all, NOW, finished)).toEqual({ open: 1, overdue: 0, done: 2 });
    expect(blocks(all, "done", NOW, finished, null)[0]!.count).toBe(2);
  });

  it("makes one stop of a building where some is overdue and some due", () => {
    const all = [duty(1, -1, { room: "301" }), duty(2, 3, { room: "201" }), duty(3, 3, { building: "2号楼" })];
    const shown = blocks(all, "open", NOW, nobody, null);
    expect(shown.map((block) => [block.code, block.count, block.buildings.length])).toEqual([
      ["overdue", 1, 1],
      ["due", 1, 1],
    ]);
    expect(shown[0]!.buildings[0]!.count).toBe(2);
  });

  it("numbers buildings through all blocks, so that the map and the list say the same", () => {
    const shown = blocks([duty(1, -1, { building: "2号楼" }), duty(2, 1, { building: "1号楼" })], "open", NOW, nobody, null);
    expect(shown.flatMap((block) => block.buildings.map((b) => [b.building, b.number]))).toEqual([
      ["2号楼", 1],
      ["1号楼", 2],
    ]);
  });
});

describe("the map", () => {
  const at = (key: string, lon: number, lat: number, number: number) => ({ key, lon, lat, number, overdue: false });

  it("hides itself without two places", () => {
    expect(draw([], null, 360, 180)).toBeNull();
    expect(draw([at("a", 110, 19, 1), at("b", 110, 19, 2)], null, 360, 180)).toBeNull();
  });

  it("has north up, east right, to scale", () => {
    const map = draw([at("sw", 110, 19, 1), at("ne", 110.01, 19.01, 2)], null, 400, 400)!;
    const [first, second] = map.marks;
    expect(second!.x).toBeGreaterThan(first!.x);
    expect(second!.y).toBeLessThan(first!.y);
    const across = (second!.x - first!.x) / (map.scale.pixels / map.scale.metres);
    expect(across).toBeCloseTo(0.01 * 111_320 * Math.cos((19.005 * Math.PI) / 180), -1);
  });

  it("draws marks that would overlap as one that names both", () => {
    const map = draw([at("a", 110, 19, 1), at("b", 110.00001, 19, 2), at("c", 110.01, 19, 3)], null, 360, 180)!;
    expect(map.marks.map((mark) => mark.label)).toEqual(["1–2", "3"]);
  });

  it("keeps every mark inside, and leaves off a position far away", () => {
    const points = [at("a", 110, 19, 1), at("b", 110.004, 19.002, 2)];
    const near = draw(points, { lon: 110.002, lat: 19.004 }, 360, 180)!;
    expect(near.me).not.toBeNull();
    for (const { x, y } of [...near.marks, near.me!]) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(360);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(180);
    }
    expect(draw(points, { lon: 111, lat: 19 }, 360, 180)!.me).toBeNull();
  });
});
