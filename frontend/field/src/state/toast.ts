/** One short sentence at the foot of the screen, read out by screen readers, gone after some seconds; it may offer to undo. */

import { ref, shallowRef } from "vue";

export const toast = ref("");
export const undo = shallowRef<(() => void) | null>(null);
let timer = 0;

export function say(sentence: string, takeBack: (() => void) | null = null): void {
  toast.value = sentence;
  undo.value = takeBack;
  window.clearTimeout(timer);
  timer = window.setTimeout(hush, takeBack ? 5000 : 4500);
}

export function hush(): void {
  toast.value = "";
  undo.value = null;
}
