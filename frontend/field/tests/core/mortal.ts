/** Death of a phone: after so many transactions of its database, everything it does fails, until it is brought back. */
import { IDBDatabase } from "fake-indexeddb";

type Begin = typeof IDBDatabase.prototype.transaction;
const begin: Begin = IDBDatabase.prototype.transaction;

export const mortal = {
  left: Infinity,
  begun: 0,
  /** the database has no room: writing fails, reading goes on */
  full: false,
  dead(): boolean {
    return this.left <= 0;
  },
  revive(left = Infinity): void {
    this.left = left;
    this.begun = 0;
    this.full = false;
  },
};

IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given: Parameters<Begin>) {
  if (mortal.dead()) throw new Error("the phone is dead");
  mortal.left -= 1;
  mortal.begun += 1;
  return begin.apply(this, given);
} as Begin;
