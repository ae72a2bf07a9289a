/**
 * The phone's own modules against a running house, in Node.js: started by tests/surfaces/field/test_phone_modules.py with the
 * house's address, an enrolment code, a name and a password; prints what came of it as JSON.
 */
import "fake-indexeddb/auto";

import { newId } from "../src/ids.ts";
import { phone } from "../src/phone.ts";

const [house, code, username, password] = process.argv.slice(2) as [string, string, string, string];
const PIN = "270481";
let losesAnswers = 0;
const reach = globalThis.fetch;
globalThis.fetch = async (path, init) => {
  const answer = await reach(house + String(path), init);
  if (losesAnswers > 0 && String(path).endsWith("/parcels")) {
    losesAnswers -= 1;
    throw new TypeError("connection reset");
  }
  return answer;
};
phone.kick = () => undefined;
phone.queue.onFinished = () => undefined;

function work() {
  const valid_at = new Date(phone.clock.now()).toISOString();
  const envelope = { id: newId(phone.clock.now()), kind: "check_in", valid_at, payload: { assignment: newId() } };
  return { envelope, duty: null, form: "check_in", label: "上岗" };
}

const enrolled = await phone.enrol(code);
const [grant] = await phone.posts(username, password);
await phone.begin(grant!, username, PIN);
await phone.sync.run();
const me = await phone.sync.me();
const forms = (await phone.sync.forms())?.length;
const later = await phone.sync.run();
await phone.queue.finish(work());
await phone.queue.finish(work());
losesAnswers = 1;
const first = await phone.sender.send();
await phone.sender.hurry();
const second = await phone.sender.send();
const receipts = await phone.queue.receipts();
const words = await Promise.all(receipts.map((one) => phone.queue.wordsOf(one.id)));
const open = work();
await phone.queue.saveDraft({ id: open.envelope.id, form: "check_in", duty: null, at: Date.now() }, open);
await phone.signOut();
const third = await phone.sender.send();

console.log(
  JSON.stringify({
    title: enrolled.title,
    me,
    forms,
    later: later?.changed,
    sendings: [first, second, third],
    receipts: (await phone.queue.receipts()).map(({ status, code: rule }) => [status, rule]),
    words: words.map((one) => one?.zh ?? ""),
    left: await phone.store.parcels.count(),
    offset: phone.clock.offset(),
    vault: await phone.vault.state(),
  }),
);
process.exit(0);
