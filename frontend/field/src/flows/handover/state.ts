/** Tubes on their way: into a box, from hand to hand, into the laboratory; counts on both sides. Pure. */

import type { Words } from "../../forms/types";

/** `take_over` and `hand_over` are one step seen from either side: who holds the phone takes, or gives */
export type Task = "pack" | "take_over" | "hand_over" | "receive" | "found";
export type Holder = "site" | "courier" | "lab";

/** What is in hand: boxes and tubes by printed code, and how many pieces each side counted. */
export interface Handover {
  task: Task;
  box: string;
  boxes: string[];
  codes: string[];
  /** tubes that were scanned one by one on the taker's side, where anybody did */
  scanned: string[] | null;
  given: number | null;
  counted: number | null;
  giver: string;
  taker: string;
  giverKind: Holder;
  takerKind: Holder;
  lab: string | null;
  outcome: "found" | "lost";
  place: string;
  reason: string;
}

export function begin(task: Task, me: string, role: string): Handover {
  const mine: Holder = role === "courier" ? "courier" : role === "lab" ? "lab" : "site";
  const takes = task === "take_over";
  const before: Holder = mine === "lab" ? "courier" : "site";
  const after: Holder = mine === "courier" ? "lab" : "courier";
  return {
    task,
    box: "",
    boxes: [],
    codes: [],
    scanned: null,
    given: null,
    counted: null,
    giver: task === "hand_over" ? me : "",
    taker: takes ? me : "",
    giverKind: takes ? before : task === "receive" ? "courier" : mine,
    takerKind: takes ? mine : after,
    lab: null,
    outcome: "found",
    place: "",
    reason: "",
  };
}

export interface Scan {
  handover: Handover;
  tone: "good" | "warn";
  words: Words;
}

/** Take a scanned code: the first one of a packing is the box, everything after it tubes; elsewhere known boxes are boxes. */
export function take(handover: Handover, code: string, isBox: (code: string) => boolean): Scan {
  const { task } = handover;
  if (handover.scanned) return each(handover, handover.scanned, code);
  if (task === "pack" && !handover.box)
    return good({ ...handover, box: code }, `箱 ${code}。请逐支扫管。`, `Box ${code}: now scan its tubes.`);
  if (code === handover.box || handover.boxes.includes(code) || handover.codes.includes(code))
    return { handover, tone: "warn", words: { zh: `${code} 已扫过。`, en: `${code} was scanned before.` } };
  if (task !== "pack" && task !== "found" && isBox(code))
    return good(
      { ...handover, boxes: [...handover.boxes, code] },
      `箱 ${code} 已加入。`,
      `Box ${code} is on the list.`,
    );
  const codes = [...handover.codes, code];
  return good({ ...handover, codes }, `管 ${code}，共 ${codes.length} 支。`, `Tube ${code}, ${codes.length} so far.`);
}

/** Tube after tube, so that the records can name the one that lacks: the count is what was scanned. */
export function scanEach(handover: Handover): Handover {
  return { ...handover, scanned: [], counted: 0 };
}

function each(handover: Handover, before: string[], code: string): Scan {
  if (before.includes(code) || code === handover.box || handover.boxes.includes(code))
    return { handover, tone: "warn", words: { zh: `${code} 已扫过。`, en: `${code} was scanned before.` } };
  const scanned = [...before, code];
  return good(
    { ...handover, scanned, counted: scanned.length },
    `管 ${code}，已点 ${scanned.length} 支。`,
    `Tube ${code}, ${scanned.length} counted.`,
  );
}

function good(handover: Handover, zh: string, en: string): Scan {
  return { handover, tone: "good", words: { zh, en } };
}

/** Turn a code between box and tube, when the phone could not know. */
export function turn(handover: Handover, code: string): Handover {
  return handover.boxes.includes(code)
    ? { ...handover, boxes: handover.boxes.filter((one) => one !== code), codes: [...handover.codes, code] }
    : { ...handover, boxes: [...handover.boxes, code], codes: handover.codes.filter((one) => one !== code) };
}

export function drop(handover: Handover, code: string): Handover {
  const without = (codes: string[]): string[] => codes.filter((one) => one !== code);
  return {
    ...handover,
    box: handover.box === code ? "" : handover.box,
    boxes: without(handover.boxes),
    codes: without(handover.codes),
  };
}

/** How many tubes the list says: loose ones and those in boxes whose load the phone knows; null when one is unknown. */
export function listed(handover: Handover, loads: Record<string, number>): number | null {
  if (handover.boxes.some((box) => loads[box] === undefined)) return null;
  return handover.codes.length + handover.boxes.reduce((total, box) => total + (loads[box] as number), 0);
}

/** What a count says beside the list or the giver's count, or null when they agree or nothing is to be compared. */
export function difference(handover: Handover, loads: Record<string, number>): Words | null {
  const counted = handover.counted;
  const expected = handover.task === "pack" ? handover.codes.length : (listed(handover, loads) ?? handover.given);
  if (counted === null || expected === null || counted === expected) return null;
  const by = Math.abs(counted - expected);
  return counted < expected
    ? {
        zh: `少 ${by} 支：单上 ${expected}，手上 ${counted}。再数一遍；仍不符就照实交，差异会有人去查。`,
        en: `${by} missing: ${expected} on the list, ${counted} in hand. Count again; if it stays so, hand over as it is: somebody looks for them.`,
      }
    : {
        zh: `多 ${by} 支：单上 ${expected}，手上 ${counted}。再数一遍；仍不符就照实交，差异会有人去查。`,
        en: `${by} too many: ${expected} on the list, ${counted} in hand. Count again; if it stays so, hand over as it is: somebody looks into it.`,
      };
}

/** Return what is still missing before it can be finished, or null. */
export function wanting(handover: Handover): Words | null {
  const { task } = handover;
  if (task === "pack" && !handover.box) return { zh: "请先扫箱码。", en: "Scan the box first." };
  if (task === "pack" && handover.codes.length === 0) return { zh: "请扫箱里的管。", en: "Scan the tubes in the box." };
  if (task === "found") return foundWanting(handover);
  if (task !== "pack" && handover.codes.length + handover.boxes.length === 0)
    return { zh: "请扫要交接的箱或管。", en: "Scan the boxes or tubes that change hands." };
  if (task !== "pack" && handover.counted === null)
    return { zh: "请接收方清点支数。", en: "Let the taker count the tubes." };
  if (!handover.giver.trim() && task !== "pack") return { zh: "请填交出方。", en: "Say who hands over." };
  if (task !== "pack" && task !== "receive" && !handover.taker.trim()) return { zh: "请填接收方。", en: "Say who takes them." };
  if (task === "receive" && !handover.lab) return { zh: "请选实验室。", en: "Choose the laboratory." };
  return null;
}

function foundWanting(handover: Handover): Words | null {
  if (handover.codes.length === 0) return { zh: "请扫或输入管码。", en: "Scan or type the tubes." };
  if (handover.outcome === "found" && !handover.place.trim())
    return { zh: "请写在哪里找到。", en: "Say where they were found." };
  if (handover.outcome === "lost" && !handover.reason.trim())
    return { zh: "请写怎么破损或丢失的。", en: "Say how they were broken or lost." };
  return null;
}

/** Return the command that a finished list becomes. */
export function commandOf(handover: Handover): { kind: string; payload: Record<string, unknown> } {
  const { task, boxes, codes, counted, given, giver, scanned } = handover;
  if (task === "pack")
    return { kind: "pack_box", payload: { code: handover.box, codes, ...(counted !== null ? { counted } : {}) } };
  if (task === "found")
    return {
      kind: "record_tube_found",
      payload: { outcome: handover.outcome, codes, place: handover.place.trim(), reason: handover.reason.trim() },
    };
  const moved = {
    boxes,
    codes,
    giver: giver.trim(),
    giver_kind: handover.giverKind,
    tubes_counted: counted,
    ...(given !== null ? { tubes_given: given } : {}),
    ...(scanned ? { scanned } : {}),
  };
  return task === "receive"
    ? { kind: "receive_tubes", payload: { ...moved, lab: handover.lab } }
    : { kind: "hand_over_tubes", payload: { ...moved, taker: handover.taker.trim(), taker_kind: handover.takerKind } };
}
