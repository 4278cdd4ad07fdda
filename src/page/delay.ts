/** How long lines take, beside the rates. */
import { type DelayFigures, delaysOf } from "../observe/delayText.ts";
import { millisecondsWords } from "../text/quantities.ts";
import { element, setText } from "./elements.ts";

export class Delay {
  private readonly main = element("span", {}, "–");
  private readonly more = element("p", { class: "words" });

  constructor(place: HTMLElement) {
    place.append(
      element(
        "div",
        { class: "rate delay" },
        element("h3", {}, "Delay, median"),
        element("p", { class: "now" }, this.main),
        this.more,
        element("p", { class: "words" }, "kernel to backend, last minute"),
      ),
    );
  }

  show(figures: DelayFigures): void {
    const delays = delaysOf(figures);
    setText(this.main, typeof delays === "string" ? "–" : millisecondsWords(delays.p50));
    setText(this.more, typeof delays === "string" ? delays : `99% within ${millisecondsWords(delays.p99)}`);
  }
}
