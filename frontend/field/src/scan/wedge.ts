/** A USB or Bluetooth scanner types like a keyboard, only faster, and ends with Enter: anywhere on the page. */

/** no human types a whole code at this pace (milliseconds between keys, at least half of them) */
const FAST = 50;
/** a longer pause begins a new code, where keys may also come from a hand; and where they cannot, on a phone out of breath */
const PAUSE = 300;
const LONG_PAUSE = 2000;
const SHORTEST = 4;

interface Key {
  key: string;
  code: string;
  shiftKey: boolean;
}

/** Return the character of a key, also where an input method hides it. */
export function character(event: Key): string {
  if (event.key.length === 1) return event.key;
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter) return event.shiftKey ? (letter[1] as string) : (letter[1] as string).toLowerCase();
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  if (digit) return digit[1] as string;
  return { Minus: "-", Semicolon: event.shiftKey ? ":" : ";" }[event.code] ?? "";
}

/** Collects keys; says a whole code when Enter ends one that came too fast for a hand. */
export class Wedge {
  private text = "";
  private gaps: number[] = [];
  private last = 0;

  /** Take a key at a time (ms); return a code when this key ended one. `free`: no field is focused, so that no hand types. */
  take(event: Key, at: number, free = false): string | null {
    const gap = at - this.last;
    const over = gap > (free ? LONG_PAUSE : PAUSE);
    if (event.key === "Enter" || event.key === "Tab") return this.end(over, free);
    const typed = character(event);
    if (!typed) return null;
    if (over) this.text = "";
    this.gaps = this.text ? [...this.gaps, gap] : [];
    this.text += typed;
    this.last = at;
    return null;
  }

  private end(over: boolean, free: boolean): string | null {
    const { text, gaps } = this;
    this.text = "";
    const middle = [...gaps].sort((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? 0;
    return text.length >= SHORTEST && !over && (free || middle <= FAST) ? text : null;
  }
}

/** Listen to the page; `onCode` gets what a scanner typed. Returns how to stop. */
export function listen(onCode: (code: string) => void): () => void {
  const wedge = new Wedge();
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const code = wedge.take(event, event.timeStamp, !fieldInUse());
    if (code === null) return;
    event.preventDefault();
    event.stopPropagation();
    takeBack(code);
    onCode(code);
  };
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

function fieldInUse(): HTMLInputElement | HTMLTextAreaElement | null {
  const at = document.activeElement;
  return at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement ? at : null;
}

/** What the scanner typed into a focused field is taken out of it again: it was no answer to that question. */
function takeBack(code: string): void {
  const at = fieldInUse();
  if (!at || !at.value.endsWith(code)) return;
  at.value = at.value.slice(0, -code.length);
  at.dispatchEvent(new Event("input", { bubbles: true }));
}
