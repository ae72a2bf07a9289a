/** A core that keeps everything in memory, for tests of the pages: what it answers is set by the test. */

import type { Change, Core, FormCard, Grant, Notice, ParcelView, Reason, Status, Words } from "../../src/state/core";
import type { Home, Person } from "../../src/people/search";
import type { Duty } from "../../src/today/duty";

export const ME = {
  account: "a1",
  title: "王海明",
  role: "grid_worker",
  role_zh: "网格员",
  role_en: "grid worker",
  area: "新竹村第一网格",
  register: true,
  may: [],
};

export const REASONS: Reason[] = [
  { code: "nobody_home", zh: "没人在家", en: "nobody at home" },
  { code: "refused", zh: "不开门", en: "door not opened" },
  { code: "not_found", zh: "找不到这个地方", en: "place not found" },
];

export const FORMS: FormCard[] = [
  { code: "visit", zh: "上门", en: "visit", alone: false, flow: false, reasons: REASONS },
  { code: "shift", zh: "到岗签到", en: "check in", alone: false, flow: false, reasons: [] },
  { code: "hazard", zh: "报告隐患", en: "report a hazard", alone: true, flow: false, reasons: [] },
  { code: "sampling", zh: "采样登记", en: "sampling table", alone: true, flow: true, reasons: [] },
];

export class FakeCore implements Core {
  calls: string[] = [];
  state: Status = {
    phase: "open",
    wipedBecause: null,
    device: "2号点1号台",
    me: ME,
    until: null,
    grants: [],
    offset: 0,
    syncedAt: "2022-07-13T00:50:00Z",
    lacking: false,
    deskPhone: "0898-63822110",
    triesLeft: 5,
  };
  list: Duty[] = [];
  done: number[] = [];
  packed: ParcelView[] = [];
  told: Notice[] = [];
  people: Person[] = [];
  homes: Home[] = [];
  begun: { duty: number | null }[] = [];
  rightPin = "482915";
  failing: unknown = null;
  changed = (change: Change) => this.hear(change);
  private hear: (change: Change) => void = () => undefined;

  status = async () => ({ ...this.state });
  onChange(hear: (change: Change) => void) {
    this.hear = hear;
  }
  private async call(name: string, phase?: Status["phase"]) {
    this.calls.push(name);
    if (this.failing) throw this.failing;
    if (phase) this.state.phase = phase;
    this.hear("phase");
  }
  enrol = (code: string) => this.call(`enrol ${code}`, "signin");
  signIn = (name: string) => this.call(`signIn ${name}`, this.state.grants.length > 1 ? "post" : "pin");
  choosePost = (grant: Grant) => this.call(`post ${grant.token}`, "pin");
  setPin = (pin: string) => this.call(`pin ${pin}`, "open");
  async unlock(pin: string) {
    this.calls.push("unlock");
    if (pin === this.rightPin) {
      this.state.phase = "open";
      return true;
    }
    this.state.triesLeft--;
    if (!this.state.triesLeft) Object.assign(this.state, { phase: "wiped", wipedBecause: "tries" });
    return false;
  }
  lock = () => this.call("lock", "locked");
  signOut = () => this.call("signOut", "wiped");
  wipeSeen = () => this.call("wipeSeen", "signin");
  syncing: ReturnType<Core["syncState"]> = { running: false, trouble: null };
  syncState = () => this.syncing;
  sync = () => this.call("sync");
  send = () => this.call("send");
  retry = (id: string) => this.call(`retry ${id}`);
  parcels = async () => this.packed;
  exportUnsent = async () => new Blob(["{}"]);
  duties = async () => this.list;
  finishedHere = async () => this.done;
  kinds = async () =>
    new Map<string, Words>([
      ["round_visit", { zh: "漏检上门", en: "visit to somebody missing in a round" }],
      ["transfer_to_hospital", { zh: "异常人员送医", en: "transfer to hospital" }],
      ["daily_check", { zh: "健康监测", en: "daily check" }],
      ["shift_attendance", { zh: "到岗值守", en: "turn up for a shift" }],
    ]);
  forms = async () => FORMS;
  register = async () => ({ people: this.people, homes: this.homes });
  notices = async () => this.told;
  seeNotices = () => this.call("seeNotices");
  async couldNot(duty: Duty, reason: Reason) {
    if (this.failing) throw this.failing;
    this.calls.push(`couldNot ${duty.id} ${reason.code}`);
    this.done.push(duty.id);
    return async () => {
      this.done = this.done.filter((id) => id !== duty.id);
      return true;
    };
  }
  drafts = async () => this.begun;
  storage = async () => ({ used: 12e6, free: 3.2e9, persisted: true });
}
