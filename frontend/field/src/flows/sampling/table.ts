/** The table on the phone: the draft that is kept, the parcel of each tube, who was scanned. */

import { computed, onBeforeUnmount, reactive, ref, shallowRef } from "vue";

import type { FormDraft } from "../../forms/house";
import { askTable, dropDraft, finish, keepDraft, loadDraft, newDraft, now, plain, rowsOf, takeBack } from "../../forms/house";
import { codeTag, doorOf, openRoster, type Register } from "../../forms/register";
import type { Form, Words } from "../../forms/types";
import { newId } from "../../ids.ts";
import type { Entry } from "../../people/search";
import { classify } from "../../scan/classify";
import { sayBad, sayGood } from "../../scan/feedback";
import * as rules from "./state";
import type { KnownTube, Person, Said, Setting, Step, Table, Visitor } from "./state";

export interface TableDraft extends FormDraft {
  table: Table | null;
  /** the command of the tube that was opened last */
  shadowed: boolean;
}

interface TubeRow {
  id: string;
  code: string;
  filled: number;
  sealed_at: string | null;
}

export function useTable(form: Form, duty: number | null) {
  const draft = ref<TableDraft>({ ...newDraft(form.code, duty), table: null, shadowed: false });
  const table = computed(() => draft.value.table);
  const roster = shallowRef<Register | null>(null);
  const said = ref<Said | null>(null);
  const ready = ref(false);
  const pending = ref<string | null>(null);
  const reopening = ref<TableDraft | null>(null);
  let tubes = new Map<string, KnownTube>();
  // one step after the other: a scanner is faster than a phone writes
  let line: Promise<unknown> = Promise.resolve();

  function inTurn(work: () => Promise<void>): Promise<void> {
    const next = line.then(work).catch((error: Partial<Words>) => {
      const { zh, en } = error;
      if (!zh || !en) throw error;
      // such as a full phone: what was not kept is not shown as done
      sayBad();
      said.value = { tone: "bad", words: { zh, en } };
    });
    line = next.catch(() => undefined);
    return next;
  }

  async function begin(): Promise<void> {
    const there = await loadDraft<TableDraft>(form.code, duty);
    if (there) draft.value = there;
    await look();
    ready.value = true;
  }

  async function look(): Promise<void> {
    const rows = await rowsOf<TubeRow>("tubes");
    tubes = new Map(
      rows.map((row) => [row.code, { id: row.id, code: row.code, filled: row.filled, sealed: Boolean(row.sealed_at) }]),
    );
    roster.value = table.value ? await openRoster(table.value.setting.round) : null;
  }

  function start(setting: Setting): Promise<void> {
    return inTurn(async () => {
      draft.value.table = rules.openTable(setting);
      await keep();
      await look();
    });
  }

  /**
   * Keep the table as it is to be, then show it: what the screen and the tone say is on the disk already. Whoever is in the
   * open tube is kept as a parcel too, in case that the phone is wiped.
   */
  async function keep(next: TableDraft = draft.value): Promise<void> {
    const tube = next.table?.tube;
    const inside = Boolean(tube?.samples.length);
    if (next.shadowed && !inside) await dropDraft(next);
    const kept = { ...next, shadowed: inside };
    await keepDraft(plain(kept), tube && inside ? commandOf(next.table as Table, tube) : undefined);
    draft.value = kept;
  }

  async function take(step: Step): Promise<void> {
    if (step.changed) await keep({ ...draft.value, table: step.table });
    said.value = step.said;
    if (step.said.tone === "good") sayGood();
    else sayBad();
  }

  /** Whatever a scanner or a hand gives: a tube, a card, an ID. */
  function scanned(text: string): Promise<void> {
    return inTurn(async () => {
      const reading = classify(text, ["resident_code", "id_card", "tube"]);
      if ("fault" in reading) return refuse(reading.fault.zh, reading.fault.en);
      const { kind, text: code } = reading.found;
      if (kind === "tube") return openTube(code);
      const person = kind === "resident_code" ? await byCard(code) : byNumber(code);
      await put(person, kind === "resident_code" ? { code } : { document: code });
    });
  }

  async function refuse(zh: string, en: string): Promise<void> {
    sayBad();
    said.value = { tone: "bad", words: { zh, en } };
  }

  async function openTube(code: string): Promise<void> {
    const before = table.value as Table;
    const step = rules.openTube(before, code, newId(), now(), tubes.get(code));
    pending.value = step.said.way === "close_and_open" ? code : null;
    if (!step.changed) return take(step);
    if (before.tube && rules.filled(before.tube) > 0) await send(before);
    draft.value.envelope = newId();
    await take(step);
  }

  /** Close the tube that has room left and go on with the one that was scanned. */
  function closeAndOpen(): Promise<void> {
    return inTurn(async () => {
      const code = pending.value;
      pending.value = null;
      if (!code || !table.value?.tube) return;
      await close();
      await openTube(code);
    });
  }

  async function close(): Promise<void> {
    const before = table.value as Table;
    const step = rules.closeTube(before, now());
    if (step.closed) await send(before);
    await take(step);
  }

  /** Hand the tube on as one parcel; it may be taken back for a few seconds. */
  async function send(before: Table): Promise<void> {
    const whole = plain(draft.value);
    const sealed = rules.closeTube(before, now()).closed;
    if (!sealed) return;
    await finish({ ...whole, label: `${sealed.code} · ${rules.filled(sealed)}` }, commandOf(before, sealed));
    draft.value.shadowed = false;
    reopening.value = whole;
  }

  /** The tube was closed by mistake: go on with it, unless it is on its way. */
  function reopen(): Promise<void> {
    return inTurn(async () => {
      const before = reopening.value;
      reopening.value = null;
      if (!before || table.value?.tube) return;
      const again = await takeBack(before);
      if (!again) return refuse("这支管已经报出，请用新管。", "This tube has been sent: take a new one.");
      draft.value = { ...again, shadowed: false };
      await keep();
      said.value = { tone: "warn", words: { zh: "已重新打开，接着扫人。", en: "It is open again: go on." } };
    });
  }

  async function byCard(code: string): Promise<Person> {
    const entry = roster.value?.byTag.get(await codeTag(code));
    return entry ? personOf(entry) : { code, label: `…${code.slice(-4)}` };
  }

  function byNumber(number: string): Person {
    const visitor: Visitor = { id: newId(), name: "", document: "resident_id", number };
    return { visitor, label: `…${number.slice(-4)}` };
  }

  function personOf(entry: Entry): Person {
    return { resident: entry.person.id, label: entry.person.name, household: entry.home?.id ?? null };
  }

  async function put(person: Person, asked?: { code: string } | { document: string }): Promise<void> {
    const id = newId();
    const step = rules.addPerson(table.value as Table, person, id, now());
    await take(step);
    if (step.changed && !person.resident && asked) void recognise(id, asked);
  }

  /** Find out behind the scenes who a card or a number belongs to; nobody waits for it. */
  async function recognise(id: string, asked: { code: string } | { document: string }): Promise<void> {
    const { setting } = table.value as Table;
    const people = await askTable(setting.round, setting.division, asked);
    if (people === null) return;
    await inTurn(async () => {
      const now = table.value;
      if (!now?.tube?.samples.some((sample) => sample.id === id)) return;
      await take(rules.recognised(now, id, people[0] ?? null, "code" in asked));
    });
  }

  function choose(entry: Entry): Promise<void> {
    return inTurn(() => put(personOf(entry)));
  }

  function walkIn(visitor: Visitor): Promise<void> {
    return inTurn(() => put({ visitor, label: visitor.name }));
  }

  /** How somebody on a list stands at this table, in a word. */
  function mark(entry: Entry): string {
    const step = rules.addPerson(table.value as Table, personOf(entry), "", "");
    return step.said.way === "send_on" ? "✓" : "";
  }

  begin().catch(() => undefined);
  const stopHolding = setInterval(() => {
    // the offer to go on with a closed tube ends with the hold
    const closed = table.value?.closed[table.value.closed.length - 1];
    if (reopening.value && (!closed || Date.now() - Date.parse(closed.at) > 5000)) reopening.value = null;
  }, 1000);
  onBeforeUnmount(() => clearInterval(stopHolding));

  return reactive({
    draft,
    table,
    roster,
    said,
    ready,
    pending,
    reopening,
    start,
    scanned,
    closeAndOpen,
    reopen,
    choose,
    walkIn,
    mark,
    doorOf,
    close: () => inTurn(close),
    undo: (id?: string) => inTurn(() => take(rules.undo(table.value as Table, id))),
    leave: () =>
      inTurn(async () => {
        if (table.value?.tube) await close();
        await dropDraft(draft.value);
      }),
  });
}

export type SamplingTable = ReturnType<typeof useTable>;

function commandOf(table: Table, tube: rules.Tube): { kind: string; payload: Record<string, unknown> } {
  return { kind: "register_scanned", payload: rules.payloadOf(table.setting, tube) };
}
