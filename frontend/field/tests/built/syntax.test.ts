/** What was built, read as the oldest browsers of the build target read it: one word they do not know, and nothing starts. */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parse, type Node } from "acorn";
import { describe, expect, it } from "vitest";

const BUILT = fileURLToPath(new URL("../../../../src/lianfang/surfaces/field/static/field/", import.meta.url));
const scripts = (readdirSync(BUILT, { recursive: true }) as string[]).filter((name) => name.endsWith(".js"));

/**
 * Newer than Chrome 66 and Safari 12, though acorn reads it as ES2020, which both know in part (dynamic import, import.meta,
 * a catch without a name). Safari before 16.4 refuses a whole script for one look behind in a pattern.
 */
function tooNew(node: Node & Record<string, any>): string {
  if (node.type === "ChainExpression") return "?.";
  if (node.type === "LogicalExpression" && node.operator === "??") return "??";
  if (node.type === "Literal" && node.bigint) return "a large integer";
  if (node.type === "ExportAllDeclaration" && node.exported) return "export * as";
  if (node.type === "Literal" && node.regex && /\(\?<[=!]/.test(node.regex.pattern)) return "a look behind";
  return "";
}

function found(node: unknown, at: string[] = []): string[] {
  if (Array.isArray(node)) node.forEach((one) => found(one, at));
  else if (node && typeof node === "object") {
    const known = node as Node & Record<string, any>;
    if (typeof known.type === "string" && tooNew(known)) at.push(`${tooNew(known)} at ${known.start}`);
    for (const part of Object.values(node)) if (part && typeof part === "object") found(part, at);
  }
  return at;
}

function faults(text: string, sourceType: "module" | "script"): string[] {
  try {
    return found(parse(text, { ecmaVersion: 2020, sourceType }));
  } catch (error) {
    return [String(error)];
  }
}

describe("the built app in browsers of 2018", () => {
  it("is there", () => expect(scripts.length).toBeGreaterThan(10));

  it.each(scripts)("%s", (name) => {
    const text = readFileSync(BUILT + name, "utf8");
    expect(faults(text, /^(sw|old)\.js$/.test(name) ? "script" : "module")).toEqual([]);
  });

  it.each(["a?.b", "a ?? b", "10n", "class A { b = 1 }", "a ||= b", "1_000", "/(?<=a)b/", "export * as a from 'b'"])(
    "%s would be noticed",
    (text) => expect(faults(text, "module")).not.toEqual([]),
  );

  it("the page for browsers without modules speaks the oldest script", () => {
    parse(readFileSync(`${BUILT}old.js`, "utf8"), { ecmaVersion: 5, sourceType: "script" });
  });
});
