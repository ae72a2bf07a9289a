/**
 * Newer versions of the app: fetched in the background, taken over only when nobody is in the middle of something.
 *
 *   await update.register()       once, on opening the app: registers the service worker
 *   update.watch(fn)              told whether a newer version waits
 *   const release = update.hold() while a draft is on the screen; `release()` when it is left
 *   update.apply()                take it over and load anew; while something holds, at the release
 *
 * A version that waits is taken over by itself when the vault is locked and nothing holds: nobody then types a PIN twice.
 */
import { phone } from "./phone.ts";

export class Update {
  private waiting: ServiceWorker | null = null;
  private holds = 0;
  private wanted = false;
  private readonly watchers = new Set<(ready: boolean) => void>();

  async register(): Promise<void> {
    if (!navigator.serviceWorker) return; // before https, and in web views without workers: the app runs, but needs a line to open
    const options = { scope: import.meta.env.BASE_URL, updateViaCache: "none" } as const;
    const registration = await navigator.serviceWorker.register(`${import.meta.env.BASE_URL}sw.js`, options);
    // also on a phone's first day, whose page was opened before any worker looked after it
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (this.wanted) location.reload();
    });
    if (registration.waiting) this.found(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const coming = registration.installing;
      coming?.addEventListener("statechange", () => {
        if (coming.state === "installed" && navigator.serviceWorker.controller) this.found(coming);
      });
    });
    document.addEventListener("visibilitychange", () => void registration.update().catch(() => undefined));
    phone.vault.watch(() => this.applyWhenLocked());
  }

  isReady(): boolean {
    return this.waiting !== null;
  }

  watch(fn: (ready: boolean) => void): () => void {
    this.watchers.add(fn);
    return () => this.watchers.delete(fn);
  }

  hold(): () => void {
    this.holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holds -= 1;
      if (this.wanted) this.apply();
    };
  }

  apply(): void {
    this.wanted = true;
    if (this.waiting && this.holds === 0) this.waiting.postMessage({ type: "SKIP_WAITING" });
  }

  private applyWhenLocked(): void {
    if (this.waiting && !phone.vault.isOpen()) this.apply();
  }

  private found(worker: ServiceWorker): void {
    this.waiting = worker;
    for (const fn of this.watchers) fn(true);
    if (this.wanted) this.apply();
    else this.applyWhenLocked();
  }
}

export const update = new Update();
