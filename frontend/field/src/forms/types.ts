/** A form as the server describes it; the phone draws it without knowing its kind. */

export interface Words {
  zh: string;
  en: string;
}

export type Scalar = string | number | boolean | null;
export type Value = Scalar | Value[] | { [name: string]: Value };
export type Values = Record<string, Value | undefined>;

export type Cond =
  | { field: string; is: Scalar }
  | { field: string; at_least: number }
  | { field: string; filled: boolean }
  | { any: Cond[] }
  | { all: Cond[] }
  | { not: Cond };

/** JSON in which {"$value": name} and its like are replaced. */
export type Template = unknown;

export type FieldType =
  | "choice"
  | "choices"
  | "number"
  | "temperature"
  | "text"
  | "flag"
  | "scan"
  | "photo"
  | "person"
  | "household"
  | "time"
  | "place"
  | "note";

export interface Option extends Words {
  code: string;
}

export interface Field extends Words {
  name: string;
  type: FieldType;
  hint_zh?: string;
  hint_en?: string;
  required?: boolean;
  options?: Option[];
  min?: number | null;
  max?: number | null;
  step?: number | null;
  unit?: string | null;
  when?: Cond | null;
  default?: Template;
  sensitive?: boolean;
  /** several of a scan or a person */
  many?: boolean;
  /** options out of what is known of the duty or its subject */
  options_from?: Template;
  accept?: string[] | null;
}

export interface After extends Words {
  when: Cond;
  tone: "alarm" | "info";
}

export interface CouldNot {
  reasons: Option[];
  command: string;
  payload: Template;
}

export type Layout = "page" | "steps" | "sampling" | "handover" | "checkpoint";

export interface Form extends Words {
  code: string;
  icon: string;
  duties: string[];
  subject_kinds?: string[];
  alone: boolean;
  command: string;
  permission: string;
  layout: Layout;
  fields: Field[];
  payload: Template;
  could_not: CouldNot | null;
  after: After[];
}

export type Attributes = Record<string, unknown>;

/** Everything that a template may name besides what was filled in. */
export interface Surroundings {
  duty?: Attributes;
  subject?: Attributes;
  me?: Attributes;
  /** when it held, by the corrected clock: ISO 8601 with its zone */
  now: string;
  /** ids of new records, counted from one: each is made at its first use and kept with the draft */
  ids: string[];
}
