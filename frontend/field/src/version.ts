/** Written in by the build. */
declare const __VERSION__: string;

/** The product's version. */
export const VERSION = __VERSION__;
