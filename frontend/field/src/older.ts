/**
 * What libraries call and browsers of the build target lack (vite.config.ts). Imported before anything else, by the page and
 * by the service worker. Our own code needs none of it: what is newer than ES2018 does not compile there (tsconfig.json).
 */
interface Global {
  globalThis?: unknown;
  queueMicrotask?: (task: () => void) => void;
}
interface Settling {
  allSettled?: (all: Iterable<unknown>) => Promise<unknown[]>;
}

// before Chrome 71, Safari 12.1
const whole = (typeof self === "undefined" ? globalThis : self) as Global;
if (!whole.globalThis) whole.globalThis = whole;
if (!whole.queueMicrotask) {
  whole.queueMicrotask = (task) => {
    Promise.resolve()
      .then(task)
      .catch((error) => setTimeout(() => {
        throw error;
      }));
  };
}

// before Chrome 76, Safari 13
const promise = Promise as Settling;
if (!promise.allSettled) {
  promise.allSettled = (all) =>
    Promise.all(
      Array.from(all, (one) =>
        Promise.resolve(one).then(
          (value) => ({ status: "fulfilled", value }),
          (reason: unknown) => ({ status: "rejected", reason }),
        ),
      ),
    );
}

export {};
