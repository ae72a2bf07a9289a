/** A hand-over on the phone: the draft that is kept, what the phone knows of boxes, the parcel at the end. */

import { computed, onBeforeUnmount, onMounted, reactive, ref, watch } from "vue";

import type { FormDraft } from "../../forms/house";
import { deskPhone, finish, keepDraft, loadDraft, myself, newDraft, plain, rowsOf, takeBack } from "../../forms/house";
import type { Form, Words } from "../../forms/types";
import { classify } from "../../scan/classify";
import { sayBad, sayGood } from "../../scan/feedback";
import { listen } from "../../scan/wedge";
import * as rules from "./state";
import type { Handover, Task } from "./state";
import { TASKS } from "./tasks";

interface HandoverDraft extends FormDraft {
  handover: Handover | null;
}

export function useHandover(form: Form, duty: number | null) {
  const draft = ref<HandoverDraft>({ ...newDraft(form.code, duty), handover: null });
  const labs = ref<{ id: string; name: string }[]>([]);
  const sites = ref<string[]>([]);
  const loads = ref<Record<string, number>>({});
  const me = ref({ title: "", role: "", may: [] as string[] });
  const desk = ref("");
  const said = ref<{ tone: "good" | "warn" | "alarm"; words: Words } | null>(null);
  const strict = ref(false);
  const ready = ref(false);
  const stage = ref<"filling" | "finished" | "gone">("filling");
  const at = computed(() => draft.value.handover);
  const expected = computed(() => (at.value ? rules.listed(at.value, loads.value) : null));
  const differs = computed(() => (at.value ? rules.difference(at.value, loads.value) : null));
  const wanting = computed(() => (at.value ? rules.wanting(at.value) : null));
  const tasks = computed(() => TASKS.filter((one) => me.value.may.includes(one.may)));

  function put(handover: Handover | null): void {
    draft.value.handover = handover;
    strict.value = false;
  }

  function change(part: Partial<Handover>): void {
    put({ ...(at.value as Handover), ...part });
  }

  function choose(task: Task): void {
    put(rules.begin(task, me.value.title, me.value.role));
    if (task === "receive" && labs.value.length === 1) change({ lab: labs.value[0]?.id ?? null });
  }

  function scan(text: string): void {
    if (!at.value || stage.value !== "filling") return;
    const reading = classify(text, ["tube"]);
    if ("fault" in reading) {
      sayBad();
      said.value = { tone: "alarm", words: reading.fault };
      return;
    }
    const step = rules.take(at.value, reading.found.text, (code) => code in loads.value);
    put(step.handover);
    said.value = { tone: step.tone, words: step.words };
    if (step.tone === "good") sayGood();
    else sayBad();
  }

  async function done(): Promise<void> {
    if (!at.value) return;
    strict.value = true;
    if (wanting.value) return;
    await finish(plain(draft.value), rules.commandOf(at.value));
    stage.value = "finished";
  }

  async function undo(): Promise<void> {
    const again = await takeBack(plain(draft.value));
    if (again) draft.value = again;
    stage.value = again ? "filling" : "gone";
  }

  /** The next box of the same post: nobody chooses the same again. */
  function next(): void {
    draft.value = { ...newDraft(form.code, null), handover: rules.begin("pack", me.value.title, me.value.role) };
    said.value = null;
    stage.value = "filling";
  }

  async function look(): Promise<void> {
    const [tubes, found, open, actor] = await Promise.all([
      rowsOf<{ box: string | null }>("tubes"),
      rowsOf<{ id: string; name: string }>("labs"),
      rowsOf<{ name: string }>("sites"),
      myself(),
    ]);
    for (const { box } of tubes) if (box) loads.value[box] = (loads.value[box] ?? 0) + 1;
    labs.value = found;
    sites.value = open.map((one) => one.name);
    const { title, role, may } = actor as { title?: string; role?: string; may?: string[] };
    me.value = { title: title ?? "", role: role ?? "", may: may ?? [] };
    desk.value = await deskPhone();
  }

  let unlisten: () => void;
  onMounted(async () => {
    unlisten = listen(scan);
    const there = await loadDraft<HandoverDraft>(form.code, draft.value.duty);
    await look();
    if (there) draft.value = there;
    else if (form.code === "pack_box") choose("pack");
    ready.value = true;
  });
  onBeforeUnmount(() => unlisten());
  watch(
    draft,
    () => (ready.value && stage.value === "filling" && at.value ? void keepDraft(plain(draft.value)) : undefined),
    { deep: true },
  );
  return reactive({
    at,
    labs,
    sites,
    desk,
    said,
    strict,
    ready,
    stage,
    expected,
    differs,
    wanting,
    tasks,
    put,
    change,
    choose,
    scan,
    done,
    undo,
    next,
  });
}
