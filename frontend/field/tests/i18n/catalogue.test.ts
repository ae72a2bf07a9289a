import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { parse } from "vue/compiler-sfc";
import { describe, expect, it } from "vitest";

import { en, t, zh, type Key } from "../../src/i18n";
import { moment, span } from "../../src/i18n/times";
import { prefs } from "../../src/prefs";

const SOURCE = join(__dirname, "../../src");
const WORDS = /\p{L}{2,}/u;
const CHINESE = /\p{Script=Han}/u;
/** `say("中文", "English")` and `{ zh, en }`: each sentence stands beside its other self */
const PAIRED = /\/src\/(?:forms|flows|scan|photo)\/|FormPage\.vue$/;
const literal = (inside: string) => `("${inside}[^"\\n]*"|'${inside}[^'\\n]*'|\`${inside}[^\`]*\`)`;
const HAN_AHEAD = "(?=[^\"'`]*\\p{Script=Han})";
const PAIR = new RegExp(`${literal(HAN_AHEAD)}\\s*,\\s*(?:en:\\s*)?${literal("")}`, "gu");
/** what stands on plates */
const ONLY_DATA = /PROVINCES|PLATE|DIPLOMATIC|挂学警/;
const SAID = ["title", "placeholder", "aria-label", "label", "alt"];

interface Node {
  type: number;
  content?: unknown;
  tag?: string;
  props?: { type: number; name: string; value?: { content: string } }[];
  children?: Node[];
  branches?: Node[];
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

/** Text and spoken attributes of a template that are written there, but for what bears translate="no". */
function written(node: Node): string[] {
  if (node.props?.some((prop) => prop.name === "translate" && prop.value?.content === "no")) return [];
  const here =
    node.type === 2 && typeof node.content === "string" && WORDS.test(node.content) ? [node.content.trim()] : [];
  const props = (node.props ?? [])
    .filter((prop) => prop.type === 6 && SAID.includes(prop.name) && WORDS.test(prop.value?.content ?? ""))
    .map((prop) => `${prop.name}="${prop.value!.content}"`);
  return [...here, ...props, ...(node.children ?? []).flatMap(written)];
}

describe("the catalogue", () => {
  it("says everything in both languages", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
    for (const key of Object.keys(zh) as Key[]) {
      expect(zh[key].trim(), key).not.toBe("");
      expect(en[key].trim(), key).not.toBe("");
    }
  });

  it("is Chinese in Chinese and has no Chinese in English", () => {
    const alike = ["me.language", "app.otherLanguage"];
    const telling = (Object.keys(zh) as Key[]).filter(
      (one) => !alike.includes(one) && WORDS.test(en[one].replace(/\{\w+\}/g, "")),
    );
    for (const key of telling) {
      expect(zh[key].replace(/\{\w+\}/g, ""), key).toMatch(CHINESE);
      expect(en[key], key).not.toMatch(CHINESE);
    }
  });

  it("fills in the same things in both", () => {
    const names = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    for (const key of Object.keys(zh) as Key[]) expect(names(en[key]), key).toEqual(names(zh[key]));
  });

  it("counts in English", () => {
    prefs.lang = "en";
    expect(t("today.count", { n: 1 })).toBe("1 duty");
    expect(t("today.count", { n: 4 })).toBe("4 duties");
    prefs.lang = "zh";
    expect(t("today.count", { n: 1 })).toBe("1 件");
  });

  it("leaves no words in components", () => {
    const found = files(SOURCE)
      .filter((path) => path.endsWith(".vue") && !PAIRED.test(path))
      .flatMap((path) => {
        const { descriptor } = parse(readFileSync(path, "utf8"));
        const script = `${descriptor.scriptSetup?.content ?? ""}${descriptor.script?.content ?? ""}`;
        const strings = (script.replace(/\/\*[^]*?\*\/|\/\/.*/g, "").match(/(["'`])(?:(?!\1).)*\1/g) ?? []).filter(
          (one) => CHINESE.test(one),
        );
        return [...written((descriptor.template?.ast ?? { type: 0 }) as unknown as Node), ...strings].map(
          (text) => `${path}: ${text}`,
        );
      });
    expect(found).toEqual([]);
  });
});

describe("forms, flows and scanning, which say both languages side by side", () => {
  const paired = files(SOURCE).filter((path) => PAIRED.test(path) && /\.(vue|ts)$/.test(path));

  it("are looked at", () => expect(paired.length).toBeGreaterThan(20));

  it.each(paired)("%s says nothing in Chinese only", (path) => {
    const source = readFileSync(path, "utf8").replace(/\/\*[^]*?\*\/|<!--[^]*?-->|^\s*\/\/.*$/gm, "");
    const left = source.replace(PAIR, (whole, ...parts: string[]) => (CHINESE.test(parts[1] ?? "") ? whole : ""));
    expect(left.split("\n").filter((line) => CHINESE.test(line) && !ONLY_DATA.test(line))).toEqual([]);
  });
});

describe("times", () => {
  const now = Date.parse("2022-07-13T16:30:00Z"); // half past midnight of the 14th in the county

  it("are the county's, wherever the phone thinks it is", () => {
    prefs.lang = "zh";
    expect(moment("2022-07-13T16:05:00Z", now)).toBe("今天 00:05");
    expect(moment("2022-07-13T15:59:00Z", now)).toBe("昨天 23:59");
    expect(moment("2022-07-14T16:00:00Z", now)).toBe("明天 00:00");
    expect(moment("2022-07-31T16:00:00Z", now)).toBe("8月1日 00:00");
  });

  it("are told in their largest unit", () => {
    expect(span(-5 * 60_000)).toBe("5 分钟");
    expect(span(3 * 3_600_000)).toBe("3 小时");
    expect(span(50 * 3_600_000)).toBe("2 天");
  });
});
