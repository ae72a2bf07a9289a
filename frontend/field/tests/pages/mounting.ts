import { mount, type VueWrapper } from "@vue/test-utils";
import { vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";

import App from "../../src/App.vue";
import { prefs } from "../../src/prefs";
import { guardWith, routes } from "../../src/router";
import { begin } from "../../src/state/app";
import type { FakeCore } from "../fake/core";

/** The whole app at a path, before a core in memory. */
export async function open(core: FakeCore, path = "/"): Promise<VueWrapper> {
  Object.assign(prefs, { lang: "zh", large: false, contrast: false, read: [] });
  window.scrollTo = () => undefined;
  await begin(core);
  const router = createRouter({ history: createMemoryHistory(), routes });
  guardWith(router);
  await router.push(path);
  const app = mount(App, { global: { plugins: [router] }, attachTo: document.body });
  await settled(app);
  return app;
}

/** Let every page load and every answer arrive. */
export async function settled(app: VueWrapper): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await vi.dynamicImportSettled();
    await new Promise((done) => setTimeout(done, 5));
    await app.vm.$nextTick();
  }
}

/** What bears a data-test, also in sheets that stand outside of the app's own element. */
export function the(name: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-test="${name}"]`);
  if (!found) throw new Error(`nothing here is called ${name}: ${document.body.textContent}`);
  return found;
}

export function isThere(name: string): boolean {
  return document.querySelector(`[data-test="${name}"]`) !== null;
}

export async function tap(app: VueWrapper, name: string): Promise<void> {
  the(name).click();
  await settled(app);
}

export async function fill(app: VueWrapper, name: string, text: string): Promise<void> {
  const input = the(name) as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event("input"));
  await settled(app);
}
