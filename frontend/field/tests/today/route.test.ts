import { describe, expect, it } from "vitest";
import { chineseNumber, natural } from "../../src/today/natural";
import { length, metres, routeOrder, type Point, type Stop } from "../../src/today/route";

function stop(key: string, lon: number | null, lat: number | null, street = "", building = key): Stop {
  return { key, street, building, lon, lat };
}

/** A repeatable stream of numbers in [0, 1). */
function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** The shortest walk over all points that begins at the first one, by trying them all. */
function shortest([first, ...others]: Point[]): number {
  const best = (here: Point, left: Point[]): number =>
    left.length
      ? Math.min(
          ...left.map(
            (next) =>
              metres(here, next) +
              best(
                next,
                left.filter((p) => p !== next),
              ),
          ),
        )
      : 0;
  return best(first!, others);
}

describe("the order of doors", () => {
  it("follows house numbers where nobody measured", () => {
    const stops = ["十号", "2号", "三号", "11号"].map((name) => stop(name, null, null));
    expect(routeOrder(stops).map((s) => s.key)).toEqual(["2号", "三号", "十号", "11号"]);
  });

  it("keeps streets together where nobody measured", () => {
    const stops = [
      stop("a", null, null, "东街", "2号"),
      stop("b", null, null, "西街", "1号"),
      stop("c", null, null, "东街", "1号"),
    ];
    expect(routeOrder(stops).map((s) => s.key)).toEqual(["c", "a", "b"]);
  });

  it("unties a walk that the nearest door would cross", () => {
    const zigzag = [
      [0, 0],
      [0.001, 0.0011],
      [0.002, 0],
      [0.003, 0.0011],
      [0.0005, 0.001],
      [0.0025, 0.001],
    ] as const;
    const stops = zigzag.map(([x, y], i) => stop(String(i), 110 + x, 19 + y));
    const walk = routeOrder(stops) as (Stop & Point)[];
    expect(length(walk)).toBeLessThanOrEqual(shortest(walk) * 1.1);
  });

  it("comes within a quarter of the shortest walk of seven doors, over a hundred neighbourhoods", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const next = stream(seed);
      const stops = Array.from({ length: 7 }, (_, i) => stop(String(i), 110 + next() / 100, 19 + next() / 100));
      const walk = routeOrder(stops) as (Stop & Point)[];
      expect(walk).toHaveLength(7);
      expect(new Set(walk.map((s) => s.key)).size).toBe(7);
      expect(length(walk), `seed ${seed}`).toBeLessThanOrEqual(shortest(walk) * 1.25);
    }
  });

  it("begins near me", () => {
    const stops = [stop("1号", 110, 19), stop("2号", 110.01, 19), stop("3号", 110.02, 19)];
    expect(routeOrder(stops, { lon: 110.021, lat: 19 }).map((s) => s.key)).toEqual(["3号", "2号", "1号"]);
  });

  it("puts an unmeasured door after its neighbour in the street", () => {
    const stops = [stop("1", 110, 19, "东街", "1号"), stop("2", null, null, "东街", "2号"), stop("9", 110.01, 19, "东街", "9号")];
    expect(routeOrder(stops).map((s) => s.key)).toEqual(["1", "2", "9"]);
  });

  it("orders a whole community in time for a phone", () => {
    const next = stream(7);
    const stops = Array.from({ length: 1937 }, (_, i) => stop(String(i), 110 + next() / 50, 19 + next() / 50));
    const begun = performance.now();
    expect(new Set(routeOrder(stops).map((s) => s.key)).size).toBe(1937);
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});

describe("house numbers", () => {
  it.each([
    ["十", 10],
    ["十二", 12],
    ["二十", 20],
    ["三百零五", 305],
    ["二〇三", 203],
    ["一百", 100],
  ])("%s is %d", (text, value) => {
    expect(chineseNumber(text)).toBe(value);
  });

  it("puts what has no number last", () => {
    expect(["", "2号", "1号"].sort(natural)).toEqual(["1号", "2号", ""]);
  });
});
