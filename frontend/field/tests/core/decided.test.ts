import { beforeEach, describe, expect, test, vi } from "vitest";

import { Refused } from "../../src/api/client.ts";
import { decisionsFrom, wordsFrom } from "../../src/state/rows.ts";
import { House } from "./house.ts";
import { aPhone, work } from "./made.ts";

let house: House;
beforeEach(async () => {
  house = await new House().open();
});

describe("what the desk says afterwards", () => {
  test("comes with a sync, by the parcel's id", async () => {
    const phone = await aPhone(house);
    const { id } = await phone.queue.finish(work());
    house.answerFor = () => ({ status: "held", code: "duty_done" });
    await phone.sender.send();
    const columns = ["id", "status", "code", "zh", "en", "reason", "decided_at"];
    const rows = [
      [id, "noted", "set_aside", "不予采用", "set aside", "已问过本人", "2022-07-14T00:00:00Z"],
      ["other", "applied", "decided", "已记录", "recorded", "属实", "2022-07-14T00:00:00Z"],
    ];
    house.buckets.set("decided", { digest: "d", columns, rows });
    await phone.sync.run();
    const decided = decisionsFrom(await phone.sync.rows("decided"));
    expect(decided.get(id)).toEqual({ state: "declined", code: "set_aside", zh: "不予采用", en: "set aside", reason: "已问过本人" });
    expect(decided.get("other")!.state).toBe("applied");
  });

  test("a receipt's list of what was left out is read in both languages, and none is none", () => {
    const refused = [{ sentence: "Nobody has this card.", sentence_zh: "这张码牌无人登记。" }, { sentence: "No." }];
    expect(wordsFrom({ zh: "已记录", en: "Recorded", result: { refused } }).left_out).toEqual([
      { zh: "这张码牌无人登记。", en: "Nobody has this card." },
      { zh: "No.", en: "No." },
    ]);
    expect(wordsFrom({ zh: "已记录", en: "Recorded", result: null }).left_out).toEqual([]);
    expect(wordsFrom(undefined)).toEqual({});
  });
});

test("a refusal is read in Chinese where the house says it in Chinese", async () => {
  const phone = await aPhone(house);
  const headers = { "Content-Type": "application/problem+json" };
  const said = { title: "NotPermitted", detail: "Ask your duty desk.", detail_zh: "请找值班台。" };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(said), { status: 403, headers }));
  const problem = await phone.sync.run().catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(Refused);
  expect(problem).toMatchObject({ zh: "请找值班台。", en: "Ask your duty desk." });
});
