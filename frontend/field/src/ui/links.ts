/** What a tap hands to the phone: its dialler, its map. */

import type { Point } from "../today/route";

/** Return the address that dials a number. */
export function dialling(phone: string): string {
  return `tel:${phone.replace(/[^\d+*#]/g, "")}`;
}

/**
 * Return the address that opens the phone's own map at a point, or searching for a place where it was never measured.
 *
 * Only the place goes to the map, never who lives there.
 */
export function navigating(point: Point | null, place: string, agent = navigator.userAgent): string {
  const words = encodeURIComponent(place);
  if (/iPhone|iPad|iPod/.test(agent)) return point ? `maps://?ll=${point.lat},${point.lon}&q=${words}` : `maps://?q=${words}`;
  return point ? `geo:${point.lat},${point.lon}?q=${point.lat},${point.lon}(${words})` : `geo:0,0?q=${words}`;
}
