/** Duties in words. */

import { nameInLanguage, t, type Key, zh } from "../i18n";
import { clockTime, moment, span } from "../i18n/times";
import { app } from "../state/app";
import type { Duty, Standing } from "./duty";

export interface Tag {
  text: string;
  tone: "alarm" | "warn" | "good" | "";
}

const SOON = 2 * 3_600_000;

/** Return what a duty asks for, as its kind or its form is called. */
export function kindWords(duty: Pick<Duty, "kind" | "form">): string {
  const kind = app.kinds.get(duty.kind) ?? app.forms.find((form) => form.code === duty.form);
  return kind ? nameInLanguage(kind.zh, kind.en) : duty.kind.replace(/_/g, " ");
}

/** Return what a duty is headed by: the person it is about, else what is to be done. */
export function headWords(duty: Duty): string {
  return (duty.resident && duty.name) || kindWords(duty);
}

/** Return what stands under it: what is to be done about the person, else the thing's name. */
export function underWords(duty: Duty): string {
  return duty.resident && duty.name ? kindWords(duty) : nameInLanguage(duty.name_zh || (duty.name ?? ""), duty.name_en || (duty.name ?? ""));
}

/** Return how a duty stands, with a colour that its words repeat. */
export function standingTag(duty: Duty, stands: Standing, now: number): Tag {
  const due = Date.parse(duty.due_at);
  if (stands === "done") return { text: t("duty.done"), tone: "good" };
  if (stands === "sent") return { text: t("duty.sent"), tone: "good" };
  if (stands === "overdue") return { text: t("duty.overdue", { span: span(now - due) }), tone: "alarm" };
  if (stands === "later") return { text: t("duty.from", { time: clockTime(duty.opens_at) }), tone: "" };
  if (due - now < SOON) return { text: t("duty.dueIn", { span: span(due - now) }), tone: "warn" };
  return { text: t("duty.by", { time: moment(duty.due_at, now) }), tone: "" };
}

/** Return what came of a duty. */
export function outcomeWords(outcome: string | null): string {
  const key = `outcome.${outcome ?? ""}`;
  return key in zh ? t(key as Key) : (outcome ?? "").replace(/_/g, " ");
}
