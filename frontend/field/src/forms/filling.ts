/** A form while it is filled in: draft, faults, finishing, taking back. */

import { computed, nextTick, onBeforeUnmount, reactive, ref, watch } from "vue";

import * as engine from "./engine";
import { deskPhone, finish, keepDraft, loadDraft, myself, newDraft, now, plain, takeBack } from "./house";
import type { Duty, FormDraft, Photo } from "./house";
import type { After, Attributes, Field, Form, Option, Surroundings, Value, Words } from "./types";

const SAVE_AFTER_MS = 250;

export type Stage = "filling" | "finished" | "gone";

export function useFilling(form: Form, duty: Duty | null) {
  const draft = ref<FormDraft>(newDraft(form.code, duty?.id ?? null));
  const me = ref<Attributes>({});
  const ready = ref(false);
  const stage = ref<Stage>("filling");
  /** whether what is missing is said: only once somebody wanted to go on */
  const strict = ref(false);
  const said = ref<After[]>([]);
  const desk = ref("");
  const trouble = ref<Words | null>(null);
  let photos: Photo[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const around = computed<Surroundings>(() => ({
    duty: duty ?? {},
    subject: (duty?.subject_row as Attributes | undefined) ?? {},
    me: me.value,
    now: now(),
    ids: draft.value.ids,
  }));
  const asked = computed(() => engine.asked(form, draft.value.values));
  const faults = computed(() => new Map(engine.faults(form, draft.value.values, around.value)));

  async function begin(): Promise<void> {
    [me.value, desk.value] = await Promise.all([myself(), deskPhone()]);
    const there = await loadDraft<FormDraft>(form.code, draft.value.duty);
    if (there) draft.value = there;
    else draft.value.values = engine.defaults(form, around.value);
    await nextTick(); // what somebody only looked at is no draft
    ready.value = true;
  }

  function put(field: Field, value: Value): void {
    trouble.value = null;
    draft.value.values = { ...draft.value.values, [field.name]: value };
  }

  function picture(id: string, jpeg: string | null): void {
    const pictures = { ...draft.value.pictures };
    if (jpeg === null) delete pictures[id];
    else pictures[id] = jpeg;
    draft.value.pictures = pictures;
  }

  function wrong(field: Field): Words | null {
    const what = strict.value ? faults.value.get(field.name) : undefined;
    return what ? engine.sentence(field, what, draft.value.values[field.name]) : null;
  }

  async function save(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (stage.value === "filling" && ready.value) await tried(() => keepDraft(plain(draft.value)));
  }

  /** Finish what is filled in; false when something is missing. */
  async function done(): Promise<boolean> {
    strict.value = true;
    if (faults.value.size) return false;
    const { values } = draft.value;
    const found = asked.value.filter(
      (field) => field.type === "photo" && draft.value.pictures[String(values[field.name])],
    );
    photos = found.map((field) => {
      const id = String(values[field.name]);
      return { id, jpeg: draft.value.pictures[id] as string, field: field.name };
    });
    return hand(engine.command(form, values, around.value), engine.said(form, values));
  }

  function excuse(reason: Option, note: string, againAt: string | null): Promise<boolean> {
    photos = [];
    return hand(engine.couldNot(form, draft.value.values, { reason, note, againAt }, around.value), []);
  }

  async function hand(command: engine.Command, after: After[]): Promise<boolean> {
    clearTimeout(timer);
    const handed = await tried(() =>
      finish({ ...plain(draft.value), label: String(duty?.name ?? "") }, command, photos),
    );
    if (handed) {
      said.value = after;
      stage.value = "finished";
    }
    return handed;
  }

  async function undo(): Promise<void> {
    const again = await takeBack(plain(draft.value), photos);
    if (!again) {
      stage.value = "gone";
      return;
    }
    draft.value = again;
    stage.value = "filling";
  }

  async function tried(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      const { zh, en } = error as Partial<Words>;
      if (!zh || !en) throw error;
      trouble.value = { zh, en };
      return false;
    }
  }

  watch(
    draft,
    () => {
      if (!ready.value || stage.value !== "filling") return;
      clearTimeout(timer);
      timer = setTimeout(() => void save(), SAVE_AFTER_MS);
    },
    { deep: true },
  );
  const hidden = (): void => (timer && document.visibilityState === "hidden" ? void save() : undefined);
  document.addEventListener("visibilitychange", hidden);
  onBeforeUnmount(() => {
    document.removeEventListener("visibilitychange", hidden);
    if (timer) void save();
  });
  void begin();
  return reactive({
    form,
    duty,
    draft,
    ready,
    stage,
    strict,
    said,
    desk,
    trouble,
    around,
    asked,
    faults,
    put,
    picture,
    wrong,
    done,
    excuse,
    undo,
  });
}

export type Filling = ReturnType<typeof useFilling>;
