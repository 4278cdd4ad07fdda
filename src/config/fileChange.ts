/**
 * When a file that is looked at again and again has changed, and has come to rest: a burst of changes is one. It is
 * judged by what `stat` says of what the path leads to, so an editor that writes another file and renames it, and a link
 * that is swapped (as Kubernetes does with a ConfigMap), are changes like any other.
 */

/** A file that is gone for so many looks is told as missing. Between two files of one name there is a moment without. */
const MISSING_LOOKS = 10;

export class FileChange {
  /** As it was when it was acted upon last. */
  private settled: string | undefined;
  private last: string | undefined;
  private looks = 0;

  /**
   * Takes what there is now: anything that differs when the file does; undefined: there is no file. True: it is another
   * than before, and the same as at the last look.
   */
  see(signature: string | undefined): boolean {
    this.looks = signature === this.last ? this.looks + 1 : 1;
    this.last = signature;
    if (this.looks < (signature === undefined ? MISSING_LOOKS : 2) || signature === this.settled) return false;
    this.settled = signature;
    return true;
  }
}
