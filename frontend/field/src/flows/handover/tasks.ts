/** What a post may do with tubes that are on their way; packing a box is a form of its own. */

import type { Words } from "../../forms/types";
import type { Task } from "./state";

export const TASKS: (Words & { task: Task; may: string; hint: Words })[] = [
  {
    task: "take_over",
    may: "specimens.hand_over_tubes",
    zh: "接过来",
    en: "Take over",
    hint: { zh: "从采样点或别人手里接，您来清点", en: "from a site or another post: you count" },
  },
  {
    task: "hand_over",
    may: "specimens.hand_over_tubes",
    zh: "交出去",
    en: "Hand over",
    hint: { zh: "交给下一手，由对方清点", en: "to the next post: they count" },
  },
  {
    task: "receive",
    may: "specimens.receive_tubes",
    zh: "实验室接收",
    en: "Receive at the laboratory",
    hint: { zh: "到实验室，清点入库", en: "arrived: count them in" },
  },
  {
    task: "found",
    may: "specimens.find_tubes",
    zh: "管找到了，或破损丢失",
    en: "A tube was found, broken or lost",
    hint: { zh: "照实记，好通知重采", en: "say so, so that people are sampled again" },
  },
];
