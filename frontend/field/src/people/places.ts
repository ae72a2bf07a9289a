/** Places in words, the same on every page. */

import { t } from "../i18n";

export interface Place {
  street: string;
  building: string;
  unit: string;
  room: string;
  address: string;
}

/** Return where a duty or a home is, outside in. */
export function placeWords(at: Place): string {
  return [at.street, doorWords(at)].filter(Boolean).join(" ");
}

/** Return the door alone, as those say it who stand in the street. */
export function doorWords(at: Place): string {
  const inside = [unitWords(at.unit), roomWords(at.room)];
  // an address names the house where no building does, and now and then the door too
  const house = at.building || at.address;
  const whole = !at.building && house.split(/\D+/).includes(/\d+/.exec(at.room)?.[0] ?? "");
  return (house && whole ? [house] : [house, ...inside]).filter(Boolean).join(" ");
}

/** Say whether two places may be behind one door: the same house, and no other unit or room where both name one. */
export function shareDoor(one: Place, other: Place): boolean {
  const alike = (here: string, there: string) => !here || !there || here === there;
  const house = (at: Place) => [at.street, at.building || at.address].join(" ");
  return house(one) === house(other) && alike(one.unit, other.unit) && alike(one.room, other.room);
}

const BARE = /^\d+$/;

/** Return a unit as somebody says it: a bare number says what it counts. */
export function unitWords(unit: string): string {
  return BARE.test(unit) ? t("place.unit", { n: unit }) : unit;
}

/** Return a room as somebody says it. */
export function roomWords(room: string): string {
  return BARE.test(room) ? t("place.room", { n: room }) : room;
}
