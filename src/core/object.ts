/** An object of the core's: a block of its memory, which this owns, with words at its beginning. */
import { coreMemory } from "./core.ts";

export class CoreObject {
  /** Where it lies. */
  readonly at: number;

  /** @param words how many it begins with; they are 0 */
  protected constructor(bytes: number, words: number) {
    this.at = coreMemory.block(this, bytes);
    coreMemory.words.fill(0, this.at / 4, this.at / 4 + words);
  }

  protected get(word: number): number {
    return coreMemory.words[this.at / 4 + word];
  }

  protected set(word: number, value: number): void {
    coreMemory.words[this.at / 4 + word] = value;
  }
}
