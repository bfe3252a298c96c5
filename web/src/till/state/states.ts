/** The words for what became of a command. */
import type { CommandState } from "$/store/records";
import type { Word } from "$/words/en";

const WORDS: Record<CommandState, Word> = {
  pending: "saved_here",
  sent: "sent",
  waiting: "waiting",
  applied: "confirmed",
  needs_review: "needs_review",
  rejected: "rejected",
};

export function stateWord(state: CommandState): Word {
  return WORDS[state];
}
