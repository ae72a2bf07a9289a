/** A duty as the pages read it: what the sync brought, whatever columns a role does not get left out. */
export interface Duty {
  id: number;
  kind: string;
  subject_kind: string;
  subject: string;
  /** the person it is about, where it is about one */
  resident: string | null;
  name: string | null;
  /** the thing's name with what it is, where the house says it in both languages */
  name_zh?: string;
  name_en?: string;
  street: string;
  building: string;
  unit: string;
  room: string;
  address: string;
  phone: string | null;
  opens_at: string;
  due_at: string;
  rank: number;
  rule: string;
  rule_zh: string;
  rule_en: string;
  form: string | null;
  lon: number | null;
  lat: number | null;
  state: "outstanding" | "done";
  outcome: string | null;
  finished_at: string | null;
  last_at: string | null;
  last_kind: string | null;
  last_outcome: string | null;
}

/** Where a duty stands at an instant; `sent` means that this phone holds its finished parcel, `done` that the server knows. */
export type Standing = "overdue" | "due" | "later" | "sent" | "done";

/** Return where a duty stands at `now` (milliseconds of the corrected clock). */
export function standing(duty: Duty, now: number, finishedHere: ReadonlySet<number>): Standing {
  if (duty.state === "done") return "done";
  if (finishedHere.has(duty.id)) return "sent";
  if (Date.parse(duty.due_at) < now) return "overdue";
  // at 12:00 nobody is told “from 12:00”
  return minute(Date.parse(duty.opens_at)) > minute(now) ? "later" : "due";
}

function minute(ms: number): number {
  return Math.floor(ms / 60_000);
}

export type Filter = "open" | "overdue" | "done";

/** Return whether a filter of the page shows a duty that stands so. */
export function shows(filter: Filter, stands: Standing): boolean {
  if (filter === "overdue") return stands === "overdue";
  const ended = stands === "done" || stands === "sent";
  return filter === "done" ? ended : !ended;
}
