/** Which PINs are too easy: what a stranger who finds the phone would try within five tries. */

export const LENGTH = 6;

/** Return whether a PIN is a run (123456, 987654), a repeat (111111, 121212, 123123) or a date of birth of these days. */
export function isSimple(pin: string): boolean {
  const digits = Array.from(pin, Number);
  const steps = digits.slice(1).map((digit, i) => (digit - digits[i]! + 10) % 10);
  const steady = steps.every((step) => step === steps[0]);
  const repeated = [1, 2, 3].some((size) => pin === pin.slice(0, size).repeat(LENGTH / size));
  return (steady && [0, 1, 9].includes(steps[0]!)) || repeated || /^(19|20)\d\d(0[1-9]|1[0-2])$/.test(pin);
}
