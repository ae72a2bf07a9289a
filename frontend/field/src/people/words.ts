/** People and homes in words. */

import { t } from "../i18n";
import { placeWords } from "./places";
import type { Entry, Home } from "./search";

export function homeWords(home: Home | null): string {
  return home ? placeWords(home) : t("register.noHome");
}

/** Return the building that a home stands in, as the register groups it. */
export function buildingWords(home: Home | null): string {
  return home
    ? [home.street, home.building || (/^.*?(组|村|巷|路|街)/.exec(home.address)?.[0] ?? home.address)].filter(Boolean).join(" ")
    : t("register.noHome");
}

export function personWords({ person }: Entry, year: number): string {
  const sex = person.sex === "male" || person.sex === "female" ? t(`sex.${person.sex}` as const) : "";
  const age = person.birth_year ? t("register.age", { n: year - person.birth_year }) : "";
  return [sex, age].filter(Boolean).join(" · ");
}
