/** The order in which to walk to the day's doors: nearest first, crossings untied (2-opt), else the order of house numbers. */

import { natural } from "./natural";

export interface Point {
  lon: number;
  lat: number;
}

export interface Stop {
  key: string;
  street: string;
  building: string;
  lon: number | null;
  lat: number | null;
}

type Located<S extends Stop> = S & Point;

const METRES_PER_DEGREE = 111_320;
/** Comparisons that one ordering may cost: about a quarter of a second on a phone of 2020. */
const BUDGET = 600_000;

/** Return the metres between two points as the crow flies; plane geometry, right to 0.1 % inside a county. */
export function metres(a: Point, b: Point): number {
  const east = (a.lon - b.lon) * Math.cos(((a.lat + b.lat) * Math.PI) / 360);
  return Math.hypot(east, a.lat - b.lat) * METRES_PER_DEGREE;
}

/** Return the metres of a walk along points in their order. */
export function length(points: readonly Point[]): number {
  let sum = 0;
  for (let i = 1; i < points.length; i++) sum += metres(points[i - 1]!, points[i]!);
  return sum;
}

/** Return the stops in the order to walk them, beginning near `from` where that is known. */
export function routeOrder<S extends Stop>(stops: readonly S[], from: Point | null = null): S[] {
  const inOrder = [...stops].sort((a, b) => natural(a.street, b.street) || natural(a.building, b.building));
  const located = inOrder.filter(isLocated);
  if (located.length < 2) return inOrder;
  const plane = planeOf(located, from);
  const route: S[] = untied(plane, nearest(plane, located.length), from !== null).map((at) => located[at]!);
  for (const stop of inOrder) if (!isLocated(stop)) insertBesideNeighbour(route, stop, inOrder);
  return route;
}

function isLocated<S extends Stop>(stop: S): stop is Located<S> {
  return stop.lon !== null && stop.lat !== null;
}

/** Metres east and north of the first stop; where the walk begins, if that is known, comes behind the stops. */
interface Plane {
  x: number[];
  y: number[];
}

function planeOf(stops: readonly Point[], from: Point | null): Plane {
  const { lon, lat } = stops[0]!;
  const narrow = Math.cos((lat * Math.PI) / 180);
  const all = from ? [...stops, from] : stops;
  return {
    x: all.map((point) => (point.lon - lon) * narrow * METRES_PER_DEGREE),
    y: all.map((point) => (point.lat - lat) * METRES_PER_DEGREE),
  };
}

function far({ x, y }: Plane, a: number, b: number): number {
  const east = x[a]! - x[b]!;
  const north = y[a]! - y[b]!;
  return Math.sqrt(east * east + north * north);
}

/** The walk that goes to the nearest stop each time, from where it begins. */
function nearest(plane: Plane, stops: number): number[] {
  const left = Array.from({ length: stops }, (_, at) => at);
  const route: number[] = plane.x.length > stops ? [stops] : [];
  let here = route.length ? stops : 0;
  while (left.length) {
    let best = 0;
    let least = Infinity;
    for (let i = 0; i < left.length; i++) {
      const away = far(plane, here, left[i]!);
      if (away < least) [best, least] = [i, away];
    }
    here = left[best]!;
    route.push(here);
    left.splice(best, 1);
  }
  return route;
}

/** The walk with its crossings undone: two legs are exchanged as long as that shortens it, or the budget is spent. */
function untied(plane: Plane, path: number[], begins: boolean): number[] {
  let left = BUDGET;
  for (let better = true; better && left > 0;) {
    better = false;
    for (let i = 0; i < path.length - 2 && left > 0; i++) {
      for (let j = i + 2; j < path.length; j++, left--) {
        const [a, b, c, d] = [path[i]!, path[i + 1]!, path[j]!, path[j + 1]];
        const now = far(plane, a, b) + (d === undefined ? 0 : far(plane, c, d));
        const then = far(plane, a, c) + (d === undefined ? 0 : far(plane, b, d));
        if (then >= now - 0.01) continue;
        reverse(path, i + 1, j);
        better = true;
      }
    }
  }
  return begins ? path.slice(1) : path;
}

function reverse(path: number[], from: number, to: number): void {
  for (let a = from, b = to; a < b; a++, b--) [path[a], path[b]] = [path[b]!, path[a]!];
}

/** A stop nobody measured is walked to after the last one of its street that stands before it, else at the end. */
function insertBesideNeighbour<S extends Stop>(route: S[], stop: S, inOrder: readonly S[]): void {
  for (let i = inOrder.indexOf(stop) - 1; i >= 0 && inOrder[i]!.street === stop.street; i--) {
    const at = route.indexOf(inOrder[i]!);
    if (at >= 0) {
      route.splice(at + 1, 0, stop);
      return;
    }
  }
  const later = stop.street ? route.findIndex((other) => other.street === stop.street) : -1;
  route.splice(later >= 0 ? later : route.length, 0, stop);
}
