import { createRouter, createWebHistory, type Router, type RouteRecordRaw } from "vue-router";

import { guard } from "./guard";
import { app } from "./state/app";

const tabs = { tabs: true };

export const routes: RouteRecordRaw[] = [
  { path: "/", name: "today", component: () => import("./pages/Today.vue"), meta: tabs },
  { path: "/duty/:id", name: "duty", component: () => import("./pages/Duty.vue"), props: true },
  {
    path: "/form/:code",
    name: "form",
    component: () => import("./pages/FormPage.vue"),
    props: ({ params, query }) => ({ code: params.code, duty: query.duty }),
  },
  { path: "/register", name: "register", component: () => import("./pages/Register.vue"), meta: tabs },
  { path: "/person/:id", name: "person", component: () => import("./pages/Person.vue"), props: true, meta: tabs },
  { path: "/sent", name: "sent", component: () => import("./pages/Sent.vue"), meta: tabs },
  { path: "/notices", name: "notices", component: () => import("./pages/Notices.vue"), meta: tabs },
  { path: "/me", name: "me", component: () => import("./pages/Me.vue"), meta: tabs },
  { path: "/starting", name: "starting", component: () => import("./pages/Starting.vue") },
  { path: "/enrol", name: "enrol", component: () => import("./pages/Enrol.vue") },
  { path: "/sign-in", name: "signin", component: () => import("./pages/SignIn.vue") },
  { path: "/post", name: "post", component: () => import("./pages/ChoosePost.vue") },
  { path: "/pin", name: "pin", component: () => import("./pages/Pin.vue") },
  { path: "/locked", name: "locked", component: () => import("./pages/Locked.vue") },
  { path: "/wiped", name: "wiped", component: () => import("./pages/Wiped.vue") },
  { path: "/:rest(.*)*", redirect: { name: "today" } },
];

/** Let every page through the guard, and after the lock go on where it interrupted; that is kept in memory only. */
export function guardWith(router: Router): void {
  let interrupted: string | null = null;
  router.beforeEach((to, from) => {
    const instead = guard(app.phase, to.name, app.me?.register === true);
    if (app.phase === "locked" || app.phase === "starting") {
      const wanted = isEntry(to.name) ? from : to;
      if (wanted.name && !isEntry(wanted.name)) interrupted = wanted.fullPath;
    } else if (app.phase !== "open") interrupted = null;
    if (app.phase === "open" && isEntry(from.name) && interrupted) {
      const back = interrupted;
      interrupted = null;
      return back;
    }
    return instead ?? true;
  });
}

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { left: 0, top: 0 },
});
guardWith(router);

function isEntry(name: unknown): boolean {
  return guard("open", name, true) !== null;
}
