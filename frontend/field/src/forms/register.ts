/** The people this phone may know: found by name or door, by the tag of their printed card, by household. */

import { found as searched, indexed, type Entry, type Home, type Person } from "../people/search";
import { doorWords } from "../people/places";
import { rowsOf } from "./house";

export interface Register {
  entries: Entry[];
  byId: Map<string, Entry>;
  byTag: Map<string, Entry>;
  /** by the home's id */
  byHousehold: Map<string, Entry[]>;
}

/** The register of a community, as its officers carry it; empty where the role gets none. */
export async function openRegister(): Promise<Register> {
  const [people, homes] = await Promise.all([rowsOf<Person>("people:"), rowsOf<Home>("homes:")]);
  return registerOf(people, homes, new Map());
}

interface Missing {
  round: string;
  resident: string;
  name: string;
  sex: string;
  birth_year: number;
  household_number: number | null;
  building: string | null;
  unit: string | null;
  room: string | null;
  address: string | null;
  code_tag: string | null;
}

/** Whoever is still missing in a round, as a sampling table carries them. */
export async function openRoster(round: string): Promise<Register> {
  const rows = (await rowsOf<Missing>("missing:")).filter((row) => row.round === round);
  const homes = new Map<number, Home>();
  const tags = new Map<string, string>();
  const people = rows.map((row): Person => {
    const { household_number: number, building, unit, room, address } = row;
    if (number !== null && !homes.has(number))
      homes.set(number, {
        id: String(number),
        number,
        street: "",
        building: building ?? "",
        unit: unit ?? "",
        room: room ?? "",
        address: address ?? "",
      });
    if (row.code_tag) tags.set(row.resident, row.code_tag);
    return {
      id: row.resident,
      household: number,
      name: row.name,
      pinyin: "",
      sex: row.sex,
      birth_year: row.birth_year,
      phone: null,
      relation: "",
    };
  });
  return registerOf(people, [...homes.values()], tags);
}

function registerOf(people: Person[], homes: Home[], tags: Map<string, string>): Register {
  const register: Register = {
    entries: indexed(people, homes),
    byId: new Map(),
    byTag: new Map(),
    byHousehold: new Map(),
  };
  for (const entry of register.entries) {
    const { id } = entry.person;
    const household = entry.home?.id;
    register.byId.set(id, entry);
    const tag = tags.get(id);
    if (tag) register.byTag.set(tag, entry);
    if (!household) continue;
    const door = register.byHousehold.get(household) ?? [];
    door.push(entry);
    register.byHousehold.set(household, door);
  }
  return register;
}

export function search(register: Register, question: string): Entry[] {
  return question.trim() ? searched(register.entries, question) : [];
}

/** Return under which a printed card stands: its 120 random bits make the tag safe to carry. */
export async function codeTag(code: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(`lianfang code 1${code.toUpperCase()}`),
  );
  return Array.from(new Uint8Array(digest).slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the door of a home in words. */
export function doorOf(home: Home | null): string {
  return home ? doorWords(home) : "";
}
