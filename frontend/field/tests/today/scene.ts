import type { Duty } from "../../src/today/duty";

export const NOW = Date.parse("2022-07-13T09:00:00+08:00");
const HOUR = 3_600_000;

/** A duty due `hours` from now (negative: overdue) at an address. */
export function duty(id: number, hours: number, place: Partial<Duty> = {}): Duty {
  return {
    id,
    kind: "round_visit",
    subject_kind: "resident",
    subject: `s${id}`,
    resident: `s${id}`,
    name: `人${id}`,
    street: "新竹街",
    building: "1号楼",
    unit: "",
    room: "",
    address: "",
    phone: null,
    opens_at: new Date(NOW - 5 * HOUR).toISOString(),
    due_at: new Date(NOW + hours * HOUR).toISOString(),
    rank: 30,
    rule: "clocks.visit",
    rule_zh: "",
    rule_en: "",
    form: "visit",
    lon: null,
    lat: null,
    state: "outstanding",
    outcome: null,
    finished_at: null,
    last_at: null,
    last_kind: null,
    last_outcome: null,
    ...place,
  };
}
