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
const BUDGET = 2_000_000;

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
  const route: S[] = untied(nearest(located, from), from);
  for (const stop of inOrder) if (!isLocated(stop)) insertBesideNeighbour(route, stop, inOrder);
  return route;
}

function isLocated<S extends Stop>(stop: S): stop is Located<S> {
  return stop.lon !== null && stop.lat !== null;
}

function nearest<S extends Point>(stops: readonly S[], from: Point | null): S[] {
  const left = [...stops];
  const route: S[] = [];
  let here: Point = from ?? left[0]!;
  while (left.length) {
    let best = 0;
    for (let i = 1; i < left.length; i++) if (metres(here, left[i]!) < metres(here, left[best]!)) best = i;
    const next = left.splice(best, 1)[0]!;
    route.push(next);
    here = next;
  }
  return route;
}

function untied<S extends Point>(route: S[], from: Point | null): S[] {
  const path: Point[] = from ? [from, ...route] : [...route];
  const gap = (i: number, j: number) => (j < path.length ? metres(path[i]!, path[j]!) : 0);
  let left = BUDGET;
  for (let better = true; better && left > 0;) {
    better = false;
    for (let i = 0; i < path.length - 2 && left > 0; i++) {
      for (let j = i + 2; j < path.length; j++, left--) {
        const now = gap(i, i + 1) + gap(j, j + 1);
        const then = gap(i, j) + gap(i + 1, j + 1);
        if (then < now - 0.01) {
          reverse(path, i + 1, j);
          better = true;
        }
      }
    }
  }
  return (from ? path.slice(1) : path) as S[];
}

function reverse(path: Point[], from: number, to: number): void {
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
