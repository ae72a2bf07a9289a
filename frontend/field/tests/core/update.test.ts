// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";

import { phone } from "../../src/phone.ts";
import { Update } from "../../src/update.ts";

let waiting: { postMessage: ReturnType<typeof vi.fn> };
let open: boolean;
let takenOver: () => void;
beforeEach(() => {
  waiting = { postMessage: vi.fn() };
  open = true;
  vi.spyOn(phone.vault, "isOpen").mockImplementation(() => open);
  const registration = { waiting, addEventListener: () => undefined, update: async () => undefined };
  const container = {
    controller: {},
    addEventListener: (_: string, hear: () => void) => (takenOver = hear),
    register: async () => registration,
  };
  Object.defineProperty(navigator, "serviceWorker", { value: container, configurable: true });
});

async function found(): Promise<Update> {
  const update = new Update();
  await update.register();
  return update;
}

test("a version that waits is offered, and taken over when somebody says so", async () => {
  const update = await found();
  expect(update.isReady()).toBe(true);
  expect(waiting.postMessage).not.toHaveBeenCalled();
  update.apply();
  expect(waiting.postMessage).toHaveBeenCalledWith({ type: "SKIP_WAITING" });
});

test("while a draft is on the screen it waits, also when it was asked for, until the draft is left", async () => {
  const update = await found();
  const [one, other] = [update.hold(), update.hold()];
  update.apply();
  one();
  one();
  expect(waiting.postMessage).not.toHaveBeenCalled();
  other();
  expect(waiting.postMessage).toHaveBeenCalledTimes(1);
});

test("found while the phone is locked it is taken over by itself", async () => {
  open = false;
  await found();
  expect(waiting.postMessage).toHaveBeenCalledTimes(1);
});

test("once taken over the page is loaded anew, also where no worker looked after it when it was opened", async () => {
  Object.assign(navigator.serviceWorker, { controller: null });
  const loaded = vi.spyOn(location, "reload").mockImplementation(() => undefined);
  const update = await found();
  takenOver();
  expect(loaded, "the first worker of a phone").not.toHaveBeenCalled();
  update.apply();
  takenOver();
  expect(loaded).toHaveBeenCalledTimes(1);
});
