/** What somebody set for themselves on this phone; nothing here says anything about a person or a duty. */

import { reactive, watch } from "vue";

export interface Prefs {
  lang: "zh" | "en";
  large: boolean;
  contrast: boolean;
  map: boolean;
  /** pages whose first-use hint was read */
  read: string[];
}

const KEY = "lianfang.prefs";
const FIRST: Prefs = { lang: "zh", large: false, contrast: false, map: true, read: [] };

export const prefs: Prefs = reactive({ ...FIRST, ...kept() });

watch(prefs, (now) => {
  try {
    localStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // a full or forbidden store loses a wish, never work
  }
});

function kept(): Partial<Prefs> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>;
  } catch {
    return {};
  }
}
