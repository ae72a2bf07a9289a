/** Which page a phone in some phase may show: what is locked shows only the lock. */

import type { Phase } from "./state/core";

/** The one page of every phase before the work. */
export const ENTRY: Partial<Record<Phase, string>> = {
  starting: "starting",
  enrol: "enrol",
  signin: "signin",
  post: "post",
  pin: "pin",
  locked: "locked",
  wiped: "wiped",
};

const ENTRIES = Object.keys(ENTRY).map((phase) => ENTRY[phase as Phase]!);

/** Return the page to show in place of the one asked for, or none when it may be shown. */
export function guard(phase: Phase, asked: unknown, register: boolean): { name: string } | null {
  const only = ENTRY[phase];
  if (only) {
    return asked === only ? null : { name: only };
  }
  const isOfficers = asked === "register" || asked === "person";
  return ENTRIES.indexOf(String(asked)) >= 0 || (isOfficers && !register) ? { name: "today" } : null;
}
