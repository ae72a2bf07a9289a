import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

const css = readFileSync(join(__dirname, "../../src/ui/theme.css"), "utf8");

function colours(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).split("}")[0]!;
  const found: Record<string, string> = {};
  for (const [, name, value] of block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{3,6});/g)) found[name!] = value!;
  return found;
}

function luminance(hex: string): number {
  const full = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  const parts = [0, 2, 4].map((at) => {
    const value = parseInt(full.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0]! + 0.7152 * parts[1]! + 0.0722 * parts[2]!;
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

const first = colours(":root");
const strong = { ...first, ...colours("html.contrast") };

describe.each([
  ["as it is", first],
  ["in strong contrast", strong],
])("what is read outdoors, %s", (_, use) => {
  it.each([
    ["ink", "sheet"],
    ["ink", "paper"],
    ["soft", "sheet"],
    ["soft", "paper"],
    ["act", "sheet"],
    ["sheet", "act"],
    ["sheet", "sea"],
    ["sheet", "alarm"],
    ["alarm", "alarm-paper"],
    ["warn", "warn-paper"],
    ["good", "good-paper"],
  ])("%s on %s stands out seven to one", (text, ground) => {
    expect(contrast(use[text]!, use[ground]!)).toBeGreaterThanOrEqual(7);
  });
});
