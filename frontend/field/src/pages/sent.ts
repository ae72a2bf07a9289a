/** The parcels of this phone by what they ask of somebody: to look, to wait, nothing. */

import type { ParcelState, ParcelView } from "../state/core";

export interface Pile {
  code: "refused" | "held" | "waiting" | "done";
  parcels: ParcelView[];
}

const PILES: Record<Pile["code"], readonly ParcelState[]> = {
  refused: ["refused", "declined"],
  held: ["held"],
  waiting: ["sending", "waiting", "later", "shadow"],
  done: ["applied", "repeated", "noted"],
};

function pileOf(parcel: ParcelView): Pile["code"] | undefined {
  if (parcel.left_out.length) return "refused";
  return (["refused", "waiting", "held", "done"] as const).filter((code) => PILES[code].indexOf(parcel.state) >= 0)[0];
}

/** Return the piles that hold anything, what needs somebody first; in each the newest first. */
export function piles(parcels: readonly ParcelView[]): Pile[] {
  return (["refused", "waiting", "held", "done"] as const)
    .map((code) => ({
      code,
      parcels: parcels
        .filter((parcel) => pileOf(parcel) === code)
        .sort(
          (a, b) => PILES[code].indexOf(a.state) - PILES[code].indexOf(b.state) || Date.parse(b.made_at) - Date.parse(a.made_at),
        ),
    }))
    .filter((pile) => pile.parcels.length > 0);
}
