/** The app's words: every key in Chinese and in English, typed, so that one that is missing does not compile. */

import { computed } from "vue";
import { prefs } from "../prefs";
import { pagesEn } from "./pages.en";
import { pagesZh } from "./pages.zh";

export const zh = { ...pagesZh };
export type Key = keyof typeof zh;
export const en: Record<Key, string> = { ...pagesEn };

export type Params = Record<string, string | number>;

export const lang = computed(() => prefs.lang);

/** Return a sentence in the reader's language; `{n}` is filled in, and `one|many` chosen by `n`. */
export function t(key: Key, params: Params = {}): string {
  const forms = (prefs.lang === "zh" ? zh : en)[key].split("|");
  const form = forms.length > 1 && Number(params.n) !== 1 ? forms[1]! : forms[0]!;
  return form.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ""));
}

/** Return whichever of two texts that came from the server the reader understands. */
export function inLanguage(zhText: string | null | undefined, enText: string | null | undefined): string {
  return (prefs.lang === "zh" ? zhText || enText : enText || zhText) ?? "";
}

/** A name of the house's (of a duty, a form) as a heading or a button says it: English ones begin with a capital. */
export function nameInLanguage(zhText: string | null | undefined, enText: string | null | undefined): string {
  const name = inLanguage(zhText, enText);
  return name.charAt(0).toUpperCase() + name.slice(1);
}
