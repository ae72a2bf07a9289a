// @vitest-environment happy-dom
import { createMemoryHistory, createRouter, type RouteLocationNormalizedLoaded } from "vue-router";
import { expect, it } from "vitest";

import { routes } from "../../src/router.ts";

it("gives a form the duty that it was opened from", () => {
  const router = createRouter({ history: createMemoryHistory(), routes });
  const to = router.resolve({ name: "form", params: { code: "daily_check" }, query: { duty: "41" } });
  const props = to.matched[0]?.props.default;
  const given = typeof props === "function" ? props(to as RouteLocationNormalizedLoaded) : to.params;
  expect(given).toEqual({ code: "daily_check", duty: "41" });
});
