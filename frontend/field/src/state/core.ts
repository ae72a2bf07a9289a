/** What the pages ask of vault, queue and sync, in their own words. `real.ts` answers it; tests bring an answer of their own. */

import type { Home, Person } from "../people/search";
import type { Duty } from "../today/duty";

export interface Me {
  account: string;
  title: string;
  role: string;
  role_zh: string;
  role_en: string;
  area: string;
  register: boolean;
  may: string[];
}

/** One post that the account may act as. */
export interface Grant {
  token: string;
  role_zh: string;
  role_en: string;
  area: string;
}

export interface Notice {
  id: number;
  at: string;
  zh: string;
  en: string;
  duty: number | null;
  tone: "info" | "alarm";
  /** whether it came after the notices were last looked at */
  fresh: boolean;
}

export interface Words {
  zh: string;
  en: string;
}

export interface Reason extends Words {
  code: string;
}

/** What the pages need to know of a form: its name, what it may begin by itself, why it may be impossible. */
export interface FormCard extends Words {
  code: string;
  alone: boolean;
  /** whether it is a post's whole work: a sampling table, a hand-over, a checkpoint */
  flow: boolean;
  reasons: Reason[];
}

export type ParcelState = "waiting" | "later" | "sending" | "applied" | "repeated" | "noted" | "held" | "refused" | "shadow" | "declined";

export interface ParcelView {
  id: string;
  form: string | null;
  /** what it was about, while the vault is open */
  label: string;
  made_at: string;
  state: ParcelState;
  next_at: string | null;
  code: string;
  zh: string;
  en: string;
  /** with what a human decided: the reason given */
  reason: string;
  /** what the server did not take of a parcel that it took: one sentence for each */
  left_out: Words[];
}

export interface Storage {
  used: number | null;
  free: number | null;
  persisted: boolean;
}

export type Phase = "starting" | "enrol" | "signin" | "post" | "pin" | "locked" | "open" | "wiped";
export type WipeReason = "order" | "tries" | "expired" | "signOut";

/** What changed, so that the pages look again. */
export type Change = "phase" | "queue" | "data" | "sync";

export interface Status {
  phase: Phase;
  wipedBecause: WipeReason | null;
  device: string | null;
  me: Me | null;
  until: string | null;
  grants: Grant[];
  /** server minus phone clock, milliseconds */
  offset: number;
  syncedAt: string | null;
  /** duties and people made room on a full phone for what was done */
  lacking: boolean;
  deskPhone: string | null;
  triesLeft: number;
}

export interface Core {
  status(): Promise<Status>;
  enrol(code: string): Promise<void>;
  signIn(username: string, password: string): Promise<void>;
  choosePost(grant: Grant): Promise<void>;
  setPin(pin: string): Promise<void>;
  /** Whether the PIN was right; `status` says how many tries are left, or that the vault was wiped. */
  unlock(pin: string): Promise<boolean>;
  lock(): Promise<void>;
  signOut(): Promise<void>;
  /** The page that says that the phone was wiped was read. */
  wipeSeen(): Promise<void>;
  sync(): Promise<void>;
  /** Whether a sync is under way, by itself or asked for, and what the last one met. */
  syncState(): { running: boolean; trouble: (Words & { code: string }) | null };
  send(): Promise<void>;
  retry(id: string): Promise<void>;
  parcels(): Promise<ParcelView[]>;
  exportUnsent(): Promise<Blob>;
  duties(): Promise<Duty[]>;
  /** Duties that this phone finished and the server has not yet shown as done. */
  finishedHere(): Promise<number[]>;
  kinds(): Promise<Map<string, Words>>;
  forms(): Promise<FormCard[]>;
  register(): Promise<{ people: Person[]; homes: Home[] }>;
  notices(): Promise<Notice[]>;
  seeNotices(): Promise<void>;
  /** Record at once that a duty could not be done, with a reason of its form; what is returned takes it back while it can. */
  couldNot(duty: Duty, reason: Reason): Promise<(() => Promise<boolean>) | null>;
  drafts(): Promise<{ duty: number | null }[]>;
  storage(): Promise<Storage>;
  onChange(hear: (change: Change) => void): void;
}
