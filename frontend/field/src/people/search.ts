/** Finding somebody among a community's people by name, pinyin, door or the end of a phone number; nothing leaves the phone. */

import { natural } from "../today/natural";

export interface Person {
  id: string;
  /** the household's number */
  household: number | null;
  name: string;
  /** toneless syllables with blanks between, surname first */
  pinyin: string;
  sex: string;
  birth_year: number | null;
  phone: string | null;
  relation: string;
}

export interface Home {
  id: string;
  number: number;
  street: string;
  building: string;
  unit: string;
  room: string;
  address: string;
}

export interface Entry {
  person: Person;
  home: Home | null;
  joined: string;
  given: string;
  initials: string;
  place: string;
  parts: string[];
}

/** Return the people in the order of their doors, with what a search compares. */
export function indexed(people: readonly Person[], homes: readonly Home[]): Entry[] {
  const byNumber = new Map(homes.map((home) => [home.number, home] as [number, Home]));
  const order = new Map([...homes].sort(byDoor).map((home, i) => [home.id, i]));
  const place = (entry: Entry) => (entry.home ? order.get(entry.home.id)! : homes.length);
  return people
    .map((person) => entryOf(person, byNumber.get(person.household ?? -1) ?? null))
    .sort((a, b) => place(a) - place(b) || headFirst(a, b));
}

function byDoor(a: Home, b: Home): number {
  return (
    natural(a.street, b.street) ||
    natural(a.building || a.address, b.building || b.address) ||
    natural(a.unit, b.unit) ||
    natural(a.room, b.room) ||
    a.number - b.number
  );
}

function headFirst(a: Entry, b: Entry): number {
  return Number(b.person.relation === "head") - Number(a.person.relation === "head");
}

function entryOf(person: Person, home: Home | null): Entry {
  const syllables = person.pinyin.split(" ").filter(Boolean);
  const parts = home ? [home.building, home.unit, home.room].map(digits).filter(Boolean) : [];
  return {
    person,
    home,
    joined: syllables.join(""),
    given: syllables.slice(1).join(""),
    initials: syllables.map((s) => s[0]).join(""),
    place: home ? `${home.street}${home.building}${home.unit}${home.room}${home.address}` : "",
    parts: parts.length ? parts : home ? (home.address.match(/\d+/g) ?? []) : [],
  };
}

function digits(text: string): string {
  return /\d+/.exec(text)?.[0] ?? "";
}

/** Return those whom every word of the question fits: 王, wang hm, whm, 3-2-301, 301, 8817. */
export function found(entries: readonly Entry[], question: string): Entry[] {
  const words = question.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [...entries];
  if (words.every((word) => /^[a-z']+$/.test(word))) {
    const whole = words.join("").replace(/'/g, "");
    return entries.filter((entry) => readsAs(entry, whole) || words.every((word) => readsAs(entry, word)));
  }
  return entries.filter((entry) => words.every((word) => fits(entry, word)));
}

function fits(entry: Entry, word: string): boolean {
  if (/^\d+([-–]\d+)+$/.test(word)) return endsWith(entry.parts, word.split(/[-–]/)) || entry.place.includes(word);
  if (/^\d+$/.test(word)) return isDoor(entry, word) || (word.length >= 3 && Boolean(entry.person.phone?.endsWith(word)));
  if (/^[a-z']+$/.test(word)) return readsAs(entry, word.replace(/'/g, ""));
  return entry.person.name.includes(word) || entry.place.includes(word);
}

function isDoor(entry: Entry, word: string): boolean {
  return (
    (entry.parts[entry.parts.length - 1] ?? "").startsWith(word) || (entry.home !== null && String(entry.home.number) === word)
  );
}

/** 3-301 is building 3, room 301, whatever the unit; 3-2-301 names all three. */
function endsWith(parts: readonly string[], asked: readonly string[]): boolean {
  if (parts.length < asked.length) return false;
  const [building, ...rest] = asked;
  const tail = parts.slice(-rest.length);
  return parts[0] === building && rest.every((part, i) => part === tail[i]);
}

function readsAs(entry: Entry, word: string): boolean {
  return entry.joined.startsWith(word) || entry.given.startsWith(word) || entry.initials.startsWith(word);
}
