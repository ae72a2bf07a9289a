/** The order in which house numbers stand along a street: 2号 before 10号, 三组 before 十组. */

const DIGITS: Record<string, number> = { 〇: 0, 零: 0, 一: 1, 二: 2, 两: 2, 三: 3, 四: 4, 五: 5, 六: 6, 七: 7, 八: 8, 九: 9 };
const RUN = /[〇零一二两三四五六七八九十百]+(?=[号组栋幢单元楼室层巷弄排队])/g;
const collator = new Intl.Collator("zh", { numeric: true, sensitivity: "base" });

/** Return the value of a Chinese numeral below 1,000, such as 十二 or 三百零五. */
export function chineseNumber(text: string): number {
  if (!/[十百]/.test(text)) return Number([...text].map((sign) => DIGITS[sign] ?? 0).join(""));
  let total = 0;
  let digit = 0;
  for (const sign of text) {
    if (sign === "百" || sign === "十") {
      total += (digit || 1) * (sign === "百" ? 100 : 10);
      digit = 0;
    } else digit = DIGITS[sign] ?? 0;
  }
  return total + digit;
}

function spelled(text: string): string {
  return text.replace(RUN, (numeral) => String(chineseNumber(numeral)));
}

/** Compare two addresses in the order of their house numbers; an empty one comes last. */
export function natural(a: string, b: string): number {
  if (!a || !b) return a ? -1 : b ? 1 : 0;
  return collator.compare(spelled(a), spelled(b));
}
