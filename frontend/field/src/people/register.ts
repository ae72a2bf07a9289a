/** The register in memory while the vault is open: read once, searched often, forgotten at the lock. */

import { shallowRef, watch } from "vue";

import { app, ask } from "../state/app";
import { indexed, type Entry } from "./search";

export const register = shallowRef<Entry[] | null>(null);
let readAt: string | null = null;

/** Read the register unless what is here is what was synced last. */
export async function openRegister(): Promise<void> {
  if (register.value && readAt === app.syncedAt) return;
  const at = app.syncedAt;
  const { people, homes } = await ask().register();
  register.value = indexed(people, homes);
  readAt = at;
}

watch(
  () => app.phase,
  (phase) => {
    if (phase !== "open") register.value = null;
  },
);
