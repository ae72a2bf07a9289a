/** Putting the app on the home screen: what the browser offers of it. */

import { ref, shallowRef } from "vue";

interface InstallPrompt extends Event {
  prompt(): Promise<void>;
}

export const offered = shallowRef<InstallPrompt | null>(null);
export const installed = ref(false);

/** Listen for what the browser offers; call it once, early, since it is offered only once. */
export function listen(): void {
  const standalone = (navigator as Navigator & { standalone?: boolean }).standalone;
  installed.value = Boolean(standalone) || window.matchMedia("(display-mode: standalone)").matches;
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offered.value = event as InstallPrompt;
  });
  window.addEventListener("appinstalled", () => (installed.value = true));
}
