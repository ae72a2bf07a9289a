/** What a scanned or typed code is: a person's card, an ID number, a tube, a box, a device's code, a plate. Pure. */

import type { Words } from "../forms/types";

export type Kind = "resident_code" | "id_card" | "tube" | "box" | "device_code" | "plate";

export interface Scanned {
  kind: Kind;
  /** as the server reads it: capitals, without blanks and separators */
  text: string;
}

export type Reading = { found: Scanned } | { fault: Words };

const RESIDENT_CODE = /^LF1:[A-Z2-7]{24}$/;
const PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
// ordinary and new-energy plates, and those ending in one of the reserved characters
const PLATE = new RegExp(
  `^[${PROVINCES}][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领]|[A-HJ-NP-Z0-9]{6})$`,
);
const DIPLOMATIC = /^(?:使[0-9]{6}|[0-9]{6}使)$/;
const ENROLMENT = /^[0-9A-HJKMNP-TV-Z]{10}$/;
const TUBE = /^[\x21-\x7e]{1,40}$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS = "10X98765432";
const YOUNGEST_BY_SHAPE = 5 * 365 * 86_400_000;

/** Return a code in plain characters: full-width ones narrowed, control characters and outer blanks dropped. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text
    .normalize("NFKC")
    .replace(/[\u0000-\u001f\u007f\u200b-\u200f\ufeff]/g, "")
    .trim();
}

/** Return why a text is no resident ID number (18 characters, GB 11643), or null when it is one. */
export function idFault(text: string, today: Date): Words | null {
  const number = idNumber(text);
  if (number.length !== 18)
    return {
      zh: `身份证号是 18 位，这里有 ${number.length} 位，请再核对。`,
      en: `An ID number has 18 characters; this one has ${number.length}: check it.`,
    };
  if (!/^[0-9]{17}[0-9X]$/.test(number))
    return { zh: "身份证号是 17 位数字加一位数字或 X。", en: "An ID number is 17 digits and a digit or X." };
  const born = bornOn(number);
  if (born === null || born.getUTCFullYear() < 1850 || born > today)
    return { zh: "第 7 至 14 位不是出生日期，请再核对。", en: "Digits 7 to 14 are no date of birth: check them." };
  const sum = WEIGHTS.reduce((total, weight, place) => total + weight * Number(number[place]), 0);
  if (CHECKS[sum % 11] !== number[17])
    return {
      zh: "最后一位校验不符，请对照证件再输一遍。",
      en: "The last character does not fit the others: copy it again.",
    };
  return null;
}

export function idNumber(text: string): string {
  return plain(text)
    .replace(/[\s\-_]/g, "")
    .toUpperCase();
}

function bornOn(number: string): Date | null {
  const [year, month, day] = [Number(number.slice(6, 10)), Number(number.slice(10, 12)), Number(number.slice(12, 14))];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date : null;
}

/** Say whether the day inside an ID-shaped number can be a birth rather than the day on which a tube was made. */
function isBirth(number: string, today: Date): boolean {
  const born = bornOn(number);
  return born !== null && born.getUTCFullYear() >= 1900 && today.getTime() - born.getTime() > YOUNGEST_BY_SHAPE;
}

export function plateOf(text: string): string | null {
  const plate = plain(text)
    .replace(/[\s·•.\-]/g, "")
    .toUpperCase();
  return PLATE.test(plate) || DIPLOMATIC.test(plate) ? plate : null;
}

export function enrolmentOf(text: string): string | null {
  const code = plain(text).toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
  return ENROLMENT.test(code) ? `${code.slice(0, 5)}-${code.slice(5)}` : null;
}

/**
 * Return what a text is among the accepted kinds, or the sentence that says what it is instead.
 *
 * Kinds that prove themselves (a mark, a check digit, a shape) are asked first; a tube's or a box's code can be
 * anything printed, so these take what is nothing else. Of a tube and a box the first in `accept` takes it.
 */
export function classify(raw: string, accept: readonly string[], today: Date = new Date()): Reading {
  const text = plain(raw);
  const upper = text.toUpperCase();
  if (!text) return { fault: { zh: "没有读到内容，请再扫一次。", en: "Nothing was read: scan again." } };
  if (RESIDENT_CODE.test(upper)) return take("resident_code", upper, accept);
  if (upper.startsWith("LF1:"))
    return wrong("采样码没有读全，请再扫一次。", "The card was read only in part: scan it again.");
  if (upper.startsWith("LFS1:"))
    return wrong("这是纸质登记单的码，不在这里扫。", "This is the code of a paper sheet: it is not scanned here.");
  const number = idNumber(text);
  const isId = idFault(number, today) === null && (isBirth(number, today) || !accepts(accept, "tube", "box"));
  if (isId) return take("id_card", number, accept);
  const plate = plateOf(text);
  if (plate) return take("plate", plate, accept);
  if (accepts(accept, "device_code")) {
    const code = enrolmentOf(text);
    if (code) return { found: { kind: "device_code", text: code } };
  }
  const loose = accept.find((kind) => kind === "tube" || kind === "box");
  if (loose) return TUBE.test(text) ? { found: { kind: loose as Kind, text } } : { fault: looseFault(loose) };
  if (accepts(accept, "id_card") && /^[0-9]{15,17}[0-9X]?$/.test(number)) return { fault: idFault(number, today)! };
  return { fault: notThis(accept) };
}

function accepts(accept: readonly string[], ...kinds: Kind[]): boolean {
  return kinds.some((kind) => accept.includes(kind));
}

function take(kind: Kind, text: string, accept: readonly string[]): Reading {
  if (accept.includes(kind)) return { found: { kind, text } };
  const is: Partial<Record<Kind, Words>> = {
    resident_code: { zh: "这是居民的采样码", en: "This is the card of a person" },
    id_card: { zh: "这是身份证号", en: "This is the number of an ID card" },
    plate: { zh: "这是车牌号", en: "This is a number plate" },
  };
  const what = is[kind] as Words;
  const wanted = notThis(accept);
  return { fault: { zh: `${what.zh}。${wanted.zh}`, en: `${what.en}. ${wanted.en}` } };
}

function wrong(zh: string, en: string): Reading {
  return { fault: { zh, en } };
}

function looseFault(kind: string): Words {
  return kind === "box"
    ? {
        zh: "箱码是 1 至 40 个字母和数字，请扫箱上的码。",
        en: "A box code is 1 to 40 letters and digits: scan the code on the box.",
      }
    : {
        zh: "管码是 1 至 40 个字母和数字，请扫管上的码。",
        en: "A tube code is 1 to 40 letters and digits: scan the code on the tube.",
      };
}

export const KIND_WORDS: Record<Kind, Words> = {
  resident_code: { zh: "采样码", en: "personal code" },
  id_card: { zh: "身份证", en: "ID card" },
  tube: { zh: "采样管", en: "tube" },
  box: { zh: "转运箱", en: "box" },
  device_code: { zh: "登记码", en: "enrolment code" },
  plate: { zh: "车牌", en: "number plate" },
};

function notThis(accept: readonly string[]): Words {
  const kinds = accept.map((kind) => KIND_WORDS[kind as Kind]).filter(Boolean);
  return {
    zh: `请扫${kinds.map((kind) => kind.zh).join("或")}。`,
    en: `Scan a ${kinds.map((kind) => kind.en).join(" or ")}.`,
  };
}
