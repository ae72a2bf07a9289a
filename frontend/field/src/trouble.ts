/**
 * What a person must know and do, as an error: `code` for programs, `zh` and `en` for whoever holds the phone.
 *
 * Everything the vault, the queue, the sync and the client refuse is a `Trouble`; anything else is a defect.
 */
export class Trouble extends Error {
  readonly code: string;
  readonly zh: string;
  readonly en: string;

  constructor(code: string, zh: string, en: string, cause?: unknown) {
    super(`${code}: ${en}`);
    this.name = "Trouble";
    this.code = code;
    this.zh = zh;
    this.en = en;
    if (cause !== undefined) Object.defineProperty(this, "cause", { value: cause, configurable: true });
  }
}

export function storageFull(cause?: unknown): Trouble {
  return new Trouble(
    "storage_full",
    "手机存储已满，这一项还没有保存。已完成的都在。请删去手机里的照片或视频腾出空间，再点一次。",
    "The phone's storage is full and this item is not saved yet. Everything finished is safe. Free some space (photos, videos), then tap again.",
    cause,
  );
}

export function vaultClosed(): Trouble {
  return new Trouble("locked", "手机已上锁，请输入 PIN 码。", "The phone is locked: type your PIN.");
}

/** Say whether an error of the database means that the phone has no room left (browsers word it differently). */
export function meansFull(error: unknown): boolean {
  for (let one = error, depth = 0; one && depth < 4; depth += 1) {
    const { name, message, inner } = one as { name?: string; message?: string; inner?: unknown };
    if (name === "QuotaExceededError" || /quota|disk.*full|no space|maximum size/i.test(message ?? "")) return true;
    one = inner;
  }
  return false;
}
