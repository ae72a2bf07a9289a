/**
 * The service worker: the app opens without a line, and finished work leaves the phone even when the app is closed.
 *
 * - Every file of the app is kept when a version is installed (except what is used rarely, see build/worker.ts, which is kept
 *   when first used). Nothing of `/api/` is ever kept: what is readable lies in the vault and nowhere else.
 * - A new version waits until a page tells it to take over (`update.ts`).
 * - Where the browser has background sync, it sends what is in the line when the network is back.
 */
/// <reference lib="webworker" />
import "./older.ts";

import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";

import { Client } from "./api/client.ts";
import { Clock } from "./queue/clock.ts";
import { Queue } from "./queue/queue.ts";
import { Sender } from "./queue/send.ts";
import { Store } from "./vault/store.ts";
import { Vault } from "./vault/vault.ts";

declare const self: ServiceWorkerGlobalScope & { __PRECACHE: { url: string; revision: string | null }[] };
interface SyncEvent extends ExtendableEvent {
  tag: string;
}

const LATER = "lianfang-used-once";
const BASE = "/field/";

precacheAndRoute(self.__PRECACHE);
cleanupOutdatedCaches();
// a page of the app, whichever: never the files beside it, and nothing above /field/
registerRoute(new NavigationRoute(createHandlerBoundToURL(`${BASE}index.html`), { denylist: [/\.\w+$/] }));
registerRoute(({ url }) => url.origin === self.location.origin && url.pathname.startsWith(`${BASE}assets/`), keepOnce);

self.addEventListener("message", (event) => {
  if ((event.data as { type?: string } | null)?.type === "SKIP_WAITING") void self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("sync" as "message", (event) => {
  const { tag } = event as unknown as SyncEvent;
  if (tag === "parcels") event.waitUntil(sendAll());
});

/** Files whose names carry a hash and that are not kept from the start: from the cache, else fetched and kept. */
async function keepOnce({ request }: { request: Request }): Promise<Response> {
  const cache = await caches.open(LATER);
  const kept = await cache.match(request);
  if (kept) return kept;
  const found = await fetch(request);
  if (found.ok) await cache.put(request, found.clone());
  return found;
}

/** Send; failing tells the browser to try again when the line is better. */
async function sendAll(): Promise<void> {
  const store = new Store();
  try {
    const clock = new Clock(store);
    await clock.load();
    // nobody opens the vault in here: parcels need neither it nor whoever is signed in
    const queue = new Queue(store, new Vault(store), clock);
    const how = await new Sender(store, new Client(clock), queue, null).send();
    if (how === "waits") throw new Error("something waits");
  } finally {
    store.close();
  }
}
