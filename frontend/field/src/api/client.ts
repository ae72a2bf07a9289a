/**
 * The house as the phone speaks to it: one method for each operation, typed from its OpenAPI description.
 *
 * Every method resolves with the answer's body or throws a `Trouble`: `offline` when nothing came back (no line, a gate that
 * answers in the house's place), `Refused` with the house's own sentence otherwise. Whatever says what time it is (`at`) sets
 * the clock. Nothing is tried twice here: the queue and the sync decide about that.
 */
import { Trouble } from "../trouble.ts";
import type { Clock } from "../queue/clock.ts";
import type { components } from "./generated/schema";

type Schemas = components["schemas"];
export type Grant = Schemas["GrantOut"];
export type Enrolled = Schemas["EnrolledOut"];

/** The device as the house knows it, without anybody signed in. */
export interface Device {
  device: string;
  secret: string;
  title: string;
}

export type Receipt = Schemas["ParcelReceiptOut"];
export type ParcelsAnswer = Schemas["ParcelsOut"];
export type Hello = Schemas["HelloOut"];
export type Me = Schemas["MeOut"];
export type Notice = Schemas["NoticeRow"];
export type Packed = Schemas["BucketOut"];
export type SyncAnswer = Schemas["SyncOut"];
export type Form = Schemas["Form"];

/** The house answered and said no: its sentence, its status, and after how long to ask again (ms) if it said so. */
export class Refused extends Trouble {
  readonly status: number;
  readonly title: string;
  readonly retryAfter: number | null;

  constructor(status: number, title: string, detail: string, retryAfter: number | null, detailZh = "") {
    super(`refused_${status}`, detailZh || detail, detail);
    this.status = status;
    this.title = title;
    this.retryAfter = retryAfter;
  }
}

const PATIENCE_MS = 20_000;
/** a hundred parcels with photographs over a thin line */
const LONG_PATIENCE_MS = 90_000;

export class Client {
  /** Called with the house's own time (ms), by which sign-ins end: a drill moves the other one. */
  onTime: (house: number) => Promise<void> = () => Promise.resolve();
  private readonly clock: Clock;
  private readonly base: string;

  constructor(clock: Clock, base = "/api") {
    this.clock = clock;
    this.base = base;
  }

  enrol(code: string): Promise<Enrolled> {
    return this.post("/devices/enrol", { code });
  }

  /** One token for each post of the account. */
  signIn(username: string, password: string, device: Device | null): Promise<Grant[]> {
    const known = device ? { device: device.device, device_secret: device.secret } : {};
    return this.post("/sign-in", { username, password, ...known });
  }

  /** For a phone on which nobody is signed in: the time, orders, the key to seal to. */
  hello(device: Device, patience = PATIENCE_MS): Promise<Hello> {
    return this.post("/field/hello", { device: device.device, secret: device.secret }, { patience });
  }

  parcels(device: Device, parcels: { id: string; sealed: string }[]): Promise<ParcelsAnswer> {
    const body = { device: device.device, secret: device.secret, parcels };
    return this.post("/field/parcels", body, { patience: LONG_PATIENCE_MS });
  }

  /** Say that what could be read is gone. */
  wiped(device: Device): Promise<Schemas["WipedOut"]> {
    return this.post("/field/wiped", { device: device.device, secret: device.secret });
  }

  sync(token: string, have: Record<string, string>, noticesAfter: number | null): Promise<SyncAnswer> {
    return this.post("/field/sync", { have, notices_after: noticesAfter }, { token, patience: LONG_PATIENCE_MS });
  }

  /** The forms, with the tag to ask again by; null when they are those of the tag. */
  async forms(token: string, tag: string | null): Promise<{ found: Schemas["FormsOut"]; tag: string | null } | null> {
    const headers: Record<string, string> = tag ? { "If-None-Match": tag } : {};
    const response = await this.reach("GET", "/field/forms", undefined, { token, headers });
    if (response.status === 304) return null;
    return { found: await this.read<Schemas["FormsOut"]>(response), tag: response.headers.get("ETag") };
  }

  private async post<Answer>(path: string, body: unknown, options: Options = {}): Promise<Answer> {
    const sent = Date.now();
    const response = await this.reach("POST", path, body, options);
    const got = Date.now();
    if (response.ok) await this.onTime(Date.parse(response.headers.get("Date") ?? ""));
    const answer = await this.read<Answer & { at?: string }>(response);
    if (typeof answer?.at === "string") await this.clock.learn(answer.at, sent, got);
    return answer;
  }

  private async reach(method: string, path: string, body: unknown, options: Options): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), options.patience ?? PATIENCE_MS);
    try {
      return await fetch(this.base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        signal: patience.signal,
      });
    } catch (error) {
      throw offline(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private async read<Answer>(response: Response): Promise<Answer> {
    // a gate of a hotel or an operator answers with a page of its own: that is no answer of the house
    if (!/json/.test(response.headers.get("Content-Type") ?? "")) throw offline(`${response.status}, no JSON`);
    let body: unknown;
    try {
      body = await response.json();
    } catch (error) {
      throw offline(error);
    }
    if (response.ok) return body as Answer;
    const { title = "", detail = "", detail_zh: chinese = "" } = body as Partial<Schemas["Problem"]>;
    throw new Refused(response.status, title, detail || `HTTP ${response.status}`, waitOf(response), chinese);
  }
}

interface Options {
  token?: string;
  patience?: number;
  headers?: Record<string, string>;
}

function waitOf(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) * 1000 : null;
}

function offline(cause: unknown): Trouble {
  return new Trouble(
    "offline",
    "没有网络，或联不上指挥部。照常做，完成的会在有网络时自动上报。",
    "No network, or headquarters cannot be reached. Go on as usual: finished work is sent when there is a line.",
    cause,
  );
}
