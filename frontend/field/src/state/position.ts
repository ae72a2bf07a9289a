/** Where the phone is, for the route and the map alone: kept in memory, never sent. */

import { ref, shallowRef } from "vue";

import type { Point } from "../today/route";

export const position = shallowRef<Point | null>(null);
export const positionState = ref<"unknown" | "asking" | "known" | "denied">("unknown");

/** Find the position; only a tap (`asked`) lets the phone put its question, else it is used where it was allowed before. */
export async function locate(asked: boolean): Promise<void> {
  if (!navigator.geolocation || (!asked && !(await isAllowed()))) return;
  positionState.value = "asking";
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      position.value = { lon: coords.longitude, lat: coords.latitude };
      positionState.value = "known";
    },
    () => (positionState.value = "denied"),
    { maximumAge: 120_000, timeout: 15_000 },
  );
}

async function isAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "geolocation" })).state === "granted";
  } catch {
    return false;
  }
}
