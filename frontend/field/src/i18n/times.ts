/** Instants and spans in words, in the county's time (Asia/Shanghai, eight hours ahead all year) whatever the phone is set to. */

import { lang, t } from "./index";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const AHEAD = 8 * HOUR;

function local(ms: number): Date {
  return new Date(ms + AHEAD);
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** Return 18:05. */
export function clockTime(iso: string): string {
  const at = local(Date.parse(iso));
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** Return "18:05" of today, "明天 18:05", or "7月13日 18:05", as seen at `now`. */
export function moment(iso: string, now: number): string {
  const ms = Date.parse(iso);
  const days = Math.floor((ms + AHEAD) / DAY) - Math.floor((now + AHEAD) / DAY);
  const time = clockTime(iso);
  if (days === 0) return t("time.today", { time });
  if (days === 1) return t("time.tomorrow", { time });
  if (days === -1) return t("time.yesterday", { time });
  return `${day(ms)} ${time}`;
}

function day(ms: number): string {
  const at = local(ms);
  if (lang.value === "zh") return `${at.getUTCMonth() + 1}月${at.getUTCDate()}日`;
  return `${at.getUTCDate()} ${["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][at.getUTCMonth()]}`;
}

/** Return how long a span is, in its largest unit. */
export function span(ms: number): string {
  const long = Math.abs(ms);
  if (long < HOUR) return t("span.minutes", { n: Math.max(1, Math.round(long / MINUTE)) });
  if (long < 2 * DAY) return t("span.hours", { n: Math.floor(long / HOUR) });
  return t("span.days", { n: Math.floor(long / DAY) });
}
