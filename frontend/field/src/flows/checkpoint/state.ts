/** Who passes a checkpoint: what is asked, what may never be done, and what is kept. Pure; the server judges the same. */

import type { Words } from "../../forms/types";

export type Outcome = "let_through" | "advised_back" | "handed_over";
export type Purpose =
  | "emergency"
  | "medical"
  | "going_home"
  | "essential_freight"
  | "work"
  | "study"
  | "visit"
  | "transit"
  | "leisure"
  | "other";

/** degrees Celsius from which somebody is taken for feverish */
export const FEVER = 37.3;

export interface Passage {
  checkpoint: string;
  direction: "in" | "out";
  subject: "vehicle" | "person";
  people: number;
  purpose: Purpose;
  temperature: number | null;
  /** plate or ID: kept only when a list is hit or somebody is handed over */
  identifier: string;
  listHit: boolean;
  reason: string;
  destination: string;
}

export function begin(
  checkpoint: string,
  direction: Passage["direction"],
  subject: Passage["subject"] = "vehicle",
): Passage {
  return {
    checkpoint,
    direction,
    subject,
    people: 1,
    purpose: "other",
    temperature: null,
    identifier: "",
    listHit: false,
    reason: "",
    destination: "",
  };
}

const NEVER_BACK: Partial<Record<Purpose, Words>> = {
  emergency: {
    zh: "急事急救，任何卡口都要放行，走应急车道。",
    en: "An emergency passes every checkpoint: by the emergency lane.",
  },
  medical: {
    zh: "病人不能劝返：放行，或交给送医车辆。",
    en: "A patient is never turned back: let through, or hand over to a car to the hospital.",
  },
  going_home: {
    zh: "回家的人不能拦：放行；需要跟进的交给社区。",
    en: "Nobody is kept from going home: let through; hand over to the community if followed up.",
  },
  essential_freight: {
    zh: "保供货车放行，司机按闭环安排。",
    en: "Essential freight passes, the driver by the closed loop.",
  },
};

export function feverish(passage: Passage): boolean {
  return passage.temperature !== null && passage.temperature >= FEVER;
}

/** Return why this outcome may not be chosen, or null. */
export function forbidden(passage: Passage, outcome: Outcome): Words | null {
  if (outcome !== "advised_back") return null;
  const never = NEVER_BACK[passage.purpose];
  if (never) return never;
  if (feverish(passage))
    return {
      zh: `${passage.temperature} °C 是病人，不能劝返：用车送发热门诊。`,
      en: `Somebody with ${passage.temperature} °C is a patient: hand them over to a fever clinic, by car.`,
    };
  return null;
}

/** Return what the crew should do, by what was measured and found; a person decides. */
export function advice(passage: Passage): { outcome: Outcome; words: Words; reason: Words; destination: Words } | null {
  if (passage.purpose === "emergency") return null;
  if (feverish(passage))
    return {
      outcome: "handed_over",
      words: { zh: "发热：请到旁边等车，送发热门诊。", en: "Fever: wait aside for the car to the fever clinic." },
      reason: { zh: `体温 ${passage.temperature} °C`, en: `temperature ${passage.temperature} °C` },
      destination: { zh: "发热门诊", en: "fever clinic" },
    };
  if (passage.listHit)
    return {
      outcome: "handed_over",
      words: {
        zh: "名单命中：请到旁边，交给社区或专班来接。不公开念名字。",
        en: "On a list: ask them aside and hand over to their community. Names are not called out.",
      },
      reason: { zh: "协查名单命中", en: "on a list" },
      destination: { zh: "所在社区", en: "their community" },
    };
  return null;
}

/** Return what is still missing for this outcome, or null. */
export function wanting(passage: Passage, outcome: Outcome): Words | null {
  if (passage.people < 1) return { zh: "至少一人。", en: "At least one person." };
  if (passage.temperature !== null && (passage.temperature < 30 || passage.temperature > 45))
    return {
      zh: `${passage.temperature} °C 不可能，请重新测量。`,
      en: `${passage.temperature} °C cannot be: measure again.`,
    };
  if (outcome === "let_through") return null;
  if (!passage.reason.trim() || !passage.destination.trim())
    return {
      zh: "要告诉对方为什么、去哪里：请选原因和去向。",
      en: "Whoever is stopped is told why and where to: choose reason and destination.",
    };
  return null;
}

/** Return the command; whoever is on no list and handed over to nobody leaves no plate and no ID. */
export function commandOf(
  passage: Passage,
  outcome: Outcome,
  id: string,
  at: string,
): { kind: string; payload: Record<string, unknown> } {
  const stopped = outcome !== "let_through";
  const kept = passage.listHit || outcome === "handed_over";
  const one = {
    id,
    checkpoint: passage.checkpoint,
    at,
    direction: passage.direction,
    purpose: passage.purpose,
    outcome,
    subject: passage.subject,
    people: passage.people,
    list_hit: passage.listHit,
    ...(passage.temperature !== null ? { temperature: passage.temperature } : {}),
    ...(stopped ? { reason: passage.reason.trim(), destination: passage.destination.trim() } : {}),
    ...(kept && passage.identifier ? { identifier: passage.identifier } : {}),
  };
  return { kind: "record_passages", payload: { passages: [one] } };
}

/** How far the question is whether a document's holder is on a list; kept nowhere, and over with the passage. */
export type Look = "asking" | "hit" | "clear" | "not_asked";

/** Return how a look ended; null: there was no line or no answer. */
export function lookOf(answer: { on_list: boolean } | null): Look {
  if (!answer) return "not_asked";
  return answer.on_list ? "hit" : "clear";
}

export const LOOKED: Record<Exclude<Look, "hit">, Words> = {
  asking: { zh: "正在查名单…", en: "Asking about the list…" },
  clear: { zh: "不在名单上。", en: "Not on a list." },
  not_asked: {
    zh: "查不了名单：没有网络、没有回答，或查得太多。有疑问打值班室问；问不到就放行，不能因为查不了名单扣人。",
    en: "The list could not be asked: no line, no answer, or too many questions. In doubt call the duty desk; if nobody answers let them through: nobody is held for that reason alone.",
  },
};

/**
 * Return the passage after an answer about a number; one about somebody else who has gone on changes nothing.
 *
 * Of whoever is on no list no number stays, unless it is wanted for the record of a hand-over.
 */
export function heard(passage: Passage, number: string, look: Look, before: { hit?: string; wanted?: boolean } = {}): Passage {
  if (passage.identifier !== number) return passage;
  if (look === "hit") return { ...passage, listHit: true };
  // several in one car: the number that is kept stays that of whoever is on the list
  if (passage.listHit && before.hit) return { ...passage, identifier: before.hit };
  return look === "clear" && !before.wanted ? { ...passage, identifier: "" } : passage;
}
