/** A map of today's doors drawn from their coordinates alone: north up, to scale, nothing fetched. */

import { metres, type Point } from "./route";

export interface Marked extends Point {
  key: string;
  number: number;
  overdue: boolean;
}

export interface Mark {
  x: number;
  y: number;
  keys: string[];
  label: string;
  /** the first of its stops */
  first: number;
  overdue: boolean;
}

export interface Drawing {
  width: number;
  height: number;
  marks: Mark[];
  /** the walk as the d of an SVG path */
  path: string;
  me: { x: number; y: number } | null;
  scale: { metres: number; pixels: number };
}

const MARGIN = 30;
/** Marks closer than this are drawn as one, so that each can be hit with a thumb. */
const APART = 34;
const STEPS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
/** A position further away than this many times the map's own width would shrink it to a dot: it is left off. */
const TOO_FAR = 3;

/** Return the drawing of points in their walking order, or none where fewer than two places are known. */
export function draw(points: readonly Marked[], me: Point | null, width: number, height: number): Drawing | null {
  if (new Set(points.map((p) => `${p.lon} ${p.lat}`)).size < 2) return null;
  const shown = me && isNear(points, me) ? me : null;
  const frame = frameOf(shown ? [...points, shown] : points, width, height);
  const placed = points.map((point) => ({ point, ...frame.place(point) }));
  return {
    width,
    height,
    marks: merged(placed),
    path: placed.map(({ x, y }, i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""),
    me: shown ? frame.place(shown) : null,
    scale: scaleOf(frame.pixelsPerMetre, width / 3),
  };
}

function box(points: readonly Point[]) {
  const lons = points.map((p) => p.lon);
  const lats = points.map((p) => p.lat);
  return { west: Math.min(...lons), east: Math.max(...lons), south: Math.min(...lats), north: Math.max(...lats) };
}

function isNear(points: readonly Point[], me: Point): boolean {
  const { west, east, south, north } = box(points);
  const span = Math.max(metres({ lon: west, lat: south }, { lon: east, lat: north }), 200);
  return metres({ lon: (west + east) / 2, lat: (south + north) / 2 }, me) < TOO_FAR * span;
}

function frameOf(points: readonly Point[], width: number, height: number) {
  const { west, east, south, north } = box(points);
  const centre = { lon: (west + east) / 2, lat: (south + north) / 2 };
  const across = metres({ lon: west, lat: centre.lat }, { lon: east, lat: centre.lat });
  const along = metres({ lon: centre.lon, lat: south }, { lon: centre.lon, lat: north });
  const pixelsPerMetre = Math.min((width - 2 * MARGIN) / Math.max(across, 1), (height - 2 * MARGIN) / Math.max(along, 1));
  return {
    pixelsPerMetre,
    place(point: Point) {
      const east_ = metres({ lon: centre.lon, lat: centre.lat }, { lon: point.lon, lat: centre.lat });
      const north_ = metres({ lon: centre.lon, lat: centre.lat }, { lon: centre.lon, lat: point.lat });
      return {
        x: width / 2 + Math.sign(point.lon - centre.lon) * east_ * pixelsPerMetre,
        y: height / 2 - Math.sign(point.lat - centre.lat) * north_ * pixelsPerMetre,
      };
    },
  };
}

function merged(placed: readonly { point: Marked; x: number; y: number }[]): Mark[] {
  const marks: (Mark & { numbers: number[] })[] = [];
  for (const { point, x, y } of placed) {
    const near = marks.find((mark) => Math.hypot(mark.x - x, mark.y - y) < APART);
    if (near) {
      near.keys.push(point.key);
      near.numbers.push(point.number);
      near.overdue = near.overdue || point.overdue;
      near.label = span(near.numbers);
      near.first = Math.min(near.first, point.number);
    } else
      marks.push({
        x,
        y,
        keys: [point.key],
        numbers: [point.number],
        label: String(point.number),
        first: point.number,
        overdue: point.overdue,
      });
  }
  return marks;
}

/** 3, 3–5 or 3+ : the stops of one mark. */
function span(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const first = sorted[0]!;
  const last = sorted[sorted.length - 1]!;
  return last - first === sorted.length - 1 ? `${first}–${last}` : `${first}+`;
}

function scaleOf(pixelsPerMetre: number, most: number): { metres: number; pixels: number } {
  const fitting = STEPS.filter((step) => step * pixelsPerMetre <= most);
  const step = fitting.pop() ?? STEPS[0]!;
  return { metres: step, pixels: step * pixelsPerMetre };
}
