/** The day's duties by block (what burns, overdue, due, not yet open, finished), then street, building, unit and door. */

import { shows, standing, type Duty, type Filter, type Standing } from "./duty";
import { natural } from "./natural";
import { routeOrder, type Point, type Stop } from "./route";

/** Duties of these ranks are about somebody in danger or held too long: they come first, one by one. */
export const URGENT_RANK = 10;

export interface Standed {
  duty: Duty;
  stands: Standing;
}

export interface Building extends Stop {
  number: number;
  units: { unit: string; duties: Standed[] }[];
  count: number;
  overdue: number;
}

export interface Block {
  code: "urgent" | "overdue" | "due" | "later" | "finished";
  count: number;
  /** for the urgent block: the duties by rank; else empty */
  flat: Standed[];
  buildings: Building[];
}

const ORDER: readonly Block["code"][] = ["urgent", "overdue", "due", "later", "finished"];

/** Return the blocks that a filter shows, empty ones left out, buildings numbered through in the order to walk. */
export function blocks(
  duties: readonly Duty[],
  filter: Filter,
  now: number,
  finishedHere: ReadonlySet<number>,
  from: Point | null,
): Block[] {
  const all = duties
    .map((duty) => ({ duty, stands: standing(duty, now, finishedHere) }))
    .filter(({ stands }) => shows(filter, stands));
  const byBlock = new Map<Block["code"], Standed[]>();
  // whoever goes to a door where something is overdue does there what else is due: one stop, not two
  const late = new Set(all.filter((one) => blockOf(one) === "overdue").map((one) => placeOf(one.duty)));
  for (const one of all) {
    const code = blockOf(one);
    push(byBlock, code === "due" && late.has(placeOf(one.duty)) ? "overdue" : code, one);
  }
  let number = 0;
  let here = from;
  const shown: Block[] = [];
  for (const code of ORDER) {
    const members = byBlock.get(code);
    if (!members) continue;
    if (code === "urgent") {
      shown.push({ code, count: members.length, flat: members.sort(byRank), buildings: [] });
      continue;
    }
    const buildings = routed(buildingsOf(members), here);
    for (const building of buildings) building.number = ++number;
    here = lastPoint(buildings) ?? here;
    const count = code === "overdue" ? members.filter(({ stands }) => stands === "overdue").length : members.length;
    shown.push({ code, count, flat: [], buildings });
  }
  return shown;
}

const known = new Map<string, string[]>();
const KNOWN = 12;

/** What was found names doors: a locked phone forgets it. */
export function forgetRoutes(): void {
  known.clear();
}

/** The clock moves every half minute, the doors do not: an order that was found is kept while the same doors are asked for. */
function routed(buildings: Building[], from: Point | null): Building[] {
  const asked = `${from ? `${from.lon} ${from.lat}` : ""}|${buildings.map(({ key, lon, lat }) => `${key} ${lon} ${lat}`).join("|")}`;
  let order = known.get(asked);
  if (!order) {
    order = routeOrder(buildings, from).map(({ key }) => key);
    if (known.size >= KNOWN) known.clear();
    known.set(asked, order);
  }
  const byKey = new Map(buildings.map((building) => [building.key, building] as [string, Building]));
  return order.map((key) => byKey.get(key)!);
}

function lastPoint(buildings: readonly Building[]): Point | null {
  const last = buildings.filter(({ lon }) => lon !== null).pop();
  return last ? { lon: last.lon!, lat: last.lat! } : null;
}

/** Return how many duties each filter would show. */
export function counts(duties: readonly Duty[], now: number, finishedHere: ReadonlySet<number>): Record<Filter, number> {
  const found: Record<Filter, number> = { open: 0, overdue: 0, done: 0 };
  for (const duty of duties) {
    const stands = standing(duty, now, finishedHere);
    for (const filter of ["open", "overdue", "done"] as const) if (shows(filter, stands)) found[filter]++;
  }
  return found;
}

function blockOf({ duty, stands }: Standed): Block["code"] {
  if (stands === "done" || stands === "sent") return "finished";
  if (stands === "overdue") return duty.rank < URGENT_RANK ? "urgent" : "overdue";
  return stands;
}

function byRank(a: Standed, b: Standed): number {
  return a.duty.rank - b.duty.rank || Date.parse(a.duty.due_at) - Date.parse(b.duty.due_at);
}

function byDoor(a: Standed, b: Standed): number {
  return natural(a.duty.room, b.duty.room) || Number(b.stands === "overdue") - Number(a.stands === "overdue") || byRank(a, b);
}

function buildingsOf(members: readonly Standed[]): Building[] {
  const byPlace = new Map<string, Standed[]>();
  for (const one of members) push(byPlace, placeOf(one.duty), one);
  return [...byPlace].map(([key, here]) => {
    const first = here[0]!.duty;
    const measured = here.find(({ duty }) => duty.lon !== null && duty.lat !== null)?.duty;
    const byUnit = new Map<string, Standed[]>();
    for (const one of here) push(byUnit, one.duty.unit, one);
    return {
      key,
      street: first.street,
      building: first.building || first.address,
      lon: measured?.lon ?? null,
      lat: measured?.lat ?? null,
      number: 0,
      count: here.length,
      overdue: here.filter(({ stands }) => stands === "overdue").length,
      units: [...byUnit].sort(([a], [b]) => natural(a, b)).map(([unit, duties]) => ({ unit, duties: duties.sort(byDoor) })),
    };
  });
}

/** What has no building is a stop of its own by its address. */
function placeOf(duty: Duty): string {
  return `${duty.street}|${duty.building || duty.address}`;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const there = map.get(key);
  if (there) there.push(value);
  else map.set(key, [value]);
}
